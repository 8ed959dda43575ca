/** Declares facts as tests, with the constants that all facts share. */
import { test } from "node:test";

import { deployed } from "./target.js";

export const ID = /^[\w-]{15}=$/;
export const KB = 1024;

/**
 * Declares a fact as a test.
 *
 * @param {string} source the section of docs/aws-behaviour.md, and the certainty
 * @param {string} name
 * @param {() => Promise<void>} ask checks the fact
 */
export function fact(source, name, ask) {
  const isUncertain = /\[[MU]\]/.test(source);
  test(`${source} ${name}`, async (t) => {
    try {
      await ask();
    } catch (difference) {
      if (!deployed || !isUncertain) throw difference;
      t.diagnostic(`DIFFERENT: ${difference.message}`);
    }
  });
}

/** Returns the script of a function that returns this value. */
export const answer = (value) => [{ answer: value }];

export const keys = (value) => Object.keys(value).sort();
