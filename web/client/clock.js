/** @import { Clock } from "./types.js" */

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
