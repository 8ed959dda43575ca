/** The top bar, the list of conversations, and the conversation with the field for a new message. */

import {
  cleanBody,
  encodedBytes,
  isolated,
  MAX_BODY_BYTES,
  StateName,
  systemClock,
} from "../client/index.js";
import {
  arrange,
  avatar,
  element,
  icon,
  Icons,
  isForInputMethod,
  setAttribute,
  setText,
} from "./element.js";
import { MessagesView } from "./messages.js";
import { shortTime } from "./timeline.js";

/** @import { Client, Conversation, ConversationInfo } from "../client/index.js" */
/** @import { Drafts } from "../session.js" */
/** @import { ConversationRow as Row } from "./types.js" */

const MAX_ROWS = 6;
const COMPANY_AFTER_MS = 1_000;
/** On-screen keyboards have no Shift+Enter, so Enter starts a new line. */
const isTouch = matchMedia("(pointer: coarse) and (hover: none)");

export class ConversationPane {
  #title = element("h2", { tabindex: -1 });
  #people = element("p", { class: "people" });
  #count = element("span", {});
  #empty = element("p", { class: "empty" });
  /** One line, also while nobody types, so that the messages do not move. */
  #typing = element("div", { class: "typing" });
  #messages;
  #composer;
  #content;
  #showPeople;
  /** @type {import("./company.js").CompanyView | null} */
  #company = null;
  #isLoading = false;

  /**
   * @param {Client} client
   * @param {{drafts: Drafts, onBack: () => void, onPeople: () => void}} options
   */
  constructor(client, { drafts, onBack, onPeople }) {
    this.#messages = new MessagesView(client);
    this.#composer = new ComposerView(drafts, {
      onInput: (text) =>
        text === ""
          ? client.currentConversation?.stopTyping()
          : client.currentConversation?.keystroke(),
      onSend: (body) => void client.currentConversation?.send(body),
    });
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
      this.#typing,
      this.#composer.root,
    );
    this.root = element("div", { class: "pane" }, this.#empty, this.#content);
  }

  /** On touch devices, focusing the composer opens the keyboard. */
  focus() {
    if (matchMedia("(hover: none)").matches) this.#title.focus();
    else this.#composer.focus();
  }

  /** @param {Client} client @param {number} now */
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
    setText(this.#people, peopleText(info, conversation, client.me.user));
    const count = info.complete ? String(info.people.size) : "";
    setText(this.#count, count);
    setAttribute(this.#showPeople, "aria-label", count ? `People: ${count}` : "People");
    this.#messages.render(conversation, now);
    this.#composer.render(info.id);
    this.#company?.render(conversation, now);
    if (conversation.history !== "loading") this.#loadCompany(client);
  }

  /**
   * What others do is not needed to read and write.
   * @param {Client} client
   */
  #loadCompany(client) {
    if (this.#isLoading) return;
    this.#isLoading = true;
    systemClock.after(COMPANY_AFTER_MS, async () => {
      const module = await import("./company.js").catch(() => null);
      // The next change of the page loads it again.
      if (!module) this.#isLoading = false;
      else {
        const [people, typing, messages] = [this.#people, this.#typing, this.#messages];
        this.#company = new module.CompanyView(client, { people, typing, messages });
        this.render(client, systemClock.now());
      }
    });
  }
}

/**
 * @param {ConversationInfo} info
 * @param {Conversation} conversation
 * @param {string} me user id
 */
function peopleText({ people, complete }, conversation, me) {
  const others = [...people].filter((user) => user !== me);
  const names = others.map((user) => isolated(conversation.nameOf(user)));
  if (people.has(me)) names.unshift("You");
  if (!complete && names.length > 0) names.push("…");
  return names.join(", ");
}

/** @param {Client} client */
function emptyText(client) {
  if (!client.currentConversation) return "Choose a conversation, or start a new one.";
  return client.isLoaded ? "You are not in this conversation." : "Loading…";
}

/** Each conversation has its own draft. */
class ComposerView {
  #conversation = "";
  #input = element("textarea", {
    id: "composer-input",
    "data-testid": "composer-input",
    rows: 1,
    placeholder: "Write a message",
    "aria-label": "Message",
    enterkeyhint: isTouch.matches ? "enter" : "send",
    autocomplete: "off",
    dir: "auto",
    onkeydown: (/** @type {KeyboardEvent} */ event) => this.#pressed(event),
    oninput: () => {
      this.#changed();
      this.#options.onInput(this.#input.value);
    },
  });
  #send = element(
    "button",
    {
      class: "send",
      type: "submit",
      "data-testid": "composer-send",
      "aria-label": "Send",
      title: "Send",
    },
    icon(Icons.send),
  );
  #message = element("p", { class: "form-message", role: "status" });
  #drafts;
  #options;

  /**
   * @param {Drafts} drafts
   * @param {{onInput: (text: string) => void, onSend: (body: string) => void}} options
   */
  constructor(drafts, options) {
    this.#drafts = drafts;
    this.#options = options;
    const onsubmit = (/** @type {SubmitEvent} */ event) => {
      event.preventDefault();
      this.#submit();
    };
    this.root = element(
      "form",
      { class: "composer", onsubmit },
      this.#message,
      element("div", { class: "composer-field" }, this.#input, this.#send),
    );
  }

  /** @param {string} conversation */
  render(conversation) {
    if (conversation === this.#conversation) return;
    this.#conversation = conversation;
    this.#input.value = this.#drafts.get(conversation);
    this.#changed();
  }

  focus() {
    this.#input.focus();
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    if (event.key !== "Enter" || event.shiftKey || isForInputMethod(event) || isTouch.matches)
      return;
    event.preventDefault();
    this.#submit();
  }

  #submit() {
    const body = cleanBody(this.#input.value);
    if (body === "" || encodedBytes(body) > MAX_BODY_BYTES) return;
    this.#input.value = "";
    this.#changed();
    this.#input.focus();
    this.#options.onSend(body);
  }

  #changed() {
    const text = this.#input.value;
    this.#drafts.set(this.#conversation, text);
    this.#input.rows = Math.min(MAX_ROWS, text.split("\n").length);
    const body = cleanBody(text);
    const excess = encodedBytes(body) - MAX_BODY_BYTES;
    this.#send.disabled = body === "" || excess > 0;
    setText(
      this.#message,
      excess > 0
        ? `The message is ${excess.toLocaleString()} bytes too long. Send it in several messages.`
        : "",
    );
  }
}

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
  const { body = "", name, sender = "" } = lastMessage;
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
