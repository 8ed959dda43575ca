/**
 * Brings what is in the outboxes to the server: one message per conversation at a time, over whichever carrier there
 * is, and after a failure as the error advises. Nothing here decides that a message has arrived: that is the
 * conversation's, which compares with everything it sees.
 */

import { backoff } from "./clock.js";
import { Retry } from "./protocol.js";
import { ANSWER_LIMIT } from "./requests.js";

/** @import { Clock } from "./clock.js" */
/** @import { Replica, Outgoing } from "./replica.js" */
/** @import { Problem } from "./wire.js" */

/**
 * `unanswered`: it may have been stored or not. `disconnected`: the same, and a new connection may retry at once.
 * @typedef {{kind: "stored"} | {kind: "rejected", problem: Problem} | {kind: "unanswered"} | {kind: "disconnected"}} Delivery
 */

/** Takes one message to the server. Never rejects. @typedef {(replica: Replica, outgoing: Outgoing) => Promise<Delivery>} Carrier */

/**
 * @typedef {object} CourierOptions
 * @property {Clock} clock
 * @property {(replica: Replica) => Carrier | null} carrier what can be used now
 * @property {(replica: Replica, id: string, problem: Problem) => void} onFailed a message will not be taken, however often it is sent
 * @property {(replica: Replica) => void} onResync more was stored than the server will look through; catch
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

  /** Sends what is to be sent, unless something is on its way or has to wait. @param {Replica} replica */
  flush(replica) {
    const attempt = this.#inFlight.get(replica.id);
    // A push or a catch-up may have acknowledged what is still waiting for its answer.
    if (attempt && replica.outbox.some(({ id }) => id === attempt.id)) return;
    const outgoing = replica.nextOutgoing();
    if (!outgoing || this.#waits.has(replica.id)) return;
    const carrier = this.#options.carrier(replica);
    if (carrier) void this.#attempt(replica, outgoing, carrier);
  }

  /** A new connection has caught up: what was unanswered is retried at once, what was told to wait still waits. @param {Replica} replica */
  reconnected(replica) {
    const wait = this.#waits.get(replica.id);
    if (wait?.endsOnReconnect) this.#endWait(replica.id);
    this.flush(replica);
  }

  /** Gives up all attempts and waits; the outboxes keep their messages. */
  stop() {
    this.#inFlight.clear();
    for (const id of [...this.#waits.keys()]) this.#endWait(id);
  }

  /** @param {Replica} replica @param {Outgoing} outgoing @param {Carrier} carrier */
  async #attempt(replica, outgoing, carrier) {
    const attempt = { id: outgoing.id };
    const begun = this.#options.clock.now();
    this.#inFlight.set(replica.id, attempt);
    outgoing.after = replica.position;
    const delivery = await carrier(replica, outgoing);
    if (this.#inFlight.get(replica.id) !== attempt) return;
    this.#inFlight.delete(replica.id);
    if (delivery.kind === "rejected") this.#rejected(replica, outgoing, delivery.problem);
    else if (delivery.kind === "stored") this.#failures.delete(replica.id);
    else this.#wait(replica, begun + ANSWER_LIMIT - this.#options.clock.now(), true);
    this.flush(replica);
  }

  /** @param {Replica} replica @param {Outgoing} outgoing @param {Problem} problem */
  #rejected(replica, outgoing, problem) {
    const { clock, onFailed, onResync, onRefused } = this.#options;
    if (problem.retry === Retry.never) {
      onFailed(replica, outgoing.id, problem);
      return;
    }
    const failures = (this.#failures.get(replica.id) ?? 0) + 1;
    this.#failures.set(replica.id, failures);
    this.#wait(replica, problem.retryAfterMs ?? backoff(failures, clock), problem.retry !== Retry.later);
    if (problem.retry === Retry.resync) onResync(replica);
    if (problem.retry === Retry.reauthenticate) onRefused();
  }

  /** @param {Replica} replica @param {number} ms @param {boolean} endsOnReconnect */
  #wait(replica, ms, endsOnReconnect) {
    this.#endWait(replica.id);
    if (ms <= 0) return;
    const cancel = this.#options.clock.after(ms, () => {
      this.#waits.delete(replica.id);
      this.flush(replica);
    });
    this.#waits.set(replica.id, { cancel, endsOnReconnect });
  }

  /** @param {string} id */
  #endWait(id) {
    this.#waits.get(id)?.cancel();
    this.#waits.delete(id);
  }
}
