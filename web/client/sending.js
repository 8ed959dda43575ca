/** The promises given for messages on their way. A message goes on without its promise, as after a reload. */

import { Code, Refusal } from "./errors.js";
import { Retry } from "./protocol.js";

/** @import { Fact } from "./facts.js" */
/** @import { Entry } from "./wire.js" */

export class Sending {
  #me;
  /** By conversation and message. @type {Map<string, {conversation: string, resolve: (entry: Entry) => void, reject: (error: Error) => void}>} */ #waiting = new Map();

  /** @param {string} me user id */
  constructor(me) {
    this.#me = me;
  }

  /** @param {string} conversation @param {string} id @returns {Promise<Entry>} */
  expect(conversation, id) {
    /** @type {Promise<Entry>} */
    const sent = new Promise((resolve, reject) => this.#waiting.set(key(conversation, id), { conversation, resolve, reject }));
    // Whoever does not wait sees the failure where the message is shown.
    sent.catch(() => {});
    return sent;
  }

  /** @param {Fact} fact */
  heard(fact) {
    if (fact.kind === "entries") {
      for (const entry of fact.entries) if (entry.id && entry.sender === this.#me) this.#settle(fact.conversation, entry.id)?.resolve(entry);
    }
    if (fact.kind === "failed") this.#settle(fact.conversation, fact.id)?.reject(new Refusal(fact.problem));
    if (fact.kind === "gone") {
      const problem = { code: Code.notFound, message: "There is no such conversation, for this person.", retry: Retry.never };
      this.abandon(new Refusal(problem), fact.conversation);
    }
  }

  /** Nobody will know what becomes of them. @param {Error} error @param {string} [only] of this conversation */
  abandon(error, only) {
    for (const [one, { conversation, reject }] of [...this.#waiting]) {
      if (only !== undefined && conversation !== only) continue;
      this.#waiting.delete(one);
      reject(error);
    }
  }

  /** @param {string} conversation @param {string} id */
  #settle(conversation, id) {
    const waiting = this.#waiting.get(key(conversation, id));
    this.#waiting.delete(key(conversation, id));
    return waiting;
  }
}

/** @param {string} conversation @param {string} id */
function key(conversation, id) {
  return `${conversation}/${id}`;
}
