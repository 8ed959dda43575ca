import { backoff } from "./connection.js";
import { Action, Code, MAX_POSITIONS, Retry } from "./protocol.js";

/** @import { Problem, Replica, Subscription, SubscriptionsOptions } from "./types.js" */

/** Pushes may overtake each other for this long. */
const GAP_LIMIT_MS = 500;

export class Subscriptions {
  /** @type {SubscriptionsOptions} */
  #options;
  /** The most recently used is last. @type {Map<string, Subscription>} */
  #all = new Map();
  /** Grows with each connection. Answers of earlier ones are ignored. */
  #epoch = 0;
  #isConnected = false;

  /** @param {SubscriptionsOptions} options */
  constructor(options) {
    this.#options = options;
  }

  /**
   * Sending waits for catching up, which acknowledges stored messages, unless that fails.
   * @param {string} id
   */
  isReady(id) {
    const subscription = this.#all.get(id);
    return subscription === undefined || subscription.phase === "live" || subscription.failures > 0;
  }

  positions() {
    return Object.fromEntries([...this.#all].map(([id, { replica }]) => [id, replica.position]));
  }

  /**
   * Subscribes, and ends the least recently used subscription if there are too many.
   * @param {Replica} replica
   * @param {{now: boolean}} options `now`: the user is waiting for it
   */
  follow(replica, { now }) {
    if (!now && !this.#all.has(replica.id) && this.#all.size >= MAX_POSITIONS) return;
    /** @type {Subscription} */
    const fresh = { replica, phase: "wanted", failures: 0, cancel: null };
    const subscription = this.#all.get(replica.id) ?? fresh;
    this.#all.delete(replica.id);
    this.#all.set(replica.id, subscription);
    const oldest = this.#all.keys().next().value;
    if (this.#all.size > MAX_POSITIONS && oldest !== undefined) {
      this.unfollow(oldest);
      if (this.#isConnected)
        void this.#options.request({ action: Action.unsubscribe, conversation: oldest });
    }
    if (now && subscription.phase === "wanted") void this.#ask(subscription);
    else this.#advance();
  }

  /** @param {string} id */
  unfollow(id) {
    this.#all.get(id)?.cancel?.();
    this.#all.delete(id);
  }

  /** @param {string | null} first the conversation that the user is waiting for */
  connected(first) {
    this.#reset(true);
    const open = first === null ? undefined : this.#all.get(first);
    if (open) void this.#ask(open);
    else this.#advance();
  }

  disconnected() {
    this.#reset(false);
  }

  /** @param {string} id */
  catchUp(id) {
    const subscription = this.#all.get(id);
    if (subscription && subscription.phase !== "asking" && subscription.phase !== "waiting")
      void this.#ask(subscription);
  }

  /** @param {string} id */
  noticeGap(id) {
    const subscription = this.#all.get(id);
    if (subscription?.phase !== "live" || subscription.cancel) return;
    subscription.cancel = this.#options.clock.after(GAP_LIMIT_MS, () => {
      subscription.cancel = null;
      if (subscription.replica.hasGap) this.catchUp(id);
    });
  }

  /** @param {boolean} isConnected */
  #reset(isConnected) {
    this.#isConnected = isConnected;
    this.#epoch += 1;
    for (const subscription of this.#all.values()) {
      subscription.cancel?.();
      Object.assign(subscription, { phase: "wanted", failures: 0, cancel: null });
    }
  }

  /** One after the other, so that a new connection does not start 20 functions. */
  #advance() {
    const all = [...this.#all.values()];
    if (!this.#isConnected || all.some(({ phase }) => phase === "asking")) return;
    const next = all.reverse().find(({ phase }) => phase === "wanted");
    if (next) void this.#ask(next);
  }

  /** @param {Subscription} subscription */
  async #ask(subscription) {
    if (!this.#isConnected) return;
    const { replica } = subscription;
    const epoch = this.#epoch;
    const from = replica.position;
    subscription.cancel?.();
    Object.assign(subscription, { phase: "asking", cancel: null });
    const outcome = await this.#options.request({
      action: Action.subscribe,
      conversation: replica.id,
      after: from,
      receipts: true,
    });
    if (outcome.kind === "disconnected" || !this.#isCurrent(subscription, epoch)) return;
    const frame = outcome.kind === "answer" ? outcome.frame : null;
    if (frame?.event === "error") {
      await this.#rejected(subscription, frame.problem, epoch);
    } else if (frame?.event === "subscribed") {
      const { limited, head } = frame.page;
      this.#subscribed(subscription, from, limited || replica.position < head);
    } else {
      // Unanswered. 10 s have passed already, so it asks again at once.
      subscription.failures += 1;
      void this.#ask(subscription);
      this.#options.onReady(replica);
    }
    this.#advance();
  }

  /**
   * @param {Subscription} subscription
   * @param {number} from
   * @param {boolean} isMissing whether more entries have to be read
   */
  #subscribed(subscription, from, isMissing) {
    const { replica } = subscription;
    if (!isMissing) {
      Object.assign(subscription, { phase: "live", failures: 0 });
      if (replica.hasGap) this.noticeGap(replica.id);
      this.#options.onReady(replica);
    } else if (replica.position > from) {
      subscription.failures = 0;
      void this.#ask(subscription);
    } else {
      // No progress: asking at once could go on for ever.
      this.#later(subscription, undefined);
    }
  }

  /** @param {Subscription} subscription @param {Problem} problem @param {number} epoch */
  async #rejected(subscription, problem, epoch) {
    const { replica } = subscription;
    if (problem.retry === Retry.resync) {
      const isRestarted = await this.#options.onForeignPosition(replica);
      if (!this.#isCurrent(subscription, epoch)) return;
      if (isRestarted) void this.#ask(subscription);
      else this.#later(subscription, undefined);
    } else if (problem.retry === Retry.later) {
      this.#later(subscription, problem.retryAfterMs);
    } else if (problem.retry === Retry.reauthenticate) {
      subscription.phase = "wanted";
      this.#options.onExpired();
    } else {
      this.unfollow(replica.id);
      if (problem.code === Code.notFound || problem.code === Code.forbidden)
        this.#options.onGone(replica);
    }
  }

  /** @param {Subscription} subscription @param {number} epoch */
  #isCurrent(subscription, epoch) {
    return epoch === this.#epoch && this.#all.get(subscription.replica.id) === subscription;
  }

  /** @param {Subscription} subscription @param {number | undefined} retryAfterMs */
  #later(subscription, retryAfterMs) {
    subscription.failures += 1;
    subscription.phase = "waiting";
    const wait = retryAfterMs || backoff(subscription.failures, this.#options.clock);
    subscription.cancel = this.#options.clock.after(wait, () => {
      subscription.cancel = null;
      void this.#ask(subscription);
    });
    this.#options.onReady(subscription.replica);
  }
}
