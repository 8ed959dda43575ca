/** The list of conversations, the most recently active first. */

import { isolated } from "../client/conversation.js";
import { arrange, avatar, element, icon, Icons, setAttribute, setText } from "./element.js";
import { shortMoment } from "./dates.js";

/** @import { Client } from "../client/client.js" */
/** @import { Listed } from "../client/index.js" */
/** @import { Drafts } from "../session.js" */

/**
 * @typedef {object} Row
 * @property {HTMLLIElement} root
 * @property {HTMLButtonElement} button
 * @property {HTMLElement} title
 * @property {HTMLElement} preview
 * @property {HTMLElement} time
 * @property {HTMLElement} unread
 * @property {string} pictureOf
 */

export class SidebarView {
  /** @type {Map<string, Row>} */ #rows = new Map();
  #list = element("ul", {
    class: "conversations",
    "data-testid": "conversation-list",
    "aria-label": "Conversations",
  });
  #empty = element("p", { class: "empty" });
  #drafts;
  #onOpen;

  /** @param {{drafts: Drafts, onOpen: (id: string) => void, onNew: () => void}} options */
  constructor({ drafts, onOpen, onNew }) {
    this.#drafts = drafts;
    this.#onOpen = onOpen;
    const start = element(
      "button",
      { class: "tinted", type: "button", "data-testid": "new-conversation", onclick: onNew },
      icon(Icons.plus),
      "New",
    );
    this.root = element(
      "nav",
      { class: "sidebar", "aria-label": "Conversations" },
      element("div", { class: "pane-head" }, element("h2", {}, "Conversations"), start),
      this.#empty,
      this.#list,
    );
  }

  /** Moves the focus to a conversation, or to the first thing in the list. @param {string | null} id */
  focus(id) {
    const row = id === null ? undefined : this.#rows.get(id);
    const target = row?.button ?? this.root.querySelector("button");
    target?.focus();
  }

  /** @param {Client} client @param {number} now */
  render(client, now) {
    const { directory } = client;
    const all = directory.all();
    const gone = new Set(this.#rows.keys());
    const roots = all.map((listed) => {
      gone.delete(listed.id);
      const row = this.#rows.get(listed.id) ?? this.#create(listed.id);
      this.#update(row, listed, directory.titleOf(listed), client, now);
      return row.root;
    });
    for (const id of gone) this.#rows.delete(id);
    arrange(this.#list, roots);
    this.#empty.hidden = all.length > 0;
    setText(
      this.#empty,
      client.isListed
        ? "No conversations yet. Start one with “New”, or wait for somebody to start one with you: it appears here at once."
        : "Loading your conversations…",
    );
  }

  /** @param {string} id @returns {Row} */
  #create(id) {
    const title = element("span", { class: "row-title" });
    const preview = element("span", { class: "row-preview" });
    const time = element("span", { class: "row-time" });
    const unread = element("span", { class: "badge" });
    const button = element(
      "button",
      {
        class: "row",
        type: "button",
        "data-testid": "conversation-item",
        "data-conversation": id,
        onclick: () => this.#onOpen(id),
      },
      avatar(id, ""),
      title,
      time,
      preview,
      unread,
    );
    const row = {
      root: element("li", {}, button),
      button,
      title,
      preview,
      time,
      unread,
      pictureOf: "",
    };
    this.#rows.set(id, row);
    return row;
  }

  /** @param {Row} row @param {Listed} listed @param {string} name @param {Client} client @param {number} now */
  #update(row, listed, name, client, now) {
    if (row.pictureOf !== name) {
      row.pictureOf = name;
      row.button.firstElementChild?.replaceWith(avatar(listed.id, name));
    }
    setText(row.title, name);
    const isOpen = listed.id === client.openId;
    const draft = isOpen ? "" : this.#drafts.get(listed.id);
    setText(row.preview, draft ? `Draft: ${draft}` : preview(listed, client.me.user));
    setText(row.time, listed.activeAt > 0 ? shortMoment(listed.activeAt, now) : "");
    setText(
      row.unread,
      listed.unread > 0 ? `${Math.min(listed.unread, 99)}${listed.unread > 99 ? "+" : ""}` : "",
    );
    row.unread.hidden = listed.unread === 0;
    setAttribute(row.unread, "aria-label", listed.unread > 0 ? `${listed.unread} unread` : null);
    setAttribute(row.button, "aria-current", isOpen ? "true" : null);
  }
}

/** @param {Listed} listed @param {string} me */
function preview({ lastMessage }, me) {
  if (!lastMessage) return "No messages yet";
  const who = lastMessage.sender === me ? "You" : (lastMessage.name ?? lastMessage.sender);
  return who ? `${isolated(who)}: ${isolated(lastMessage.body ?? "")}` : (lastMessage.body ?? "");
}
