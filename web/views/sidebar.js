/** The top bar and the list of conversations. */

import { isolated, StateName } from "../client/index.js";
import { arrange, avatar, element, icon, Icons, setAttribute, setText } from "./element.js";
import { shortTime } from "./timeline.js";

/** @import { Client, ConversationInfo } from "../client/public.js" */
/** @import { Drafts } from "../session.js" */
/** @import { ConversationRow as Row } from "./types.js" */

export class SidebarView {
  /** @type {Map<string, Row>} */
  #rows = new Map();
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

  /** @param {string | null} id */
  focus(id) {
    const row = id === null ? undefined : this.#rows.get(id);
    const target = row?.button ?? this.root.querySelector("button");
    target?.focus();
  }

  /** @param {Client} client @param {number} now */
  render(client, now) {
    const { conversations, isLoaded } = client;
    const gone = new Set(this.#rows.keys());
    const roots = conversations.map((info) => {
      gone.delete(info.id);
      const row = this.#rows.get(info.id) ?? this.#create(info.id);
      this.#update(row, info, client, now);
      return row.root;
    });
    for (const id of gone) this.#rows.delete(id);
    arrange(this.#list, roots);
    this.#empty.hidden = conversations.length > 0;
    setText(
      this.#empty,
      isLoaded ? "No conversations yet. Start one with “New”." : "Loading your conversations…",
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

  /**
   * @param {Row} row
   * @param {ConversationInfo} info
   * @param {Client} client
   * @param {number} now
   */
  #update(row, info, client, now) {
    const { activeAt, id, unread } = info;
    const { title } = client.conversation(id);
    if (row.pictureOf !== title) {
      row.pictureOf = title;
      row.button.firstElementChild?.replaceWith(avatar(id, title));
    }
    setText(row.title, title);
    const isCurrent = id === client.currentConversation?.id;
    const draft = isCurrent ? "" : this.#drafts.get(id);
    setText(row.preview, draft ? `Draft: ${draft}` : preview(info, client));
    setText(row.time, activeAt > 0 ? shortTime(activeAt, now) : "");
    setText(row.unread, unread > 99 ? "99+" : String(unread || ""));
    row.unread.hidden = unread === 0;
    setAttribute(row.unread, "aria-label", unread > 0 ? `${unread} unread` : null);
    setAttribute(row.button, "aria-current", isCurrent ? "true" : null);
  }
}

/** @param {ConversationInfo} info @param {Client} client */
function preview({ id, lastMessage }, client) {
  if (!lastMessage) return "No messages yet";
  const { body: text = "", deleted, name, sender = "" } = lastMessage;
  const body = deleted ? "Message deleted" : text;
  const isMine = sender === client.me.user;
  const speaker = isMine ? "You" : client.conversation(id).nameOf(sender, name);
  return speaker ? `${isolated(speaker)}: ${isolated(body)}` : body;
}

export class StatusView {
  #text = element("span", { class: "status-words" });
  #state = element(
    "p",
    {
      class: "status",
      role: "status",
      "aria-live": "polite",
      "data-testid": "connection-state",
      "data-state": "connecting",
    },
    element("span", { class: "status-dot", "aria-hidden": "true" }),
    this.#text,
  );
  #me = element("span", { class: "me" });

  /** @param {() => void} onLogOut */
  constructor(onLogOut) {
    const leave = element(
      "button",
      {
        class: "quiet",
        type: "button",
        "data-testid": "logout",
        title: "Log out",
        "aria-label": "Log out",
        onclick: onLogOut,
      },
      icon(Icons.leave),
    );
    const brand = element(
      "h1",
      { class: "brand" },
      element("img", { src: "favicon.svg", alt: "", width: 26, height: 26 }),
      element("span", {}, "Confab"),
    );
    this.root = element("header", { class: "top" }, brand, this.#state, this.#me, leave);
  }

  /** @param {Client} client */
  render(client) {
    setAttribute(this.#state, "data-state", client.state.name);
    setText(this.#text, stateText(client));
    setText(this.#me, client.me.name);
    setAttribute(this.#me, "title", `Logged in as ${client.me.user}`);
  }
}

/** @param {Client} client */
function stateText({ state }) {
  switch (state.name) {
    case StateName.connected:
      return "Connected";
    case StateName.offline:
      return "Offline. Your messages are kept";
    case StateName.polling:
      return "Reconnecting… messages still go through, more slowly";
    case StateName.reconnecting:
      return "Reconnecting… your messages are kept";
    default:
      return "Connecting…";
  }
}
