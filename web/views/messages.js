/**
 * The messages of the current conversation. At the end, the view follows new messages; elsewhere it
 * keeps its place. Only pieces near the viewport have rows; others are empty boxes of their height.
 */

import { arrange, avatar, element, icon, Icons, setAttribute, setText } from "./element.js";
import { isShown, itemsOf, piecesOf } from "./timeline.js";

/** @import { Client, Conversation, Line } from "../client/public.js" */
/** @import { ComposerView } from "./panes.js" */
/** @import { Item, Piece, Reader, RowContent, Shelf } from "./types.js" */

const AT_END_PX = 60;
/** Rows are added this far outside the viewport, in heights of the viewport. */
const AHEAD = 1;
const NEAR_BEGINNING_PX = 800;
const USUAL_HEIGHT_PX = 52;

const HISTORY_TEXT = Object.freeze({
  complete: "",
  more: "Earlier messages",
  loading: "Loading earlier messages…",
  failed: "Earlier messages could not be loaded. Try again",
});

export class MessagesView {
  /** @type {Map<string, Shelf>} */
  #shelves = new Map();
  /** @type {Shelf[]} */
  shelves = [];
  /** @type {Conversation | null} */
  shown = null;
  /** @type {import("./decorations.js").Decorations | null} loaded with the first message that needs it */
  #decorations = null;
  /** @type {Reader | null} */
  #reader = null;
  #newest = "";
  /** @type {number | null} */
  #newAfter = null;
  isAtEnd = true;
  #endTop = 0;
  /** Rows may have been made. */
  onFill = () => {};
  #frame = 0;
  #width = 0;
  #earlier = element("button", {
    class: "quiet earlier",
    type: "button",
    "data-testid": "load-earlier",
  });
  // Not live, because rows come and go while scrolling. `#news` announces new messages.
  log = element("div", {
    class: "log",
    role: "log",
    "aria-live": "off",
    "aria-label": "Messages",
    "data-testid": "message-list",
  });
  #news = element("p", { class: "unseen", role: "status", "data-testid": "announcement" });
  #empty = element("p", { class: "empty" }, "No messages yet. Write the first one.");
  scroller = element(
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
    this.log,
  );
  #jump = element(
    "button",
    { class: "jump", type: "button", hidden: true, "data-testid": "jump-to-end" },
    icon(Icons.down),
    "New messages",
  );
  #client;
  #composer;

  /** @param {Client} client @param {ComposerView} composer */
  constructor(client, composer) {
    this.#client = client;
    this.#composer = composer;
    this.#earlier.addEventListener("click", () => void this.shown?.loadEarlier());
    this.#jump.addEventListener("click", () => this.scrollToEnd());
    new ResizeObserver(() => this.resized()).observe(this.scroller);
    this.root = element("div", { class: "messages" }, this.scroller, this.#jump, this.#news);
  }

  scrollToEnd() {
    this.isAtEnd = true;
    this.#jump.hidden = true;
    this.scroller.scrollTop = this.scroller.scrollHeight;
    this.#fill();
    this.#endTop = this.scroller.scrollTop;
  }

  /** @param {Conversation} conversation @param {number} now */
  render(conversation, now) {
    const switched = this.shown !== conversation;
    if (switched) this.#begin(conversation);
    // The browser reports a scroll with the next frame only.
    this.isAtEnd &&= this.#endTop - this.scroller.scrollTop < AT_END_PX;
    const { me } = this.#client;
    const lines = conversation.lines();
    this.#reader = {
      me,
      now,
      nameOf: (user, name) => conversation.nameOf(user, name),
      firstNew: this.#firstNew(lines, conversation),
    };
    const { history } = conversation;
    this.#keepPlace(switched, () => {
      this.#earlier.hidden = history === "complete";
      setText(this.#earlier, HISTORY_TEXT[history]);
      setAttribute(this.#earlier, "aria-busy", history === "loading" ? "true" : null);
      this.#arrange(piecesOf(lines));
      this.#empty.hidden = lines.length > 0 || history !== "complete";
    });
    const last = lines.findLast(isShown);
    const isNew = last !== undefined && last.key !== this.#newest;
    const wasEmpty = this.#newest === "";
    this.#newest = last?.key ?? "";
    const isMine =
      last?.kind === "outgoing" || (last?.kind === "entry" && last.entry.sender === me.user);
    if (switched || this.isAtEnd || (isNew && isMine)) this.scrollToEnd();
    else if (isNew) this.#jump.hidden = false;
    const isNews = isNew && !switched && !wasEmpty && !isMine;
    if (isNews && last?.kind === "entry" && last.entry.event === "message") {
      const { body, name, sender = "" } = last.entry;
      this.announce(`${conversation.nameOf(sender, name)}: ${body}`);
    }
    if (this.#decorations) this.#decorations.changed(lines);
    else if (this.#composer.replyTo) void this.decorate();
    this.#loadEarlierIfNear();
  }

  /**
   * Returns the first message that was unread when the user began to look, also when it is read.
   * @param {Line[]} lines
   * @param {Conversation} conversation
   */
  #firstNew(lines, { info }) {
    if (info && info.unread > 0) this.#newAfter ??= info.readTo;
    const after = this.#newAfter ?? Number.POSITIVE_INFINITY;
    const { user } = this.#client.me;
    const first = lines.find(
      (line) =>
        line.kind === "entry" &&
        line.entry.seq > after &&
        line.entry.event === "message" &&
        line.entry.sender !== user,
    );
    return first?.key ?? "";
  }

  /** @param {string} text for screen readers */
  announce(text) {
    setText(this.#news, text);
  }

  /** @param {Conversation} conversation */
  #begin(conversation) {
    this.shown = conversation;
    this.#shelves.clear();
    this.shelves = [];
    this.log.replaceChildren();
    this.#newest = "";
    this.#newAfter = null;
    this.isAtEnd = true;
    this.#jump.hidden = true;
    this.announce("");
  }

  /** @param {Piece[]} pieces */
  #arrange(pieces) {
    const gone = new Set(this.#shelves.keys());
    this.shelves = pieces.map((piece) => {
      gone.delete(piece.key);
      const shelf = this.#shelves.get(piece.key) ?? this.#newShelf(piece);
      shelf.piece = piece;
      if (shelf.isFilled) this.fillShelf(shelf);
      return shelf;
    });
    for (const key of gone) this.#shelves.delete(key);
    arrange(
      this.log,
      this.shelves.map(({ root }) => root),
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
    this.#emptyShelf(shelf, piece.lines.length * USUAL_HEIGHT_PX);
    return shelf;
  }

  #fill() {
    if (this.#reader === null) return;
    const { top, bottom, height } = this.scroller.getBoundingClientRect();
    const [from, to] = [top - height * AHEAD, bottom + height * AHEAD];
    // All are measured before any is changed, so that the browser lays out once.
    const filled = this.shelves.filter(({ isFilled }) => isFilled);
    const measured = [...new Set([...this.#between(from, to), ...filled])].map((shelf) => ({
      shelf,
      box: shelf.root.getBoundingClientRect(),
    }));
    for (const { shelf, box } of measured) {
      const isNear = box.bottom >= from && box.top <= to;
      // The distance is longer than for filling, so that small movements do not alternate.
      const isFar = box.bottom < from - height || box.top > to + height;
      if (isNear && !shelf.isFilled) this.fillShelf(shelf);
      else if (isFar && shelf.isFilled && !shelf.root.contains(document.activeElement))
        this.#emptyShelf(shelf, box.height);
    }
    this.onFill();
  }

  /** @param {number} from @param {number} to */
  #between(from, to) {
    const order = this.shelves;
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
  #emptyShelf(shelf, height) {
    shelf.isFilled = false;
    shelf.rows.clear();
    shelf.root.replaceChildren();
    shelf.root.style.height = `${height}px`;
  }

  /** @param {Shelf} shelf */
  fillShelf(shelf) {
    if (this.#reader === null) return;
    shelf.isFilled = true;
    shelf.root.style.height = "";
    /** @type {Shelf["rows"]} */
    const rows = new Map();
    const roots = itemsOf(shelf.piece, this.#reader).map((item) => {
      const row = shelf.rows.get(item.key) ?? this.#newRow(item);
      rows.set(item.key, row);
      if (item.kind === "message" && row instanceof MessageRow) {
        row.render(item.content);
        if (this.#decorations) this.#decorations.render(row.root, item.content);
        else if (!isPlain(item.content)) void this.decorate();
      } else if (item.kind !== "message" && row instanceof HTMLElement)
        setText(row.firstElementChild ?? row, item.text);
      return row instanceof MessageRow ? row.root : row;
    });
    shelf.rows = rows;
    arrange(shelf.root, roots);
  }

  /** @param {Item} item */
  #newRow(item) {
    if (item.kind !== "message") return element("p", { class: item.kind }, element("span", {}));
    const { isMine, sender } = item.content;
    return new MessageRow(isMine ? null : avatar(sender, this.#client.nameOf(sender)));
  }

  /** Loads what only some messages show, and what can be done with all. */
  async decorate() {
    const module = await import("./decorations.js").catch(() => null);
    // The next change of the page loads it again.
    if (!module || this.#decorations) return;
    this.#decorations = new module.Decorations(this.#client, this, this.#composer);
    this.#decorations.changed([]);
    this.refill();
  }

  refill() {
    for (const shelf of this.shelves) if (shelf.isFilled) this.fillShelf(shelf);
    this.resized();
  }

  /** @param {boolean} isNew whether there is no place to keep @param {() => void} [change] */
  #keepPlace(isNew, change = () => {}) {
    const anchor = isNew || this.isAtEnd ? undefined : this.#firstVisible();
    const before = anchor?.getBoundingClientRect().top ?? 0;
    // Rows differ from their estimated height, so filling needs a correction of its own.
    for (const step of [change, () => this.#fill()]) {
      step();
      const moved = anchor?.isConnected ? anchor.getBoundingClientRect().top - before : 0;
      if (moved !== 0) this.scroller.scrollTop += moved;
    }
  }

  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.scroller;
    this.isAtEnd = scrollHeight - scrollTop - clientHeight < AT_END_PX;
    if (this.isAtEnd) {
      this.#jump.hidden = true;
      this.#endTop = scrollTop;
    }
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#keepPlace(false);
      this.#loadEarlierIfNear();
    });
  }

  #loadEarlierIfNear() {
    const conversation = this.shown;
    if (!conversation || this.scroller.scrollTop > NEAR_BEGINNING_PX) return;
    if (conversation.history === "more") void conversation.loadEarlier();
  }

  resized() {
    const { clientWidth } = this.scroller;
    if (this.#width !== clientWidth) {
      this.#width = clientWidth;
      for (const shelf of this.shelves.filter(({ isFilled }) => !isFilled))
        this.#emptyShelf(shelf, shelf.piece.lines.length * USUAL_HEIGHT_PX);
    }
    if (this.isAtEnd) this.scrollToEnd();
    else this.#keepPlace(false);
  }

  /** Loading earlier messages moves lines with days, but not messages and notes. */
  #firstVisible() {
    const { top } = this.scroller.getBoundingClientRect();
    for (const { root, isFilled } of this.shelves) {
      if (!isFilled || root.getBoundingClientRect().bottom <= top) continue;
      const found = [...root.querySelectorAll(".message, .note")].find(
        (message) => message.getBoundingClientRect().bottom > top,
      );
      if (found) return found;
    }
    return undefined;
  }
}

