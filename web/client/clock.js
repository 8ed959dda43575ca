/** Time and chance, as a port. */

/** @import { Clock } from "./surroundings.js" */

/** @type {Clock} */
export const systemClock = {
  now: () => Date.now(),
  after: (ms, then) => {
    const timer = setTimeout(then, ms);
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
};

/** Bounds, in milliseconds. */
const LONGEST_WAIT = 30_000;
const FIRST_WAIT = 500;

/**
 * How long to wait after `failures` in a row: anything from 0 to a bound that doubles, because after an outage every
 * client starts at the same moment.
 * @param {number} failures @param {Clock} clock
 */
export function backoff(failures, clock) {
  return clock.random() * Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** Math.min(failures - 1, 16));
}
