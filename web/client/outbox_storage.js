/**
 * Keeps unsent messages over a reload, in the session storage, per person: two windows are two people, and somebody
 * else who logs in in this window neither sees nor sends them.
 */

import { isObject, isPosition, isText, parseObject, parseProblem } from "./protocol.js";

/** @import { Outgoing } from "./conversation.js" */

export class OutboxStorage {
  /** @type {Storage} */ #storage;
  #key;

  /** @param {Storage} storage @param {string} user */
  constructor(storage, user) {
    this.#storage = storage;
    this.#key = `confab.outbox.${user}`;
  }

  /** What is unsent, by conversation. @returns {Map<string, Outgoing[]>} */
  load() {
    const stored = parseObject(this.#storage.getItem(this.#key)) ?? {};
    return new Map(
      Object.entries(stored).map(([conversation, values]) => [
        conversation,
        Array.isArray(values) ? values.flatMap((value) => parseOutgoing(value) ?? []) : [],
      ]),
    );
  }

  /** @param {string} conversation @param {Outgoing[]} outbox */
  save(conversation, outbox) {
    const stored = parseObject(this.#storage.getItem(this.#key)) ?? {};
    if (outbox.length > 0) stored[conversation] = outbox;
    else delete stored[conversation];
    try {
      if (Object.keys(stored).length > 0) this.#storage.setItem(this.#key, JSON.stringify(stored));
      else this.#storage.removeItem(this.#key);
    } catch {
      // A full storage costs only the safety net: the messages are still in memory, and are still sent.
    }
  }
}

/** @param {unknown} value @returns {Outgoing | null} */
function parseOutgoing(value) {
  if (!isObject(value)) return null;
  const { id, body, after, writtenAt, failure } = value;
  if (!isText(id) || !isText(body) || !isPosition(after) || typeof writtenAt !== "number") return null;
  return { id, body, after, writtenAt, failure: isObject(failure) ? parseProblem(failure) : null };
}