/** @param {RowContent} content whether it needs no decorations @returns {boolean} */
export function isPlain({ body, deletedBy, editedAt, reactions, replyTo, state }) {
  const isChanged = editedAt !== null || deletedBy !== null || state === "failed";
  return !isChanged && !replyTo && reactions.length === 0 && !/:\/\/|www\./i.test(body);
}

export class MessageRow {
  #name = element("p", { class: "sender" });
  #body = element("p", { class: "body", "data-testid": "message-body" });
  #time = element("span", { class: "time" });
  #state = element("span", { class: "state" });
  #shown = "";

  /** @param {HTMLElement | null} picture */
  constructor(picture) {
    const bubble = element(
      "div",
      { class: "bubble", dir: "auto" },
      this.#body,
      element("p", { class: "meta" }, this.#time, this.#state),
    );
    this.root = element(
      "div",
      { class: "message", "data-testid": "message" },
      element("div", { class: "picture" }, picture),
      this.#name,
      bubble,
    );
  }

  /** @param {RowContent} content */
  render({ seq, name, body, isMine, state, startsGroup, time }) {
    setAttribute(
      this.root,
      "class",
      `message ${isMine ? "mine" : "theirs"}${startsGroup ? " first" : ""}`,
    );
    setAttribute(this.root, "data-seq", seq);
    setAttribute(this.root, "data-state", state);
    // A group shows the name once. Screen readers read it before each message.
    setAttribute(this.#name, "class", startsGroup && !isMine ? "sender" : "sender unseen");
    setText(this.#name, isMine ? "You" : name);
    // Decorations may have made links of it.
    if (this.#shown !== body) setText(this.#body, body);
    this.#shown = body;
    setText(this.#time, time);
    setText(this.#state, state === "pending" ? "Sending…" : "");
  }
}
