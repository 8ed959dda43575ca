import { backoff } from "./connection.js";
import { Action, Code, MAX_POSITIONS, Retry } from "./protocol.js";

/** @import { Opened, Problem, Replica, Subscription, SubscriptionsOptions } from "./types.js" */

const GAP_LIMIT_MS = 500;

export class Subscriptions {
  /** @type {SubscriptionsOptions} */
  #options;
  /** The most recently used is last. @type {Map<string, Subscription>} */
  #all = new Map();
  #epoch = 0;
  #isConnected = false;
  /** Whether the server knows neither lists of conversations nor `catchUp`. */
  #isOld = false;
  /** @type {Set<string>} */
  #heard = new Set();

  /** @param {SubscriptionsOptions} options */
  constructor(options) {
    this.#options = options;
  }

  /** Sending waits for catching up, unless that fails. @param {string} id */
  isReady(id) {
    const subscription = this.#all.get(id);
    return subscription === undefined || subscription.phase === "live" || subscription.failures > 0;
  }

  /** @param {string} id */
  heard(id) {
    this.#heard.add(id);
  }

  unheard() {
    const quiet = [...this.#all].filter(([id]) => !this.#heard.has(id));
    this.#heard.clear();
    return Object.fromEntries(quiet.map(([id, { replica }]) => [id, replica.position]));
  }

  /** @param {Replica} replica @param {{now: boolean}} options whether the user is waiting for it */
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
    if (now && subscription.phase === "wanted") this.#ask(Action.subscribe, [subscription]);
    // Those that are followed together go into one frame.
    else queueMicrotask(() => this.#advance());
  }

  /** @param {string} id */
  unfollow(id) {
    this.#all.get(id)?.cancel?.();
    this.#all.delete(id);
  }

  /** @param {string | null} first the conversation that the user is waiting for */
  connected(first) {
    this.#reset(true);
    this.#advance(first === null ? undefined : this.#all.get(first));
  }

  disconnected() {
    this.#reset(false);
  }

  /** @param {string[]} ids */
  catchUp(...ids) {
    const live = ids.flatMap((id) => this.#all.get(id) ?? []).filter((one) => one.phase === "live");
    if (!this.#isOld) return this.#ask(Action.catchUp, live);
    for (const subscription of live) subscription.phase = "wanted";
    this.#advance();
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
    this.#isOld = false;
    for (const subscription of this.#all.values()) {
      subscription.cancel?.();
      Object.assign(subscription, { phase: "wanted", failures: 0, cancel: null });
    }
  }

  /** Subscribes to what is left, in one frame. @param {Subscription} [first] */
  #advance(first) {
    const all = [...this.#all.values(), ...(first ? [first] : [])].reverse();
    if (all.some(({ phase }) => phase === "asking")) return;
    const wanted = all.filter(({ phase }) => phase === "wanted");
    this.#ask(Action.subscribe, [...new Set(wanted)].slice(0, this.#isOld ? 1 : undefined));
  }

  /** @param {string} action @param {Subscription[]} asked */
  async #ask(action, asked) {
    if (!this.#isConnected || asked.length === 0) return;
    const epoch = this.#epoch;
    const conversations = asked.map((subscription) => {
      subscription.cancel?.();
      Object.assign(subscription, { phase: "asking", cancel: null });
      return { conversation: subscription.replica.id, after: subscription.replica.position };
    });
    const outcome = await this.#options.request({
      action,
      ...(asked.length > 1 ? { conversations } : conversations[0]),
      ...(action === Action.subscribe && { receipts: true, packed: true }),
    });
    if (outcome.kind === "disconnected" || epoch !== this.#epoch) return;
    const frame = outcome.kind === "answer" ? outcome.frame : null;
    const problem = frame?.event === "error" ? frame.problem : undefined;
    // One after the other shows which was the reason.
    const isRefused = problem?.retry === Retry.never && (action === Action.catchUp || !!asked[1]);
    this.#isOld ||= isRefused;
    for (const [index, subscription] of asked.entries()) {
      const { id } = subscription.replica;
      if (this.#all.get(id) !== subscription) continue;
      const outcomes = frame?.event === "entries" ? frame.outcomes : [];
      const answer = problem ? { problem } : outcomes.find((one) => one.conversation === id);
      if (isRefused) subscription.phase = "wanted";
      else if (answer?.problem) void this.#rejected(subscription, answer.problem);
      else if (answer) this.#answered(subscription, Number(conversations[index]?.after), answer);
      else if (frame) this.#later(subscription, undefined);
      else {
        // Unanswered. 10 s have passed already, so it asks again at once.
        subscription.failures += 1;
        subscription.phase = "wanted";
        this.#options.onReady(subscription.replica);
      }
    }
    this.#advance();
  }

  /** @param {Subscription} subscription @param {number} from @param {Opened} answer */
  #answered(subscription, from, { page, subscribed }) {
    const { replica } = subscription;
    if (subscribed && !page.limited && replica.position >= page.head) {
      Object.assign(subscription, { phase: "live", failures: 0 });
      if (replica.hasGap) this.noticeGap(replica.id);
      this.#options.onReady(replica);
    } else if (!subscribed || replica.position > from) {
      Object.assign(subscription, { phase: "wanted", failures: 0 });
    } else {
      // No progress: asking at once could go on for ever.
      this.#later(subscription, undefined);
    }
  }

  /** @param {Subscription} subscription @param {Problem} problem */
  async #rejected(subscription, problem) {
    const { replica } = subscription;
    const epoch = this.#epoch;
    if (problem.retry === Retry.resync) {
      const isRestarted = await this.#options.onForeignPosition(replica);
      if (epoch !== this.#epoch || this.#all.get(replica.id) !== subscription) return;
      if (isRestarted) this.#ask(Action.subscribe, [subscription]);
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

  /** @param {Subscription} subscription @param {number | undefined} retryAfterMs */
  #later(subscription, retryAfterMs) {
    subscription.failures += 1;
    subscription.phase = "waiting";
    const wait = retryAfterMs || backoff(subscription.failures, this.#options.clock);
    subscription.cancel = this.#options.clock.after(wait, () => {
      subscription.cancel = null;
      this.#ask(Action.subscribe, [subscription]);
    });
    this.#options.onReady(subscription.replica);
  }
}
