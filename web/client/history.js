/**
 * A log read over HTTP: backwards, a page at a time, what happened before this page began to follow it; and forwards,
 * while there is no socket that would bring it. The log is dense, so where a page back begins is known without asking.
 */

import { Unanswered } from "./api.js";

/** @import { Api } from "./api.js" */
/** @import { Conversation } from "./conversation.js" */
/** @import { Entry } from "./protocol.js" */

/** Entries of a page of history. */
const PAGE = 50;

/**
 * @typedef {object} HistoryOptions
 * @property {Api} api
 * @property {(conversation: Conversation, entries: Entry[]) => void} onEntries takes what is past a position
 * @property {(conversation: Conversation, entries: Entry[]) => void} onEarlier learns from a page back
 * @property {() => void} onChange
 * @property {(error: unknown, conversation: Conversation) => void} onError
 */

export class History {
  /** @type {HistoryOptions} */ #options;
  /** @type {Map<Conversation, "loading" | "failed">} */ #states = new Map();

  /** @param {HistoryOptions} options */
  constructor(options) {
    this.#options = options;
  }

  /**
   * What to offer above the messages: nothing, more, or another try.
   * @param {Conversation} conversation
   * @returns {"complete" | "more" | "loading" | "failed"}
   */
  state(conversation) {
    return this.#states.get(conversation) ?? (conversation.historyBefore === 0 ? "complete" : "more");
  }

  /** Loads the newest page, once, and again only if that failed. @param {Conversation} conversation */
  begin(conversation) {
    if (conversation.historyStarted && this.state(conversation) !== "failed") return;
    conversation.historyStarted = true;
    void this.loadEarlier(conversation);
  }

  /** Loads one page more. Never rejects. @param {Conversation} conversation */
  async loadEarlier(conversation) {
    if (conversation.historyBefore === 0 || this.state(conversation) === "loading") return;
    this.#states.set(conversation, "loading");
    this.#options.onChange();
    try {
      await this.#prepend(conversation, conversation.historyBefore);
      this.#states.delete(conversation);
    } catch (error) {
      this.#states.set(conversation, "failed");
      this.#options.onError(error, conversation);
    }
    this.#options.onChange();
  }

  /**
   * Starts a conversation anew from its newest page, because the log is not the one that was known. Never rejects.
   * @param {Conversation} conversation
   * @returns {Promise<boolean>} whether that worked
   */
  async restart(conversation) {
    try {
      const { head } = await this.#options.api.events(conversation.id, 0, 1);
      conversation.restart(head);
      conversation.historyStarted = true;
      await this.#prepend(conversation, conversation.historyBefore);
      this.#states.delete(conversation);
      this.#options.onChange();
      return true;
    } catch (error) {
      this.#options.onError(error, conversation);
      return false;
    }
  }

  /**
   * Reads everything past a conversation's position.
   * @param {Conversation} conversation
   * @throws {import("./api.js").Refusal | import("./api.js").Unanswered}
   */
  async catchUp(conversation) {
    for (let limited = true; limited; ) {
      const from = conversation.position;
      const page = await this.#options.api.events(conversation.id, from);
      this.#options.onEntries(conversation, page.events);
      // A page that brought nothing on would bring nothing the next time either.
      limited = page.limited && conversation.position > from;
    }
  }

  /** Reads the page that ends before an entry. @param {Conversation} conversation @param {number} before */
  async #prepend(conversation, before) {
    const begin = Math.max(0, before - 1 - PAGE);
    /** @type {Entry[]} */
    const entries = [];
    // Long messages make the server end a page early.
    for (let after = begin; after < before - 1; after = entries.at(-1)?.seq ?? before) {
      const { events } = await this.#options.api.events(conversation.id, after, before - 1 - after);
      const wanted = events.filter(({ seq }) => seq > after && seq < before);
      if (wanted.length === 0) throw new Unanswered("A page of the log without entries");
      entries.push(...wanted);
    }
    conversation.prepend(entries, begin);
    this.#options.onEarlier(conversation, entries);
  }
}
