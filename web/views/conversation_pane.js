import { isolated } from "../client/index.js";
import { ComposerView } from "./composer.js";
import { element, icon, Icons, setAttribute, setText } from "./element.js";
import { MessagesView } from "./messages.js";

/** @import { Client, ConversationInfo } from "../client/index.js" */
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

  /**
   * @param {Client} client
   * @param {{drafts: Drafts, onBack: () => void, onPeople: () => void}} options
   */
  constructor(client, { drafts, onBack, onPeople }) {
    this.#messages = new MessagesView(client);
    this.#composer = new ComposerView(
      drafts,
      (body) => void client.currentConversation?.send(body),
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

  /** On touch devices, focusing the composer opens the keyboard. */
  focus() {
    if (matchMedia("(hover: none)").matches) this.#title.focus();
    else this.#composer.focus();
  }

  /**
   * @param {Client} client
   * @param {number} now
   */
  render(client, now) {
    const conversation = client.currentConversation;
    const info = conversation?.info;
    this.#content.hidden = !info;
    this.#empty.hidden = info !== undefined;
    if (!conversation || !info) {
      setText(this.#empty, emptyText(client));
      return;
    }
    const { title } = conversation;
    setText(this.#title, title);
    setAttribute(this.#content, "aria-label", title);
    setText(this.#people, peopleText(info, client));
    const count = info.complete ? String(info.people.size) : "";
    setText(this.#count, count);
    setAttribute(this.#showPeople, "aria-label", count ? `People: ${count}` : "People");
    this.#messages.render(conversation, now);
    this.#composer.render(info.id);
  }
}

/**
 * @param {ConversationInfo} info
 * @param {Client} client
 */
function peopleText({ people, complete }, client) {
  const { user: me } = client.me;
  const others = [...people].filter((user) => user !== me);
  const names = others.map((user) => isolated(client.nameOf(user)));
  if (people.has(me)) names.unshift("You");
  if (!complete && names.length > 0) names.push("…");
  return names.join(", ");
}

/** @param {Client} client */
function emptyText(client) {
  if (!client.currentConversation) return "Choose a conversation, or start a new one.";
  return client.isLoaded ? "You are not in this conversation." : "Loading…";
}
