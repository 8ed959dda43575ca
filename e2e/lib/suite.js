import { after, before, describe, test } from "node:test";

import { Stack } from "./stack.js";

/**
 * A suite with a stack of its own, which is up before its first test. Its last test ends the stack, and so looks at
 * what it has left behind and told.
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
    test("the stack ends, leaves no process behind, has told no secret and has denied its functions nothing", () =>
      stack.stop());
    after(() => stack.stop());
  });
}
