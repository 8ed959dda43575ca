/** The logs and the outboxes of one person, kept in step with the server over one connection: what comes, and what goes. */

import { backoff } from "./clock.js";
import { ANSWER_LIMIT } from "./connection.js";
import { Action, Code, MAX_POSITIONS, Refusal, Retry } from "./protocol.js";

/** @import { Outgoing } from "./facts.js" */
/** @import { Replica } from "./model.js" */
/** @import { Carrier, CourierOptions, Following, SubscriptionsOptions } from "./parts.js" */
/** @import { Problem } from "./wire.js" */

/** Pushes may overtake each other; a gap that is older is one. */
const GAP_PATIENCE = 500;

/** Keeps the followed conversations subscribed and caught up. What comes in by it is read where frames are. */
export class Subscriptions {
  /** @type {SubscriptionsOptions} */ #options;
  /** The most recently used is last. @type {Map<string, Following>} */ #followed = new Map();
  /** What was asked on an earlier connection says nothing. */ #epoch = 0;
  #connected = false;

  /** @param {SubscriptionsOptions} options */
  constructor(options) {
    this.#options = options;
  }

  /** To catch up first acknowledges what was stored; but not at the price of never sending. @param {string} id */
  isReady(id) {
    const following = this.#followed.get(id);
    return following === undefined || following.phase === "live" || following.failures > 0;
  }

  positions() {
    return Object.fromEntries(
      [...this.#followed].map(([id, { replica }]) => [id, replica.position]),
    );
  }

  /** The one not used for longest makes room. @param {Replica} replica @param {{now: boolean}} options `now`: somebody looks at it */
  follow(replica, { now }) {
    /** @type {Following} */
    const following = this.#followed.get(replica.id) ?? {
      replica,
      phase: "wanted",
      failures: 0,
      cancel: null,
    };
    if (!now && !this.#followed.has(replica.id) && this.#followed.size >= MAX_POSITIONS) return;
    this.#followed.delete(replica.id);
    this.#followed.set(replica.id, following);
    const oldest = this.#followed.keys().next().value;
    if (this.#followed.size > MAX_POSITIONS && oldest !== undefined) {
      this.unfollow(oldest);
      if (this.#connected)
        void this.#options.ask({ action: Action.unsubscribe, conversation: oldest });
    }
    if (now && following.phase === "wanted") void this.#ask(following);
    else this.#advance();
  }

  /** @param {string} id */
  unfollow(id) {
    this.#followed.get(id)?.cancel?.();
    this.#followed.delete(id);
  }

  /** @param {string | null} first the conversation on the screen */
  connected(first) {
    this.#reset(true);
    const open = first === null ? undefined : this.#followed.get(first);
    if (open) void this.#ask(open);
    else this.#advance();
  }

  disconnected() {
    this.#reset(false);
  }

  /** Something is known to be missing. @param {string} id */
  catchUp(id) {
    const following = this.#followed.get(id);
    if (following && following.phase !== "asking" && following.phase !== "waiting")
      void this.#ask(following);
  }

  /** @param {string} id */
  noticeGap(id) {
    const following = this.#followed.get(id);
    if (!following || following.phase !== "live" || following.cancel) return;
    following.cancel = this.#options.clock.after(GAP_PATIENCE, () => {
      following.cancel = null;
      if (following.replica.hasGap) this.catchUp(id);
    });
  }

