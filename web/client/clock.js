/** @import { Clock, PollerOptions } from "./types.js" */

/** @type {Clock} */
export const systemClock = {
  now: () => Date.now(),
  after: (ms, then) => {
    const timer = setTimeout(then, ms);
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
};

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;

/**
 * Returns a random wait in milliseconds, up to a bound that doubles with each failure.
 * @param {number} failures
 * @param {Clock} clock
 */
export function backoff(failures, clock) {
  const bound = FIRST_WAIT_MS * 2 ** Math.min(failures - 1, 16);
  return clock.random() * Math.min(LONGEST_WAIT_MS, bound);
}

export class Poller {
  /** @type {PollerOptions} */
  #options;
  /** @type {(() => void) | null} */
  #cancel = null;
  #generation = 0;
  works = false;

  /** @param {PollerOptions} options */
  constructor(options) {
    this.#options = options;
  }

  /** @param {number} wait milliseconds before the first poll */
  start(wait) {
    if (this.#cancel === null) this.#schedule(wait, 0);
  }

  stop() {
    this.#generation += 1;
    this.#cancel?.();
    this.#cancel = null;
    this.works = false;
  }

  /** @param {number} wait @param {number} failures in a row */
  #schedule(wait, failures) {
    const { clock, interval, onSuccess, poll } = this.#options;
    const generation = this.#generation;
    this.#cancel = clock.after(wait, async () => {
      const isAnswered = await poll();
      if (generation !== this.#generation) return;
      this.works = isAnswered;
      if (!isAnswered) {
        const pause = backoff(failures + 1, clock);
        return this.#schedule((interval ?? 0) + pause, failures + 1);
      }
      this.#cancel = null;
      onSuccess();
      if (interval !== null && generation === this.#generation) this.#schedule(interval, 0);
    });
  }
}
