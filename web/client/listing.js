/** Reads the list of conversations from the server. */

import { backoff } from "./clock.js";
import { Unanswered } from "./errors.js";

/** @import { Api } from "./api.js" */
/** @import { Summary } from "./wire.js" */
/** @import { Clock } from "./clock.js" */

/** Pages that are read after a connection was made: 250 conversations. */
const PAGES = 10;

/**
 * @typedef {object} ListingOptions
 * @property {Api} api
 * @property {Clock} clock
 * @property {(summaries: Summary[], complete: boolean) => void} onPage `complete`: nothing that was asked for is left
 * @property {(error: unknown) => void} onError what failed and is not tried again by itself
 */

export class Listing {
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
   * @throws {import("./errors.js").Refusal | Unanswered}
   */
  async read(pages) {
    let next;
    for (let page = 1; page <= pages && next !== null; page += 1) {
      const read = await this.#options.api.conversations(next);
      next = read.next;
      this.#options.onPage(read.conversations, next === null || page === pages);
    }
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
}
