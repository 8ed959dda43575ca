import { backoff } from "./connection.js";
import { ANSWER_LIMIT_MS } from "./connection.js";
import { Action, Rejection, Retry } from "./protocol.js";

/** @import { Api, Connection, Outgoing, Problem } from "./types.js" */
/** @import { Replica, SenderOptions, Sent, Transport } from "./types.js" */

/**
 * Sends one message per conversation at a time, and repeats it as the error advises. The replica
 * finds out whether it is stored.
 */
export class Sender {
  /** @type {SenderOptions} */
  #options;
  /** @type {Map<string, {id: string}>} */
  #inFlight = new Map();
  /** @type {Map<string, {cancel: () => void, endsOnReconnect: boolean}>} */
  #waits = new Map();
  /** @type {Map<string, number>} */
  #failures = new Map();

  /** @param {SenderOptions} options */
  constructor(options) {
    this.#options = options;
  }

  /** @param {Replica} replica */
  flush(replica) {
    const attempt = this.#inFlight.get(replica.id);
    // A push may have acknowledged the message before its answer.
    if (attempt && replica.outbox.some(({ id }) => id === attempt.id)) return;
    const outgoing = replica.nextOutgoing();
    if (!outgoing || this.#waits.has(replica.id)) return;
    const transport = this.#options.transport(replica);
    if (transport) void this.#attempt(replica, outgoing, transport);
  }

  /**
   * Repeats an unanswered message at once. A wait that the server asked for goes on.
   * @param {Replica} replica
   */
  reconnected(replica) {
    if (this.#waits.get(replica.id)?.endsOnReconnect) this.#endWait(replica.id);
    this.flush(replica);
  }

  stop() {
    this.#inFlight.clear();
    for (const id of [...this.#waits.keys()]) this.#endWait(id);
  }

  /** @param {Replica} replica @param {Outgoing} outgoing @param {Transport} transport */
  async #attempt(replica, outgoing, transport) {
    const { clock } = this.#options;
    const attempt = { id: outgoing.id };
    const begun = clock.now();
    this.#inFlight.set(replica.id, attempt);
    outgoing.after = replica.position;
    const delivery = await transport(replica, outgoing);
    if (this.#inFlight.get(replica.id) !== attempt) return;
    this.#inFlight.delete(replica.id);
    if (delivery.kind === "rejected") this.#rejected(replica, outgoing, delivery.problem);
    else if (delivery.kind === "stored") this.#failures.delete(replica.id);
    else this.#wait(replica, begun + ANSWER_LIMIT_MS - clock.now(), true);
    this.flush(replica);
  }

  /** @param {Replica} replica @param {Outgoing} outgoing @param {Problem} problem */
  #rejected(replica, outgoing, problem) {
    const { clock, onExpired, onFailed, onResync } = this.#options;
    if (problem.retry === Retry.never) return onFailed(replica, outgoing.id, problem);
    const failures = (this.#failures.get(replica.id) ?? 0) + 1;
    this.#failures.set(replica.id, failures);
    const wait = problem.retryAfterMs || backoff(failures, clock);
    this.#wait(replica, wait, problem.retry !== Retry.later);
    if (problem.retry === Retry.resync) onResync(replica);
    if (problem.retry === Retry.reauthenticate) onExpired();
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

/** @param {Connection["request"]} request @returns {Transport} */
export function socketTransport(request) {
  return async ({ id: conversation }, { id, body, replyTo, target, text, after }) => {
    const content =
      target === undefined
        ? { action: Action.sendMessage, body, replyTo }
        : text
          ? { action: Action.editMessage, target, body: text }
          : { action: Action.deleteMessage, target };
    const outcome = await request({ ...content, conversation, id, after });
    if (outcome.kind !== "answer") return outcome;
    return outcome.frame.event === "error"
      ? { kind: "rejected", problem: outcome.frame.problem }
      : { kind: "stored" };
  };
}

/** @param {Api} api @param {(sent: Sent) => void} onSent @returns {Transport} */
export function httpTransport(api, onSent) {
  return async (replica, { id, body, replyTo, target, text, after }) => {
    const message = { id, body: text ?? body, replyTo, after };
    try {
      onSent(
        target === undefined
          ? await api.send("POST", replica.id, "", message)
          : text
            ? await api.send("PATCH", replica.id, `/${target}`, message)
            : await api.send("DELETE", replica.id, `/${target}?id=${id}&after=${after}`),
      );
      return { kind: "stored" };
    } catch (error) {
      return error instanceof Rejection
        ? { kind: "rejected", problem: error.problem }
        : { kind: "unanswered" };
    }
  };
}
