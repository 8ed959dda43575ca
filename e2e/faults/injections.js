/** The faults of a local stack while a schedule runs, and what they have struck, also over the end of a harness. */
import assert from "node:assert/strict";

export class Injections {
  #stack;
  #plan;
  /** By place and kind. @type {Map<string, number>} */ counts = new Map();
  /** How many calls each rule has looked at in the end, in the plan's order. @type {number[]} */ seen =
    [];

  /** @param {import('../lib/stack.js').Stack} stack @param {{seed: number, faults: object[]}} plan */
  constructor(stack, plan) {
    this.#stack = stack;
    this.#plan = plan;
  }

  async begin() {
    await this.#ask("PUT", this.#plan);
  }

  /** Ends all faults. */
  async end() {
    this.#add(await this.#ask("DELETE"));
  }

  /** The harness will be killed, and its counts with it. */
  async remember() {
    this.#add(await this.#ask("GET"));
  }

  #add({ faults }) {
    this.seen = faults.map(({ seen }) => seen);
    for (const { injected, ...rule } of faults) {
      const [place] = ["dynamodb", "management", "function", "connection"].filter(
        (place) => rule[place] !== undefined,
      );
      const key = `${place} ${rule[place]}`;
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
