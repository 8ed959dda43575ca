/** Reads logs over HTTP: earlier pages, and new entries while there is no socket. */

import { Unanswered } from "./protocol.js";

/** @import { Entry, HistoryOptions, Replica } from "./types.js" */

const PAGE = 50;

export class History {
  /** @type {HistoryOptions} */
  #options;

  /** @param {HistoryOptions} options */
  constructor(options) {
    this.#options = options;
  }

  /** @param {Replica} replica */
  state(replica) {
    return replica.history ?? (replica.historyBefore === 0 ? "complete" : "more");
  }

  /** @param {Replica} replica */
  begin(replica) {
    if (replica.historyStarted && this.state(replica) !== "failed") return;
    replica.historyStarted = true;
    void this.loadEarlier(replica);
  }

  /** @param {Replica} replica */
  async loadEarlier(replica) {
    if (replica.historyBefore === 0 || this.state(replica) === "loading") return;
    const { onChange, onError } = this.#options;
    replica.history = "loading";
    onChange();
    try {
      await this.#prepend(replica, replica.historyBefore);
      replica.history = null;
    } catch (error) {
      replica.history = "failed";
      onError(error, replica);
    }
    onChange();
  }

  /** @param {Replica} replica */
  async catchUp(replica) {
    for (let limited = true; limited; ) {
      const from = replica.position;
      const page = await this.#options.api.events(replica.id, from);
      this.#options.onEntries(replica, page.events);
      limited = page.limited && replica.position > from;
    }
  }

  /**
   * @param {Replica} replica
   * @param {number} before
   */
  async #prepend(replica, before) {
    const begin = Math.max(0, before - 1 - PAGE);
    /** @type {Entry[]} */
    const entries = [];
    // The server ends a page early if its messages are long.
    for (let after = begin; after < before - 1; after = entries.at(-1)?.seq ?? before) {
      const { events } = await this.#options.api.events(replica.id, after, before - 1 - after);
      const wanted = events.filter(({ seq }) => seq > after && seq < before);
      if (wanted.length === 0) throw new Unanswered("The server's answer has no entries.");
      entries.push(...wanted);
    }
    if (replica.historyBefore !== before) return;
    replica.prepend(entries, begin);
    this.#options.onEarlier(replica, entries);
  }
}
