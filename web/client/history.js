/**
 * A log read over HTTP: backwards, a page at a time, what happened before this page began to follow it; and forwards,
 * while there is no socket that would bring it. The log is dense, so where a page back begins is known without asking.
 */

import { Unanswered } from "./errors.js";

/** @import { Api } from "./api.js" */
/** @import { Replica } from "./replica.js" */
/** @import { Entry } from "./wire.js" */

/** Entries of a page of history. */
const PAGE = 50;

/**
 * @typedef {object} HistoryOptions
 * @property {Api} api
 * @property {(replica: Replica, entries: Entry[]) => void} onEntries takes what is past a position
 * @property {(replica: Replica, entries: Entry[]) => void} onEarlier learns from a page back
 * @property {() => void} onChange
 * @property {(error: unknown, replica: Replica) => void} onError
 */

export class History {
  /** @type {HistoryOptions} */ #options;
  /** @type {Map<Replica, "loading" | "failed">} */ #states = new Map();

  /** @param {HistoryOptions} options */
  constructor(options) {
    this.#options = options;
  }

  /**
   * What to offer above the messages: nothing, more, or another try.
   * @param {Replica} replica
   * @returns {"complete" | "more" | "loading" | "failed"}
   */
  state(replica) {
    return this.#states.get(replica) ?? (replica.historyBefore === 0 ? "complete" : "more");
  }

  /** Loads the newest page, once, and again only if that failed. @param {Replica} replica */
  begin(replica) {
    if (replica.historyStarted && this.state(replica) !== "failed") return;
    replica.historyStarted = true;
    void this.loadEarlier(replica);
  }

  /** Loads one page more. Never rejects. @param {Replica} replica */
  async loadEarlier(replica) {
    if (replica.historyBefore === 0 || this.state(replica) === "loading") return;
    this.#states.set(replica, "loading");
    this.#options.onChange();
    try {
      await this.#prepend(replica, replica.historyBefore);
      this.#states.delete(replica);
    } catch (error) {
      this.#states.set(replica, "failed");
      this.#options.onError(error, replica);
    }
    this.#options.onChange();
  }

  /**
   * Reads everything past a replica's position.
   * @param {Replica} replica
   * @throws {import("./errors.js").Refusal | import("./errors.js").Unanswered}
   */
  async catchUp(replica) {
    for (let limited = true; limited; ) {
      const from = replica.position;
      const page = await this.#options.api.events(replica.id, from);
      this.#options.onEntries(replica, page.events);
      // A page that brought nothing on would bring nothing the next time either.
      limited = page.limited && replica.position > from;
    }
  }

  /** Reads the page that ends before an entry. @param {Replica} replica @param {number} before */
  async #prepend(replica, before) {
    const begin = Math.max(0, before - 1 - PAGE);
    /** @type {Entry[]} */
    const entries = [];
    // Long messages make the server end a page early.
    for (let after = begin; after < before - 1; after = entries.at(-1)?.seq ?? before) {
      const { events } = await this.#options.api.events(replica.id, after, before - 1 - after);
      const wanted = events.filter(({ seq }) => seq > after && seq < before);
      if (wanted.length === 0) throw new Unanswered("A page of the log without entries");
      entries.push(...wanted);
    }
    // Meanwhile it may have begun anew elsewhere; then this page is not the one before it.
    if (replica.historyBefore !== before) return;
    replica.prepend(entries, begin);
    this.#options.onEarlier(replica, entries);
  }
}
