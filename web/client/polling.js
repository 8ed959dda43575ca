/**
 * The second way: while the socket cannot be had, asks over HTTP every few seconds. Whether that works is known from
 * the last answer only.
 */

import { backoff } from "./clock.js";

/** @import { Clock } from "./clock.js" */

/** How long the socket may be away before anybody asks over HTTP, in milliseconds: most cuts are shorter. */
const PATIENCE = 5_000;
/** Between two rounds that worked, in milliseconds. */
const INTERVAL = 5_000;

export class Polling {
  /** @type {() => Promise<boolean>} */ #round;
  /** @type {() => void} */ #onAnswered;
  /** @type {Clock} */ #clock;
  /** @type {(() => void) | null} */ #cancel = null;
  #generation = 0;
  #failures = 0;
  #works = false;

  /**
   * @param {() => Promise<boolean>} round asks for everything once; whether the server answered
   * @param {() => void} onAnswered it did, and `works` is true now
   * @param {Clock} clock
   */
  constructor(round, onAnswered, clock) {
    this.#round = round;
    this.#onAnswered = onAnswered;
    this.#clock = clock;
  }

  /** Whether the socket is away and HTTP answers. */
  get works() {
    return this.#works;
  }

  /** The socket is away. */
  start() {
    if (this.#cancel === null) this.#schedule(PATIENCE, this.#generation);
  }

  /** The socket is back, or nobody is logged in. */
  stop() {
    this.#generation += 1;
    this.#cancel?.();
    this.#cancel = null;
    this.#failures = 0;
    this.#works = false;
  }

  /** @param {number} ms @param {number} generation */
  #schedule(ms, generation) {
    this.#cancel = this.#clock.after(ms, async () => {
      const answered = await this.#round();
      if (generation !== this.#generation) return;
      this.#works = answered;
      this.#failures = answered ? 0 : this.#failures + 1;
      if (answered) this.#onAnswered();
      this.#schedule(INTERVAL + (answered ? 0 : backoff(this.#failures, this.#clock)), generation);
    });
  }
}
