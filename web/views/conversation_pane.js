/** The conversation on the screen: its name and people, its messages, and where to write. */

import { isolated } from "../client/conversation.js";
import { ComposerView } from "./composer.js";
import { element, icon, Icons, setAttribute, setText } from "./element.js";
import { MessagesView } from "./messages.js";

/** @import { Client } from "../client/client.js" */
/** @import { Listed } from "../client/index.js" */
/** @import { Drafts } from "../session.js" */

export class ConversationPane {
  #title = element("h2", { tabindex: -1 });
  #people = element("p", { class: "people" });
  #count = element("span", {});
  #empty = element("p", { class: "empty" });
  #messages;
  #composer;
  #content;
  #showPeople;

  /** @param {Client} client @param {{drafts: Drafts, onBack: () => void, onPeople: () => void}} options */
  constructor(client, { drafts, onBack, onPeople }) {
    this.#messages = new MessagesView(client);
    this.#composer = new ComposerView(
      drafts,
      (body) => client.openId !== null && void client.conversation(client.openId).send(body),
    );
    this.#showPeople = element(
      "button",
      {
        class: "quiet show-people",
        type: "button",
        "aria-haspopup": "dialog",
        title: "People",
        "data-testid": "people",
        onclick: onPeople,
      },
      icon(Icons.people),
      this.#count,
    );
    const back = element(
      "button",
      {
        class: "quiet back",
        type: "button",
        "aria-label": "Back to the conversations",
        title: "Back",
        onclick: onBack,
      },
      icon(Icons.back),
    );
    const head = element(
      "div",
      { class: "pane-head" },
      back,
      element("div", { class: "pane-title" }, this.#title, this.#people),
      this.#showPeople,
    );
    this.#content = element(
      "section",
      { class: "conversation" },
      head,
      this.#messages.root,
      this.#composer.root,
    );
    this.root = element("div", { class: "pane" }, this.#empty, this.#content);
  }

  /** Where a finger is what there is, to write brings up a keyboard over half of what is to be read: not before it is asked for. */
  focus() {
    if (matchMedia("(hover: none)").matches) this.#title.focus();
    else this.#composer.focus();
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
    setText(this.#people, peopleWords(listed, client));
    setText(this.#count, listed.complete ? String(listed.people.size) : "");
    setAttribute(
      this.#showPeople,
      "aria-label",
      listed.complete ? `People: ${listed.people.size}` : "People",
    );
    this.#messages.render(client.conversation(listed.id), now);
    this.#composer.render(listed.id);
  }
}

/** Who is in it; with dots behind as long as there may be more. @param {Listed} listed @param {Client} client */
function peopleWords({ people, complete }, { me, directory }) {
  const others = [...people]
    .filter((user) => user !== me.user)
    .map((user) => isolated(directory.nameOf(user)));
  const names = people.has(me.user) ? ["You", ...others] : others;
  return [...names, ...(complete || names.length === 0 ? [] : ["…"])].join(", ");
}

/** @param {Client} client */
function emptyWords(client) {
  if (client.openId === null) return "Choose a conversation, or start a new one.";
  return client.isListed ? "You are not in this conversation, or no longer." : "Loading…";
}