  /** @param {boolean} connected */
  #reset(connected) {
    this.#connected = connected;
    this.#epoch += 1;
    for (const following of this.#followed.values()) {
      following.cancel?.();
      Object.assign(following, { phase: "wanted", failures: 0, cancel: null });
    }
  }

  /** One after the other: a new connection should not cost twenty functions at once. */
  #advance() {
    const all = [...this.#followed.values()];
    if (!this.#connected || all.some(({ phase }) => phase === "asking")) return;
    const next = all.reverse().find(({ phase }) => phase === "wanted");
    if (next) void this.#ask(next);
  }

  /** @param {Following} following */
  async #ask(following) {
    if (!this.#connected) return;
    const { replica } = following;
    const epoch = this.#epoch;
    const from = replica.position;
    following.cancel?.();
    Object.assign(following, { phase: "asking", cancel: null });
    const outcome = await this.#options.ask({
      action: Action.subscribe,
      conversation: replica.id,
      after: from,
    });
    if (
      outcome.kind === "disconnected" ||
      epoch !== this.#epoch ||
      this.#followed.get(replica.id) !== following
    )
      return;
    if (outcome.kind === "answer" && outcome.frame.event === "error") {
      await this.#rejected(following, outcome.frame.problem, epoch);
    } else if (outcome.kind === "answer" && outcome.frame.event === "subscribed") {
      const { limited, head } = outcome.frame.page;
      const missing = limited || replica.position < head;
      if (missing && replica.position > from) {
        following.failures = 0;
        void this.#ask(following);
      } else if (missing) {
        // Not at once, or we would ask without end.
        this.#later(following, undefined);
      } else {
        Object.assign(following, { phase: "live", failures: 0 });
        if (replica.hasGap) this.noticeGap(replica.id);
        this.#options.onReady(replica);
      }
    } else {
      // Unanswered: ten seconds have passed already.
      following.failures += 1;
      void this.#ask(following);
      this.#options.onReady(replica);
    }
    this.#advance();
  }

  /** @param {Following} following @param {Problem} problem @param {number} epoch */
  async #rejected(following, problem, epoch) {
    const { replica } = following;
    if (problem.retry === Retry.resync) {
      const restarted = await this.#options.onForeignPosition(replica);
      if (epoch !== this.#epoch || this.#followed.get(replica.id) !== following) return;
      if (restarted) void this.#ask(following);
      else this.#later(following, undefined);
    } else if (problem.retry === Retry.later) {
      this.#later(following, problem.retryAfterMs);
    } else if (problem.retry === Retry.reauthenticate) {
      following.phase = "wanted";
      this.#options.onRefused();
    } else {
      this.unfollow(replica.id);
      if (problem.code === Code.notFound || problem.code === Code.forbidden)
        this.#options.onGone(replica);
    }
  }

  /** @param {Following} following @param {number | undefined} retryAfterMs */
  #later(following, retryAfterMs) {
    following.failures += 1;
    following.phase = "waiting";
    following.cancel = this.#options.clock.after(
      retryAfterMs || backoff(following.failures, this.#options.clock),
      () => {
        following.cancel = null;
        void this.#ask(following);
      },
    );
    this.#options.onReady(following.replica);
  }
}

/**
 * Brings what is in the outboxes to the server: one message per conversation at a time, and after a failure as the error
 * advises. Whether a message has arrived the replica knows, which compares with everything it sees.
 */
export class Courier {
  /** @type {CourierOptions} */ #options;
  /** By conversation. @type {Map<string, {id: string}>} */ #inFlight = new Map();
  /** @type {Map<string, {cancel: () => void, endsOnReconnect: boolean}>} */ #waits = new Map();
  /** @type {Map<string, number>} */ #failures = new Map();

  /** @param {CourierOptions} options */
  constructor(options) {
    this.#options = options;
  }

  /** @param {Replica} replica */
  flush(replica) {
    const attempt = this.#inFlight.get(replica.id);
    // A push may have acknowledged what still waits for its answer.
    if (attempt && replica.outbox.some(({ id }) => id === attempt.id)) return;
    const outgoing = replica.nextOutgoing();
    if (!outgoing || this.#waits.has(replica.id)) return;
    const carrier = this.#options.carrier(replica);
    if (carrier) void this.#attempt(replica, outgoing, carrier);
  }

  /** What was unanswered is retried at once, what was told to wait still waits. @param {Replica} replica */
  reconnected(replica) {
    if (this.#waits.get(replica.id)?.endsOnReconnect) this.#endWait(replica.id);
    this.flush(replica);
  }

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
    if (problem.retry === Retry.never) return onFailed(replica, outgoing.id, problem);
    const failures = (this.#failures.get(replica.id) ?? 0) + 1;
    this.#failures.set(replica.id, failures);
    this.#wait(
      replica,
      problem.retryAfterMs || backoff(failures, clock),
      problem.retry !== Retry.later,
    );
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

/** Acknowledgements are read where frames are. @param {import("./connection.js").Connection["ask"]} ask @returns {Carrier} */
export function socketCarrier(ask) {
  return async (replica, { id, body, after }) => {
    const outcome = await ask({
      action: Action.sendMessage,
      conversation: replica.id,
      id,
      body,
      after,
    });
    if (outcome.kind !== "answer") return outcome;
    return outcome.frame.event === "error"
      ? { kind: "rejected", problem: outcome.frame.problem }
      : { kind: "stored" };
  };
}

/** @param {import("./api.js").Api} api @param {(sent: import("./wire.js").Sent) => void} onSent @returns {Carrier} */
export function httpCarrier(api, onSent) {
  return async (replica, { id, body, after }) => {
    try {
      onSent(await api.send(replica.id, { id, body, after }));
      return { kind: "stored" };
    } catch (error) {
      return error instanceof Refusal
        ? { kind: "rejected", problem: error.problem }
        : { kind: "unanswered" };
    }
  };
}
