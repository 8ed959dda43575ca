/**
 * The messages of the open conversation. It keeps the reader's place: at the end it follows, anywhere else nothing
 * moves and a button says that there is more.
 */

import { arrange, avatar, element, icon, Icons, setAttribute, setText } from "./element.js";
import { dayKey, dayWords, timeOfDay } from "./dates.js";
import { MessageRow } from "./message_row.js";

/** @import { Client } from "../client/client.js" */
/** @import { Conversation } from "../client/conversation.js" */
/** @import { RowContent } from "./message_row.js" */

/** This near to the end, in pixels, a reader is at the end. */
const AT_END = 60;
/** A pause this long, in milliseconds, starts a new group of messages of one person. */
const GROUP_PAUSE = 5 * 60_000;

const HISTORY_WORDS = Object.freeze({
  complete: "",
  more: "Earlier messages",
  loading: "Loading earlier messages…",
  failed: "Earlier messages could not be loaded. Try again",
});

export class MessagesView {
  /** @type {Map<string, MessageRow>} */ #rows = new Map();
  /** @type {Map<string, HTMLElement>} */ #notes = new Map();
  /** @type {Conversation | null} */ #shown = null;
  #newest = "";
  #atEnd = true;
  #earlier = element("button", { class: "quiet earlier", type: "button", "data-testid": "load-earlier" });
  #log = element("div", { class: "log", role: "log", "aria-live": "polite", "aria-label": "Messages", "data-testid": "message-list" });
  #empty = element("p", { class: "empty" }, "Nothing has been said yet. The first word is yours.");
  #scroller = element(
    "div", { class: "scroller", tabindex: 0, "aria-label": "Messages", role: "group", onscroll: () => this.#scrolled() },
    this.#earlier, this.#empty, this.#log,
  );
  #jump = element("button", { class: "jump", type: "button", hidden: true }, icon(Icons.down), "New messages");
  #client;

