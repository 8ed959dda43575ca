/**
 * The messages of the open conversation. It keeps the reader's place: at the end it follows, anywhere else nothing
 * moves and a button says that there is more. Only pieces near what is seen have rows; the others are empty and as high
 * as they were, so a long conversation costs no more than a short one.
 */

import { arrange, avatar, element, icon, Icons, setAttribute, setText } from "./element.js";
import { MessageRow } from "./message_row.js";
import { itemsOf, piecesOf } from "./timeline.js";

/** @import { Client } from "../client/client.js" */
/** @import { Conversation } from "../client/conversation.js" */
/** @import { Line } from "../client/index.js" */
/** @import { Item, Piece, Reader } from "./timeline.js" */

/** This near to the end, in pixels, a reader is at the end. */
const AT_END = 60;
/** Rows are made this far, in heights of what is seen, beyond it. */
const AHEAD = 1;
/** Earlier messages are asked for when the beginning is this near, in pixels. */
const NEAR_BEGINNING = 800;
/** The height of a message that was never shown, in pixels. */
const USUAL_HEIGHT = 52;

const HISTORY_WORDS = Object.freeze({
  complete: "",
  more: "Earlier messages",
  loading: "Loading earlier messages…",
  failed: "Earlier messages could not be loaded. Try again",
});

/** @typedef {{root: HTMLElement, piece: Piece, rows: Map<string, MessageRow | HTMLElement>, isFilled: boolean}} Shelf */

