/**
 * The faults of a local stack during a schedule. Counts what was injected, even across a restart of
 * the harness.
 */
import assert from "node:assert/strict";

export class Injections {
  #stack;
  #plan;
  /** Injected faults by target and kind. @type {Map<string, number>} */ counts = new Map();
  /**
   * The number of calls that each rule has examined, in the order of the plan.
   *
   * @type {number[]}
   */
  seen = [];

  /**
   * @param {import('../lib/stack.js').Stack} stack
   * @param {{seed: number, faults: object[]}} plan
   */
  constructor(stack, plan) {
    this.#stack = stack;
    this.#plan = plan;
  }

  async begin() {
    await this.#ask("PUT", this.#plan);
  }

  /** Ends all faults and adds up their counts. */
  async end() {
    this.#add(await this.#ask("DELETE"));
  }

  /** Adds up the counts before the harness is killed, which loses them. */
  async remember() {
    this.#add(await this.#ask("GET"));
  }

  #add({ faults }) {
    this.seen = faults.map(({ seen }) => seen);
    for (const { injected, ...rule } of faults) {
      const [target] = ["dynamodb", "management", "function", "connection"].filter(
        (target) => rule[target] !== undefined,
      );
      const key = `${target} ${rule[target]}`;
      this.counts.set(key, (this.counts.get(key) ?? 0) + injected);
    }
  }

  async #ask(method, plan) {
    const response = await fetch(`${this.#stack.http}/.local/faults`, {
      method,
      ...(plan && { body: JSON.stringify(plan) }),
    });
    const answer = await response.json();
    assert.equal(response.status, 200, JSON.stringify(answer));
    return answer;
  }
}
