/** Reads the list of conversations, and who is in one, from the server into the directory. */

import { Unanswered } from "./api.js";
import { backoff } from "./clock.js";

/** @import { Api } from "./api.js" */
/** @import { Clock } from "./clock.js" */
/** @import { Directory } from "./directory.js" */

/** Pages that are read after a connection was made: 250 conversations. */
const PAGES = 10;

/**
 * @typedef {object} ListingOptions
 * @property {Api} api
 * @property {Directory} directory
 * @property {Clock} clock
 * @property {() => void} onRead the directory is up to date
 * @property {(error: unknown) => void} onError what failed and is not tried again by itself
 */

export class Listing {
  /** Whether the list has been read once. */ isRead = false;
  /** @type {ListingOptions} */ #options;
  /** @type {(() => void) | null} */ #cancel = null;
  /** Counts refreshes and stops, so that one that was overtaken tries no more. */ #generation = 0;

  /** @param {ListingOptions} options */
  constructor(options) {
    this.#options = options;
  }

  /**
   * Reads the list up to a number of pages.
   * @param {number} pages
   * @throws {import("./api.js").Refusal | Unanswered}
   */
  async read(pages) {
    const { api, directory, onRead } = this.#options;
    let next;
    for (let page = 0; page < pages && next !== null; page += 1) {
      const read = await api.conversations(next);
      for (const summary of read.conversations) directory.merge(summary);
      next = read.next;
    }
    this.isRead = true;
    directory.merged();
    onRead();
  }

  /** Reads the whole list, and tries again as long as nobody answers. Never rejects. */
  async refresh(failures = 0) {
    this.stop();
    const generation = this.#generation;
    try {
      await this.read(PAGES);
    } catch (error) {
      if (!(error instanceof Unanswered)) return this.#options.onError(error);
      if (generation !== this.#generation) return;
      this.#cancel = this.#options.clock.after(backoff(failures + 1, this.#options.clock), () => void this.refresh(failures + 1));
    }
  }

  /** Tries no more. */
  stop() {
    this.#generation += 1;
    this.#cancel?.();
    this.#cancel = null;
  }

  /** Asks once who is in a conversation. Never rejects. @param {string} id */
  async learnParticipants(id) {
    const { api, directory, onError } = this.#options;
    if (directory.get(id)?.complete) return;
    try {
      const details = await api.conversation(id);
      // Only what is listed: meanwhile the conversation may have been left.
      if (directory.get(id)) directory.add(details, 0);
    } catch (error) {
      // Names in the header are a convenience; those of senders are known anyway.
      onError(error);
    }
  }
}
