import { after, before, describe, test } from "node:test";

import { Stack } from "./stack.js";

/**
 * Declares a suite with its own stack, which is started before the first test. The last test stops
 * the stack and runs the checks of {@link Stack.stop}.
 *
 * @param {string} name
 * @param {(stack: Stack) => void} body declares the tests
 * @param {() => Promise<Record<string, string>>} [options] further options of the harness
 */
export function suite(name, body, options = async () => ({})) {
  describe(name, () => {
    const stack = new Stack();
    before(async () => stack.start(await options()));
    body(stack);
    test("the stack stops without leftover processes, printed secrets or denied permissions", () =>
      stack.stop());
    after(() => stack.stop());
  });
}
