/**
 * Time and chance as a port: everything that waits takes a `Clock`, so that tests move the hands themselves.
 */

/**
 * @typedef {object} Clock
 * @property {() => number} now milliseconds since 1970
 * @property {(ms: number, then: () => void) => () => void} after calls `then` once after `ms`; the result cancels it
 * @property {() => number} random 0 up to but not including 1
 */

/** @type {Clock} */
export const systemClock = {
  now: () => Date.now(),
  after: (ms, then) => {
    const timer = setTimeout(then, ms);
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
};

/** Longest wait between two attempts, in milliseconds. */
const LONGEST_WAIT = 30_000;
/** Upper bound of the first wait, in milliseconds. */
const FIRST_WAIT = 500;

/**
 * Full-jitter exponential backoff: anything from 0 to a bound that doubles from 0.5 s to 30 s. All of the range, not
 * only its end, because after an outage every client starts at the same moment.
 * @param {number} failures attempts that have failed in a row, at least 1
 * @param {Clock} clock
 * @returns {number} milliseconds
 */
export function backoff(failures, clock) {
  return clock.random() * Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** Math.min(failures - 1, 16));
}