  /** @param {Client} client */
  constructor(client) {
    this.#client = client;
    this.#earlier.addEventListener("click", () => this.#shown && void client.history.loadEarlier(this.#shown));
    this.#jump.addEventListener("click", () => this.scrollToEnd());
    // Keyboards of phones and growing composers change the height: whoever was at the end stays there.
    new ResizeObserver(() => this.#atEnd && this.scrollToEnd()).observe(this.#scroller);
    this.root = element("div", { class: "messages" }, this.#scroller, this.#jump);
  }

  scrollToEnd() {
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#atEnd = true;
    this.#jump.hidden = true;
  }

  /** @param {Conversation} conversation @param {number} now */
  render(conversation, now) {
    const switched = this.#shown !== conversation;
    if (switched) this.#begin(conversation);
    const { rows, newest, newestIsMine } = this.#contents(conversation, now);
    const history = this.#client.history.state(conversation);
    const anchor = switched || this.#atEnd ? null : this.#firstVisible();
    const before = anchor?.getBoundingClientRect().top ?? 0;

    this.#earlier.hidden = history === "complete";
    setText(this.#earlier, HISTORY_WORDS[history]);
    setAttribute(this.#earlier, "aria-busy", history === "loading" ? "true" : null);
    // Old messages are not news: a screen reader should not read a page of history aloud.
    if (history === "loading" || switched) this.#silence();
    arrange(this.#log, rows);
    this.#empty.hidden = rows.length > 0 || history !== "complete";

    const isNew = newest !== this.#newest && newest !== "";
    this.#newest = newest;
    if (switched || this.#atEnd || (isNew && newestIsMine)) this.scrollToEnd();
    else if (anchor) this.#scroller.scrollTop += anchor.getBoundingClientRect().top - before;
    if (isNew && !this.#atEnd) this.#jump.hidden = false;
  }

  /** @param {Conversation} conversation */
  #begin(conversation) {
    this.#shown = conversation;
    this.#rows.clear();
    this.#notes.clear();
    this.#log.replaceChildren();
    this.#newest = "";
    this.#atEnd = true;
    this.#jump.hidden = true;
  }

  #silence() {
    setAttribute(this.#log, "aria-live", "off");
    requestAnimationFrame(() => requestAnimationFrame(() => setAttribute(this.#log, "aria-live", "polite")));
  }

  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    this.#atEnd = scrollHeight - scrollTop - clientHeight < AT_END;
    if (this.#atEnd) this.#jump.hidden = true;
  }

  /** A message, because the line that names a day moves away to where that day now begins. */
  #firstVisible() {
    const top = this.#scroller.getBoundingClientRect().top;
    return [...this.#log.querySelectorAll(".message")].find((message) => message.getBoundingClientRect().bottom > top);
  }

  /** @param {Conversation} conversation @param {number} now */
  #contents(conversation, now) {
    const { directory, me } = this.#client;
    /** @type {HTMLElement[]} */
    const rows = [];
    let [day, speaker, spokeAt, newest, newestIsMine] = ["", "", 0, "", false];
    for (const line of conversation.lines()) {
      const at = line.kind === "outgoing" ? line.outgoing.writtenAt : Date.parse(line.entry.sentAt ?? "") || spokeAt;
      const words = line.kind === "entry" && line.entry.event !== "message" ? changeWords(line.entry, (user) => directory.nameOf(user)) : null;
      if (line.kind === "entry" && line.entry.event !== "message" && words === null) continue;
      if (at > 0 && dayKey(at) !== day) {
        day = dayKey(at);
        speaker = "";
        const separator = this.#note(`day ${day}`, "day");
        setText(separator, dayWords(at, now));
        rows.push(separator);
      }
      if (words !== null) {
        const note = this.#note(line.key, "note");
        setText(note, words);
        rows.push(note);
        speaker = "";
        continue;
      }
      const content = contentOf(line, me);
      const startsGroup = content.sender !== speaker || at - spokeAt > GROUP_PAUSE;
      [speaker, spokeAt, newest, newestIsMine] = [content.sender, at, line.key, content.isMine];
      let row = this.#rows.get(line.key);
      if (!row) {
        row = new MessageRow({
          picture: content.isMine ? null : avatar(content.sender, content.name),
          onRetry: (id) => this.#client.retry(conversation.id, id),
          onDiscard: (id) => this.#client.discard(conversation.id, id),
        });
        this.#rows.set(line.key, row);
      }
      row.render({ ...content, startsGroup, time: at > 0 ? timeOfDay(at) : "" });
      rows.push(row.root);
    }
    return { rows, newest, newestIsMine };
  }

  /** @param {string} key @param {string} kind */
  #note(key, kind) {
    const note = this.#notes.get(key) ?? element("p", { class: kind });
    this.#notes.set(key, note);
    return note;
  }
}

/**
 * @param {import("../client/conversation.js").Line} line
 * @param {import("../client/conversation.js").Person} me
 * @returns {Omit<RowContent, "startsGroup" | "time">}
 */
function contentOf(line, me) {
  if (line.kind === "outgoing") {
    const { id, body, failure } = line.outgoing;
    return { id, seq: null, sender: me.user, name: me.name, body, isMine: true, state: failure ? "failed" : "pending", problem: failure?.message ?? "" };
  }
  const { id = "", seq, sender = "", name = sender, body = "" } = line.entry;
  return { id, seq, sender, name, body, isMine: sender === me.user, state: "sent", problem: "" };
}

/**
 * What an entry that is no message says; `null` for kinds that this page does not know.
 * @param {import("../client/protocol.js").Entry} entry
 * @param {(user: string) => string} nameOf
 */
function changeWords({ event, user = "", by = "" }, nameOf) {
  const [name, actor] = [nameOf(user), nameOf(by)];
  if (event === "participantAdded") return by === user || by === "" ? `${name} joined` : `${actor} added ${name}`;
  if (event === "participantRemoved") return by === user || by === "" ? `${name} left` : `${actor} removed ${name}`;
  return null;
}
