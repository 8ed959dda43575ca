/**
 * Questions and answers over the socket: gives every request a `ref`, and says of each what became of it. The content
 * of an answer is not its business, so an answer that comes too late is still worth reading for whoever reads frames.
 */

/** @import { Clock } from "./clock.js" */
/** @import { Frame } from "./protocol.js" */

/** After this many milliseconds a request counts as unanswered; the protocol forbids to repeat a send earlier. */
export const ANSWER_LIMIT = 10_000;

/** @typedef {Extract<Frame, {ref?: string}>} Answer */
/** @typedef {{kind: "answer", frame: Answer} | {kind: "unanswered"} | {kind: "disconnected"}} Outcome */

export class Requests {
  /** @type {(text: string) => boolean} */ #send;
  /** @type {Clock} */ #clock;
  #lastRef = 0;
  /** @type {Map<string, (outcome: Outcome) => void>} */ #pending = new Map();

  /**
   * @param {(text: string) => boolean} send `false` if there is no connection
   * @param {Clock} clock
   */
  constructor(send, clock) {
    this.#send = send;
    this.#clock = clock;
  }

  /**
   * Sends a request. The promise is never rejected.
   * @param {{action: string} & Record<string, unknown>} request
   * @returns {Promise<Outcome>}
   */
  ask(request) {
    const ref = String((this.#lastRef += 1));
    return new Promise((resolve) => {
      const cancel = this.#clock.after(ANSWER_LIMIT, () => settle({ kind: "unanswered" }));
      /** @param {Outcome} outcome */
      const settle = (outcome) => {
        cancel();
        this.#pending.delete(ref);
        resolve(outcome);
      };
      this.#pending.set(ref, settle);
      if (!this.#send(JSON.stringify({ ...request, ref }))) settle({ kind: "disconnected" });
    });
  }

  /** Hands an answer to whoever asked. @param {Answer} frame */
  answered(frame) {
    if (frame.ref !== undefined) this.#pending.get(frame.ref)?.({ kind: "answer", frame });
  }

  /** Tells everybody who waits that the connection is gone. */
  disconnected() {
    for (const settle of [...this.#pending.values()]) settle({ kind: "disconnected" });
  }
}
