/**
 * A sender that gets its messages through whatever fails underneath. It does the client's part of
 * the protocol's guarantees:
 *
 * - position and outbox are one state;
 * - a message without a reply is sent again under the same id, on a new connection;
 * - one message is in flight at a time.
 */
import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";

import { Unanswered } from "./client.js";

/** More attempts than any test causes, so that a sender without progress fails. */
const ATTEMPTS = 100;

/** Sends the messages of one person in one conversation. */
export class Sender {
  /** The acknowledged messages, in order. @type {{id: string, body: string, seq: number}[]} */
  acknowledged = [];
  #position = 0;
  #connection;

  /** @param {import('./people.js').Person} person @param {string} conversation */
  constructor(person, conversation) {
    this.person = person;
    this.conversation = conversation;
  }

  /**
   * Sends a message and resolves when it is acknowledged.
   *
   * @param {string} id
   * @param {string} body
   */
  async send(id, body) {
    let after;
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      try {
        this.#connection ??= await this.person.connect();
        if (after === undefined) {
          const seq = await this.#catchUp(id);
          if (seq !== undefined) return this.acknowledged.push({ id, body, seq });
          after = this.#position;
        }
        const reply = await this.#connection.request("sendMessage", {
          conversation: this.conversation,
          id,
          body,
          after,
        });
        if (reply.event === "sent") return this.acknowledged.push({ id, body, seq: reply.seq });
        if (reply.retry === "resync") after = undefined;
        else {
          assert.equal(reply.retry, "later", JSON.stringify(reply));
          await delay(reply.retryAfterMs ?? 0);
        }
      } catch (error) {
        if (!isBroken(error)) throw error;
        await this.close();
      }
    }
    assert.fail(`message ${id} was not acknowledged in ${ATTEMPTS} attempts`);
  }

  /** Closes the connection if there is one. The next send opens another. */
  async close() {
    const connection = this.#connection;
    this.#connection = undefined;
    await connection?.close();
  }

  /**
   * Moves the position to the end of the log. Returns the position of the message in the outbox, if
   * it is stored already.
   */
  async #catchUp(id) {
    let seq;
    let page;
    do {
      page = await this.#connection.request("subscribe", {
        conversation: this.conversation,
        after: this.#position,
      });
      if (page.event === "error" && page.retry === "later") continue;
      assert.equal(page.event, "subscribed", JSON.stringify(page));
      for (const entry of page.events) {
        assert.equal(entry.seq, this.#position + 1, "the catch-up has no gap");
        this.#position = entry.seq;
        if (entry.id === id && entry.sender === this.person.user) seq = entry.seq;
      }
    } while (page.limited);
    return seq;
  }
}

/**
 * Returns whether an error is what a killed function or a stopped gateway causes: no reply, no
 * handshake, or no server.
 */
function isBroken(error) {
  return (
    error instanceof Unanswered ||
    error.code === "ECONNREFUSED" ||
    error.code === "ECONNRESET" ||
    /^(Unexpected server response: 5|socket hang up)/.test(error.message)
  );
}
