/**
 * Brings what is in the outboxes to the server: one message per conversation at a time, over whichever carrier there
 * is, and after a failure as the error advises. Nothing here decides that a message has arrived: that is the
 * conversation's, which compares with everything it sees.
 */

import { backoff } from "./clock.js";
import { Retry } from "./protocol.js";
import { ANSWER_LIMIT } from "./requests.js";

/** @import { Clock } from "./clock.js" */
/** @import { Conversation, Outgoing } from "./conversation.js" */
/** @import { Problem } from "./protocol.js" */

/**
 * `unanswered`: it may have been stored or not. `disconnected`: the same, and a new connection may retry at once.
 * @typedef {{kind: "stored"} | {kind: "rejected", problem: Problem} | {kind: "unanswered"} | {kind: "disconnected"}} Delivery
 */

/** Takes one message to the server. Never rejects. @typedef {(conversation: Conversation, outgoing: Outgoing) => Promise<Delivery>} Carrier */

/**
 * @typedef {object} CourierOptions
 * @property {Clock} clock
 * @property {(conversation: Conversation) => Carrier | null} carrier what can be used now
 * @property {(conversation: Conversation) => void} onChange an outbox changed and has to be kept
 * @property {(conversation: Conversation) => void} onResync more was stored than the server will look through; catch
 *   up, then `flush` again
 * @property {() => void} onRefused the token has expired
 */

export class Courier {
  /** @type {CourierOptions} */ #options;
  /** The attempt under way, by conversation. @type {Map<string, {id: string}>} */ #inFlight = new Map();
  /** @type {Map<string, {cancel: () => void, endsOnReconnect: boolean}>} */ #waits = new Map();
  /** Answers of `later` in a row, by conversation. @type {Map<string, number>} */ #failures = new Map();

  /** @param {CourierOptions} options */
  constructor(options) {
    this.#options = options;
  }

  /** Sends what is to be sent, unless something is on its way or has to wait. @param {Conversation} conversation */
  flush(conversation) {
    const attempt = this.#inFlight.get(conversation.id);
    // A push or a catch-up may have acknowledged what is still waiting for its answer.
    if (attempt && conversation.outbox.some(({ id }) => id === attempt.id)) return;
    const outgoing = conversation.nextOutgoing();
    if (!outgoing || this.#waits.has(conversation.id)) return;
    const carrier = this.#options.carrier(conversation);
    if (carrier) void this.#attempt(conversation, outgoing, carrier);
  }

  /** A new connection has caught up: what was unanswered is retried at once, what was told to wait still waits. @param {Conversation} conversation */
  reconnected(conversation) {
    const wait = this.#waits.get(conversation.id);
    if (wait?.endsOnReconnect) this.#endWait(conversation.id);
    this.flush(conversation);
  }

  /** Gives up all attempts and waits; the outboxes keep their messages. */
  stop() {
    this.#inFlight.clear();
    for (const id of [...this.#waits.keys()]) this.#endWait(id);
  }

  /** @param {Conversation} conversation @param {Outgoing} outgoing @param {Carrier} carrier */
  async #attempt(conversation, outgoing, carrier) {
    const attempt = { id: outgoing.id };
    const begun = this.#options.clock.now();
    this.#inFlight.set(conversation.id, attempt);
    outgoing.after = conversation.position;
    this.#options.onChange(conversation);
    const delivery = await carrier(conversation, outgoing);
    if (this.#inFlight.get(conversation.id) !== attempt) return;
    this.#inFlight.delete(conversation.id);
    if (delivery.kind === "rejected") this.#rejected(conversation, outgoing, delivery.problem);
    else if (delivery.kind === "stored") this.#failures.delete(conversation.id);
    else this.#wait(conversation, begun + ANSWER_LIMIT - this.#options.clock.now(), true);
    this.flush(conversation);
  }

  /** @param {Conversation} conversation @param {Outgoing} outgoing @param {Problem} problem */
  #rejected(conversation, outgoing, problem) {
    const { clock, onChange, onResync, onRefused } = this.#options;
    if (problem.retry === Retry.never) {
      conversation.fail(outgoing.id, problem);
      onChange(conversation);
      return;
    }
    const failures = (this.#failures.get(conversation.id) ?? 0) + 1;
    this.#failures.set(conversation.id, failures);
    this.#wait(conversation, problem.retryAfterMs ?? backoff(failures, clock), problem.retry !== Retry.later);
    if (problem.retry === Retry.resync) onResync(conversation);
    if (problem.retry === Retry.reauthenticate) onRefused();
  }

  /** @param {Conversation} conversation @param {number} ms @param {boolean} endsOnReconnect */
  #wait(conversation, ms, endsOnReconnect) {
    this.#endWait(conversation.id);
    if (ms <= 0) return;
    const cancel = this.#options.clock.after(ms, () => {
      this.#waits.delete(conversation.id);
      this.flush(conversation);
    });
    this.#waits.set(conversation.id, { cancel, endsOnReconnect });
  }

  /** @param {string} id */
  #endWait(id) {
    this.#waits.get(id)?.cancel();
    this.#waits.delete(id);
  }
}
