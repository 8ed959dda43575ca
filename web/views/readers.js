/** The dialog that shows who has read a message of a group. */

import { closeIcon, dialog, show } from "./dialog.js";
import { arrange, avatar, element } from "./element.js";

/** @import { Conversation } from "../client/public.js" */

const list = element("ul", { class: "people-list", "data-testid": "readers" });
const root = dialog(
  "readers-heading",
  { closedby: "any" },
  element(
    "div",
    { class: "dialog-form" },
    element(
      "div",
      { class: "dialog-head" },
      element("h2", { id: "readers-heading" }, "Seen by"),
      element(
        "button",
        {
          class: "quiet close",
          type: "button",
          "aria-label": "Close",
          title: "Close",
          onclick: () => root.close(),
        },
        closeIcon(),
      ),
    ),
    list,
  ),
);

/** @param {Conversation} conversation @param {number} seq of the message */
export function showReaders(conversation, seq) {
  arrange(
    list,
    conversation.readBy(seq).map((user) => {
      const name = conversation.nameOf(user);
      return element(
        "li",
        { class: "person" },
        avatar(user, name),
        element("span", { class: "person-name" }, name),
      );
    }),
  );
  show(root);
}
