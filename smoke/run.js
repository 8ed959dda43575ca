/** Runs the checks one after another, until one fails. */
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";

import { CHECKS } from "./checks.js";
import { Problem } from "./problem.js";

/**
 * Runs all checks and returns whether they pass. Prints a line for each.
 *
 * @param {object} options
 * @param {import('./checks.js').Target} options.target
 * @param {[string, string]} options.tokens of two users
 * @param {number} options.patience how long an answer may take, in milliseconds
 * @param {number} options.idleMinutes 0 leaves out the check of an idle connection
 * @param {(line: string) => void} options.print
 * @param {(ms: number) => Promise<void>} [options.pause]
 */
export async function smoke({ print, pause = (ms) => delay(ms), ...options }) {
  /** @type {import('./checks.js').Context} */
  const context = {
    ...options,
    pause,
    note: (text) => print(`note  ${text}`),
    conversation: `smoke-${randomUUID()}`,
    head: 0,
    connections: [],
  };
  try {
    for (const { applies = () => true, name, run } of CHECKS) {
      if (!applies(context)) continue;
      try {
        await run(context);
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        print(`FAIL  ${name}: ${error.message}`);
        return false;
      }
      print(`ok    ${name}`);
    }
    return true;
  } finally {
    for (const connection of context.connections) connection.close();
  }
}
