/**
 * The client's half of the guarantees, for senders that must get through whatever ends under them: position and outbox
 * are one state, a send that got no answer is repeated with its id on a new connection, and one send is in flight.
 */
import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";

import { Unanswered } from "./client.js";

/** More than any test breaks things, so that a sender who gets nowhere ends with an error. */
const ATTEMPTS = 100;

/** One person's sending into one conversation. */
export class Sender {
  /** Everything that this sender was told is stored, in its order. @type {{id: string, body: string, seq: number}[]} */
  acknowledged = [];
  #position = 0;
  #connection;

  /** @param {import('./people.js').Person} person @param {string} conversation */
  constructor(person, conversation) {
    this.person = person;
    this.conversation = conversation;
  }

  /**
   * Resolves when the message is acknowledged.
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
    assert.fail(`message ${id} did not get through in ${ATTEMPTS} attempts`);
  }

  /** Ends the connection, if there is one; the next send makes another. */
  async close() {
    const connection = this.#connection;
    this.#connection = undefined;
    await connection?.close();
  }

  /** Moves the position over everything stored so far; the seq, if the message in the outbox is among it. */
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
        assert.equal(entry.seq, this.#position + 1, "catch-up is dense");
        this.#position = entry.seq;
        if (entry.id === id && entry.sender === this.person.user) seq = entry.seq;
      }
    } while (page.limited);
    return seq;
  }
}

/** What a killed function or a stopped gateway looks like from outside: no answer, no handshake, or no server. */
function isBroken(error) {
  return (
    error instanceof Unanswered ||
    error.code === "ECONNREFUSED" ||
    error.code === "ECONNRESET" ||
    /^(Unexpected server response: 5|socket hang up)/.test(error.message)
  );
}