export class MessagesView {
  /** By the piece's key. @type {Map<string, Shelf>} */ #shelves = new Map();
  /** From top to bottom. @type {Shelf[]} */ #order = [];
  /** @type {Conversation | null} */ #shown = null;
  /** @type {Reader | null} */ #reader = null;
  #newest = "";
  /** Keys of the failed messages that have been announced. @type {Set<string>} */ #failed =
    new Set();
  #atEnd = true;
  #frame = 0;
  #width = 0;
  #earlier = element("button", {
    class: "quiet earlier",
    type: "button",
    "data-testid": "load-earlier",
  });
  // New messages are announced by a line of their own: rows come and go while somebody scrolls, and are no news.
  #log = element("div", {
    class: "log",
    role: "log",
    "aria-live": "off",
    "aria-label": "Messages",
    "data-testid": "message-list",
  });
  #news = element("p", { class: "unseen", role: "status", "data-testid": "announcement" });
  #empty = element("p", { class: "empty" }, "Nothing has been said yet. The first word is yours.");
  #scroller = element(
    "div",
    {
      class: "scroller",
      tabindex: 0,
      "aria-label": "Messages",
      role: "group",
      onscroll: () => this.#scrolled(),
    },
    this.#earlier,
    this.#empty,
    this.#log,
  );
  #jump = element(
    "button",
    { class: "jump", type: "button", hidden: true, "data-testid": "jump-to-end" },
    icon(Icons.down),
    "New messages",
  );
  #client;

  /** @param {Client} client */
  constructor(client) {
    this.#client = client;
    this.#earlier.addEventListener("click", () => void this.#shown?.loadEarlier());
    this.#jump.addEventListener("click", () => this.scrollToEnd());
    // Keyboards of phones and growing composers change the height: whoever was at the end stays there.
    new ResizeObserver(() => this.#resized()).observe(this.#scroller);
    this.root = element("div", { class: "messages" }, this.#scroller, this.#jump, this.#news);
  }

  scrollToEnd() {
    this.#atEnd = true;
    this.#jump.hidden = true;
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#fill();
  }

  /** @param {Conversation} conversation @param {number} now */
  render(conversation, now) {
    const switched = this.#shown !== conversation;
    if (switched) this.#begin(conversation);
    const { directory, me } = this.#client;
    this.#reader = { me, now, nameOf: (user) => directory.nameOf(user) };
    const lines = conversation.lines();
    const { history } = conversation;
    this.#keepingPlace(switched, () => {
      this.#earlier.hidden = history === "complete";
      setText(this.#earlier, HISTORY_WORDS[history]);
      setAttribute(this.#earlier, "aria-busy", history === "loading" ? "true" : null);
      this.#arrange(piecesOf(lines));
      this.#empty.hidden = lines.length > 0 || history !== "complete";
    });
    const last = lines.at(-1);
    const isNew = last !== undefined && last.key !== this.#newest;
    const wasEmpty = this.#newest === "";
    this.#newest = last?.key ?? "";
    const isMine =
      last?.kind === "outgoing" || (last?.kind === "entry" && last.entry.sender === me.user);
    if (switched || this.#atEnd || (isNew && isMine)) this.scrollToEnd();
    else if (isNew) this.#jump.hidden = false;
    if (
      isNew &&
      !switched &&
      !wasEmpty &&
      !isMine &&
      last?.kind === "entry" &&
      last.entry.event === "message"
    ) {
      setText(this.#news, `${last.entry.name ?? last.entry.sender}: ${last.entry.body}`);
    }
    this.#announceFailures(lines);
    this.#loadEarlierIfNear();
  }

  /** @param {Line[]} lines */
  #announceFailures(lines) {
    const failed = lines.flatMap((line) =>
      line.kind === "outgoing" && line.outgoing.failure ? [line] : [],
    );
    const fresh = failed.find(({ key }) => !this.#failed.has(key));
    if (fresh) setText(this.#news, `Not sent: ${fresh.outgoing.body}`);
    this.#failed = new Set(failed.map(({ key }) => key));
  }

  /** @param {Conversation} conversation */
  #begin(conversation) {
    this.#shown = conversation;
    this.#shelves.clear();
    this.#order = [];
    this.#log.replaceChildren();
    this.#newest = "";
    this.#atEnd = true;
    this.#jump.hidden = true;
    setText(this.#news, "");
  }

  /** @param {Piece[]} pieces */
  #arrange(pieces) {
    const gone = new Set(this.#shelves.keys());
    this.#order = pieces.map((piece) => {
      gone.delete(piece.key);
      const shelf = this.#shelves.get(piece.key) ?? this.#newShelf(piece);
      shelf.piece = piece;
      if (shelf.isFilled) this.#fillShelf(shelf);
      return shelf;
    });
    for (const key of gone) this.#shelves.delete(key);
    arrange(
      this.#log,
      this.#order.map(({ root }) => root),
    );
  }

  /** @param {Piece} piece @returns {Shelf} */
  #newShelf(piece) {
    const shelf = {
      root: element("div", { class: "shelf" }),
      piece,
      rows: new Map(),
      isFilled: false,
    };
    this.#shelves.set(piece.key, shelf);
    this.#empties(shelf, piece.lines.length * USUAL_HEIGHT);
    return shelf;
  }

  /** Gives rows to the pieces near what is seen, and takes them from the others. */
  #fill() {
    if (this.#reader === null) return;
    const { top, bottom, height } = this.#scroller.getBoundingClientRect();
    const [from, to] = [top - height * AHEAD, bottom + height * AHEAD];
    // First what is near or has rows is measured, then all is changed, so that the browser lays out once.
    const concerned = new Set([
      ...this.#between(from, to),
      ...this.#order.filter(({ isFilled }) => isFilled),
    ]);
    const measured = [...concerned].map((shelf) => ({
      shelf,
      box: shelf.root.getBoundingClientRect(),
    }));
    for (const { shelf, box } of measured) {
      const isNear = box.bottom >= from && box.top <= to;
      if (isNear && !shelf.isFilled) this.#fillShelf(shelf);
      // Farther away than it was filled, or a small movement would fill and empty it in turns.
      else if (
        shelf.isFilled &&
        (box.bottom < from - height || box.top > to + height) &&
        !shelf.root.contains(document.activeElement)
      )
        this.#empties(shelf, box.height);
    }
  }

  /** Shelves that are at least partly between two heights, found by measuring few of them. @param {number} from @param {number} to */
  #between(from, to) {
    const order = this.#order;
    let [first, last] = [0, order.length];
    while (first < last) {
      const middle = (first + last) >> 1;
      if (Number(order[middle]?.root.getBoundingClientRect().bottom) < from) first = middle + 1;
      else last = middle;
    }
    while (last < order.length && Number(order[last]?.root.getBoundingClientRect().top) <= to)
      last += 1;
    return order.slice(first, last);
  }

  /** @param {Shelf} shelf @param {number} height */
  #empties(shelf, height) {
    shelf.isFilled = false;
    shelf.rows.clear();
    shelf.root.replaceChildren();
    shelf.root.style.height = `${height}px`;
  }

  /** @param {Shelf} shelf */
  #fillShelf(shelf) {
    if (this.#reader === null) return;
    shelf.isFilled = true;
    shelf.root.style.height = "";
    /** @type {Shelf["rows"]} */
    const rows = new Map();
    const roots = itemsOf(shelf.piece, this.#reader).map((item) => {
      const row = shelf.rows.get(item.key) ?? this.#newRow(item);
      rows.set(item.key, row);
      if (item.kind === "message" && row instanceof MessageRow) row.render(item.content);
      else if (item.kind !== "message" && row instanceof HTMLElement)
        setText(row.firstElementChild ?? row, item.words);
      return row instanceof MessageRow ? row.root : row;
    });
    shelf.rows = rows;
    arrange(shelf.root, roots);
  }

  /** @param {Item} item */
  #newRow(item) {
    if (item.kind !== "message") return element("p", { class: item.kind }, element("span", {}));
    const { isMine, sender, name } = item.content;
    return new MessageRow({
      picture: isMine ? null : avatar(sender, name),
      onRetry: (message) => this.#shown?.retry(message),
      onDiscard: (message) => this.#shown?.discard(message),
    });
  }

  /** What is read stays where it is while something changes above it. @param {boolean} anew @param {() => void} [change] */
  #keepingPlace(anew, change = () => {}) {
    const anchor = anew || this.#atEnd ? undefined : this.#firstVisible();
    const before = anchor?.getBoundingClientRect().top ?? 0;
    // What is near shows only once the reader is in place again, and rows are higher or lower than was guessed.
    for (const step of [change, () => this.#fill()]) {
      step();
      const moved = anchor?.isConnected ? anchor.getBoundingClientRect().top - before : 0;
      if (moved !== 0) this.#scroller.scrollTop += moved;
    }
  }

  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    this.#atEnd = scrollHeight - scrollTop - clientHeight < AT_END;
    if (this.#atEnd) this.#jump.hidden = true;
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#keepingPlace(false);
      this.#loadEarlierIfNear();
    });
  }

  #loadEarlierIfNear() {
    const conversation = this.#shown;
    if (!conversation || this.#scroller.scrollTop > NEAR_BEGINNING) return;
    if (conversation.history === "more") void conversation.loadEarlier();
  }

  #resized() {
    const { clientWidth } = this.#scroller;
    // Another width breaks lines elsewhere: what is not shown is guessed anew.
    if (this.#width !== clientWidth) {
      this.#width = clientWidth;
      for (const shelf of this.#order)
        if (!shelf.isFilled) this.#empties(shelf, shelf.piece.lines.length * USUAL_HEIGHT);
    }
    if (this.#atEnd) this.scrollToEnd();
    else this.#keepingPlace(false);
  }

  /** A message, because the line that names a day moves away to where that day now begins. */
  #firstVisible() {
    const { top } = this.#scroller.getBoundingClientRect();
    for (const { root, isFilled } of this.#order) {
      if (!isFilled || root.getBoundingClientRect().bottom <= top) continue;
      const found = [...root.querySelectorAll(".message")].find(
        (message) => message.getBoundingClientRect().bottom > top,
      );
      if (found) return found;
    }
    return undefined;
  }
}
