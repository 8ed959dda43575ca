/** The conversation on the screen: its name and people, its messages, and where to write. */

import { ComposerView } from "./composer.js";
import { element, icon, Icons, setAttribute, setText } from "./element.js";
import { MessagesView } from "./messages.js";

/** @import { Client } from "../client/client.js" */

export class ConversationPane {
  #title = element("h2", {});
  #people = element("p", { class: "people" });
  #empty = element("p", { class: "empty" });
  #messages;
  #composer;
  #content;

  /** @param {Client} client @param {() => void} onBack */
  constructor(client, onBack) {
    this.#messages = new MessagesView(client);
    this.#composer = new ComposerView((body) => client.openId !== null && void client.conversation(client.openId).send(body));
    const back = element(
      "button", { class: "quiet back", type: "button", "aria-label": "Back to the conversations", title: "Back", onclick: onBack },
      icon(Icons.back),
    );
    const head = element("div", { class: "pane-head" }, back, element("div", { class: "pane-title" }, this.#title, this.#people));
    this.#content = element("section", { class: "conversation" }, head, this.#messages.root, this.#composer.root);
    this.root = element("main", { class: "pane" }, this.#empty, this.#content);
  }

  focus() {
    this.#composer.focus();
  }

  /** @param {Client} client @param {number} now */
  render(client, now) {
    const listed = client.openId === null ? undefined : client.directory.get(client.openId);
    this.#content.hidden = !listed;
    this.#empty.hidden = listed !== undefined;
    if (!listed) {
      setText(this.#empty, emptyWords(client));
      return;
    }
    const name = client.directory.titleOf(listed);
    setText(this.#title, name);
    setAttribute(this.#content, "aria-label", name);
    const people = [...listed.people].map((user) => (user === client.me.user ? "You" : client.directory.nameOf(user)));
    setText(this.#people, people.length > 0 ? people.sort((one, other) => Number(other === "You") - Number(one === "You")).join(", ") : "");
    this.#messages.render(client.conversation(listed.id), now);
    this.#composer.render(listed.id);
  }
}

/** @param {Client} client */
function emptyWords(client) {
  if (client.openId === null) return "Choose a conversation, or start a new one.";
  return client.isListed ? "You are not in this conversation, or no longer." : "Loading…";
}
