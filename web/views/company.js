/** What others do, beside the messages: who types, who has read, and who is here. */

import { isolated, systemClock } from "../client/index.js";
import { lastSeenText } from "./last_seen.js";
import { arrange, avatar, element, setAttribute, setText } from "./element.js";
import { stylesheet } from "./stylesheet.js";

/** @import { Client, Conversation, Line } from "../client/public.js" */
/** @import { MessagesView } from "./messages.js" */

/** A screen reader announces only who goes on typing. */
const ANNOUNCE_AFTER_MS = 2_000;
const MAX_NAMES = 3;
const MAX_FACES = 3;
/** A message counts as on screen if this much of it is. */
const ON_SCREEN_PX = 16;

await stylesheet("people.css");

export class CompanyView {
  #typingText = element("span", {});
  #typing = element(
    "span",
    { class: "typing-line", "aria-hidden": "true", "data-testid": "typing", hidden: true },
    element("span", { class: "typing-dots" }),
    this.#typingText,
  );
  #news = element("p", { class: "unseen", role: "status", "data-testid": "typing-news" });
  /** @type {(() => void) | null} */
  #cancelNews = null;
  #presenceText = element("span", {});
  #presence = element(
    "p",
    { class: "presence", "data-testid": "presence", hidden: true },
    element("span", { class: "presence-dot", "aria-hidden": "true" }),
    this.#presenceText,
  );
  #faces = element("span", { class: "faces", "aria-hidden": "true" });
  #readers = element("span", { class: "unseen" });
  #seenText = element("span", {});
  #seen = element("p", { class: "seen", "data-testid": "seen" }, this.#seenText);
  #seenByMany = element(
    "button",
    {
      class: "quiet seen",
      type: "button",
      "aria-haspopup": "dialog",
      "data-testid": "seen",
      onclick: () => void this.#showReaders(),
    },
    this.#readers,
    this.#faces,
  );
  /** @type {Conversation | null} */
  #conversation = null;
  /** The last message of this user. */
  #last = 0;
  /** @type {HTMLElement | null} what is below that message */
  #below = null;
  #reported = -1;
  #client;
  #messages;

  /**
   * @param {Client} client
   * @param {{people: HTMLElement, typing: HTMLElement, messages: MessagesView}} options what is on
   *   screen already
   */
  constructor(client, { people, typing, messages }) {
    this.#client = client;
    this.#messages = messages;
    people.after(this.#presence);
    typing.append(this.#typing, this.#news);
    messages.onFill = () => this.#attach();
    messages.scroller.addEventListener("scroll", () => this.#reportView());
  }

  /**
   * @param {Conversation} conversation
   * @param {number} now
   */
  render(conversation, now) {
    if (this.#conversation !== conversation) {
      this.#conversation = conversation;
      this.#reported = -1;
    }
    this.#renderTyping(conversation);
    this.#renderPresence(conversation, now);
    this.#renderSeen(conversation);
    this.#reportView();
  }

  /** @param {Conversation} conversation */
  #renderTyping(conversation) {
    const text = typingText(conversation);
    const isTyping = text !== "";
    this.#typing.hidden = !isTyping;
    setText(this.#typingText, text);
    if (!isTyping) {
      this.#cancelNews?.();
      this.#cancelNews = null;
      setText(this.#news, "");
    } else
      this.#cancelNews ??= systemClock.after(ANNOUNCE_AFTER_MS, () =>
        setText(this.#news, this.#typingText.textContent ?? ""),
      );
  }

  /**
   * @param {Conversation} conversation
   * @param {number} now
   */
  #renderPresence(conversation, now) {
    const [other, ...further] = othersIn(conversation, this.#client);
    const seen = other !== undefined && further.length === 0 ? this.#client.presence(other) : null;
    this.#presence.hidden = seen === null;
    if (seen === null) return;
    setAttribute(this.#presence, "data-online", seen.online);
    setText(this.#presenceText, seen.online ? "online" : lastSeenText(seen.lastSeen, now));
  }

  /** @param {Conversation} conversation */
  #renderSeen(conversation) {
    const { me } = this.#client;
    const isMine = (/** @type {Line} */ line) =>
      line.kind === "entry" && line.entry.event === "message" && line.entry.sender === me.user;
    const shelf = this.#messages.shelves.findLast(({ piece }) => piece.lines.some(isMine));
    const last = shelf?.piece.lines.findLast(isMine);
    this.#last = last?.kind === "entry" ? last.entry.seq : 0;
    const others = othersIn(conversation, this.#client);
    const readers = conversation.readBy(this.#last);
    const below = others.length === 1 ? this.#seen : this.#seenByMany;
    if (this.#below !== below) this.#below?.remove();
    this.#below = this.#last > 0 && readers.length > 0 ? below : null;
    if (this.#below === null) below.remove();
    setText(this.#seenText, "Seen");
    if (others.length > 1) this.#renderFaces(conversation, readers);
    this.#attach();
  }

  /**
   * @param {Conversation} conversation
   * @param {string[]} readers
   */
  #renderFaces(conversation, readers) {
    const names = readers.map((user) => conversation.nameOf(user));
    const label = `Seen by ${names.map(isolated).join(", ")}`;
    if (this.#readers.textContent === label) return;
    setText(this.#readers, label);
    const shown = readers.slice(0, MAX_FACES);
    const more = readers.length - shown.length;
    arrange(this.#faces, [
      ...shown.map((user) => avatar(user, this.#client.nameOf(user))),
      ...(more > 0 ? [element("span", {}, `and ${more}`)] : []),
    ]);
  }

  /** The row of a message may be made anew. */
  #attach() {
    const below = this.#below;
    if (below === null) return;
    const row = this.#messages.root.querySelector(`[data-seq="${this.#last}"]`);
    if (!row || below.parentElement === row) return;
    row.append(below);
    this.#messages.resized();
  }

  /** Reports the newest message on screen, which a reader has read after a moment. */
  #reportView() {
    const conversation = this.#conversation;
    if (conversation === null) return;
    // What was read before changes nothing, and a change renders the whole page.
    const seq = Math.max(this.#newestOnScreen(), conversation.info?.readTo ?? 0);
    if (seq === this.#reported) return;
    this.#reported = seq;
    conversation.inView(seq);
  }

  #newestOnScreen() {
    if (this.#messages.shelves.length === 0) return 0;
    // Behind the last message there may be entries that nobody sees.
    if (this.#messages.isAtEnd) return Number.MAX_SAFE_INTEGER;
    const { bottom } = this.#messages.scroller.getBoundingClientRect();
    const rows = [...this.#messages.root.querySelectorAll("[data-seq]")];
    const last = rows.findLast((row) => row.getBoundingClientRect().top < bottom - ON_SCREEN_PX);
    return Number(last?.getAttribute("data-seq") ?? 0);
  }

  async #showReaders() {
    const module = await import("./readers.js").catch(() => null);
    if (this.#conversation) module?.showReaders(this.#conversation, this.#last);
  }
}

/**
 * @param {Conversation} conversation
 * @param {Client} client
 */
function othersIn({ info }, { me }) {
  return [...(info?.people ?? [])].filter((user) => user !== me.user);
}

/** @param {Conversation} conversation */
function typingText(conversation) {
  const names = conversation.typing.map(({ user, name }) =>
    isolated(conversation.nameOf(user, name)),
  );
  if (names.length === 0) return "";
  if (names.length > MAX_NAMES) return "Several people are typing…";
  const last = names.pop();
  return names.length === 0 ? `${last} is typing…` : `${names.join(", ")} and ${last} are typing…`;
}
