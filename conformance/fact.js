/** How a fact is asked, and what all of them share. */
import { test } from "node:test";

import { deployed } from "./target.js";

export const ID = /^[\w-]{15}=$/;
export const KB = 1024;

/**
 * A fact as a test.
 *
 * @param {string} source the section of docs/aws-behaviour.md, and how sure it is
 * @param {string} name
 * @param {() => Promise<void>} ask
 */
export function fact(source, name, ask) {
  const unsure = /\[[MU]\]/.test(source);
  test(`${source} ${name}`, async (t) => {
    try {
      await ask();
    } catch (difference) {
      if (!deployed || !unsure) throw difference;
      t.diagnostic(`DIFFERENT: ${difference.message}`);
    }
  });
}

/** The script of a function that answers this. */
export const answer = (value) => [{ answer: value }];

export const keys = (value) => Object.keys(value).sort();
