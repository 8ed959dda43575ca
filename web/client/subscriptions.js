/**
 * Keeps the followed conversations subscribed and caught up: after every new connection, after a gap, after a page
 * that was limited. What comes in by it reaches the conversations through the frames; here is only the asking.
 */

import { backoff } from "./clock.js";
import { Action, MAX_POSITIONS, Retry } from "./protocol.js";

/** @import { Clock } from "./clock.js" */
/** @import { Conversation } from "./conversation.js" */
/** @import { Problem } from "./protocol.js" */
/** @import { Requests } from "./requests.js" */

/** Pushes may overtake each other; a gap older than this many milliseconds is one. */
const GAP_PATIENCE = 500;

/**
 * @typedef {object} SubscriptionsOptions
 * @property {Requests} requests
 * @property {Clock} clock
 * @property {(conversation: Conversation) => void} onReady subscribed and caught up, or this does not come about and
 *   sending should not wait for it any longer
 * @property {(conversation: Conversation) => void} onGone the server knows no such conversation, for this user
 * @property {(conversation: Conversation) => Promise<boolean>} onForeignPosition our position is none of this log; the
 *   answer says whether the conversation was started anew
 * @property {() => void} onRefused the token has expired
 */

/**
 * @typedef {object} Following
 * @property {Conversation} conversation
 * @property {"wanted" | "asking" | "live" | "waiting"} phase
 * @property {number} failures attempts in a row that brought nothing
 * @property {(() => void) | null} cancel the timer of a gap or of a wait
 */

export class Subscriptions {
  /** @type {SubscriptionsOptions} */ #options;
  /** By conversation; the most recently used is last. @type {Map<string, Following>} */ #followed = new Map();
  /** Counts connections: what was asked on an earlier one says nothing about this one. */ #epoch = 0;
  #connected = false;

  /** @param {SubscriptionsOptions} options */
  constructor(options) {
    this.#options = options;
  }

  /**
   * Whether a message may be sent now. It is better to catch up first, because that acknowledges what was stored
   * already; but not at the price of never sending. @param {string} id
   */
  isReady(id) {
    const following = this.#followed.get(id);
    return following === undefined || following.phase === "live" || following.failures > 0;
  }

  /** What a ping reports: where we are in what we follow. */
  positions() {
    return Object.fromEntries([...this.#followed].map(([id, { conversation }]) => [id, conversation.position]));
  }

  /**
   * Follows a conversation. As many are followed as one ping can check; the one not used for longest makes room.
   * @param {Conversation} conversation
   * @param {{now: boolean}} options `now`: somebody looks at it, so it does not wait for its turn
   */
  follow(conversation, { now }) {
    /** @type {Following} */
    const following = this.#followed.get(conversation.id) ?? { conversation, phase: "wanted", failures: 0, cancel: null };
    if (!now && !this.#followed.has(conversation.id) && this.#followed.size >= MAX_POSITIONS) return;
    this.#followed.delete(conversation.id);
    this.#followed.set(conversation.id, following);
    const oldest = this.#followed.keys().next().value;
    if (this.#followed.size > MAX_POSITIONS && oldest !== undefined) {
      this.unfollow(oldest);
      if (this.#connected) void this.#options.requests.ask({ action: Action.unsubscribe, conversation: oldest });
    }
    if (now && following.phase === "wanted") void this.#ask(following);
    else this.#advance();
  }

  /** Forgets a conversation that is gone, or has to make room. @param {string} id */
  unfollow(id) {
    this.#followed.get(id)?.cancel?.();
    this.#followed.delete(id);
  }

  /** A connection stands: nothing is subscribed on it yet. @param {string | null} first the conversation on the screen */
  connected(first) {
    this.#reset(true);
    const open = first === null ? undefined : this.#followed.get(first);
    if (open) void this.#ask(open);
    else this.#advance();
  }

  disconnected() {
    this.#reset(false);
  }

  /** Asks again from the present position, because something is known to be missing. @param {string} id */
  catchUp(id) {
    const following = this.#followed.get(id);
    if (following && following.phase !== "asking" && following.phase !== "waiting") void this.#ask(following);
  }

  /** An entry is ahead of a gap: what is missing may still be on its way, so wait a little. @param {string} id */
  noticeGap(id) {
    const following = this.#followed.get(id);
    if (!following || following.phase !== "live" || following.cancel) return;
    following.cancel = this.#options.clock.after(GAP_PATIENCE, () => {
      following.cancel = null;
      if (following.conversation.hasGap) this.catchUp(id);
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

  /** Those that nobody looks at come one after the other: a new connection should not cost twenty functions at once. */
  #advance() {
    const all = [...this.#followed.values()];
    if (!this.#connected || all.some(({ phase }) => phase === "asking")) return;
    const next = all.reverse().find(({ phase }) => phase === "wanted");
    if (next) void this.#ask(next);
  }

  /** @param {Following} following */
  async #ask(following) {
    if (!this.#connected) return;
    const { conversation } = following;
    const epoch = this.#epoch;
    const from = conversation.position;
    following.cancel?.();
    Object.assign(following, { phase: "asking", cancel: null });
    const outcome = await this.#options.requests.ask({ action: Action.subscribe, conversation: conversation.id, after: from });
    if (epoch !== this.#epoch || this.#followed.get(conversation.id) !== following) return;
    if (outcome.kind === "answer" && outcome.frame.event === "error") {
      await this.#rejected(following, outcome.frame.problem, epoch);
    } else if (outcome.kind === "answer" && outcome.frame.event === "subscribed") {
      const { limited, head } = outcome.frame.page;
      const missing = limited || conversation.position < head;
      if (missing && conversation.position > from) {
        following.failures = 0;
        void this.#ask(following);
      } else if (missing) {
        // An answer that brought nothing on is not asked for again at once, or we would ask without end.
        this.#later(following, undefined);
      } else {
        Object.assign(following, { phase: "live", failures: 0 });
        if (conversation.hasGap) this.noticeGap(conversation.id);
        this.#options.onReady(conversation);
      }
    } else {
      // Unanswered: ten seconds have passed already.
      following.failures += 1;
      void this.#ask(following);
      this.#options.onReady(conversation);
    }
    this.#advance();
  }

  /** @param {Following} following @param {Problem} problem @param {number} epoch */
  async #rejected(following, problem, epoch) {
    const { conversation } = following;
    if (problem.retry === Retry.resync) {
      const restarted = await this.#options.onForeignPosition(conversation);
      if (epoch !== this.#epoch || this.#followed.get(conversation.id) !== following) return;
      if (restarted) void this.#ask(following);
      else this.#later(following, undefined);
    } else if (problem.retry === Retry.later) {
      this.#later(following, problem.retryAfterMs);
    } else if (problem.retry === Retry.reauthenticate) {
      following.phase = "wanted";
      this.#options.onRefused();
    } else {
      this.unfollow(conversation.id);
      if (problem.code === "not_found" || problem.code === "forbidden") this.#options.onGone(conversation);
    }
  }

  /** @param {Following} following @param {number | undefined} retryAfterMs */
  #later(following, retryAfterMs) {
    following.failures += 1;
    following.phase = "waiting";
    following.cancel = this.#options.clock.after(retryAfterMs ?? backoff(following.failures, this.#options.clock), () => {
      following.cancel = null;
      void this.#ask(following);
    });
    this.#options.onReady(following.conversation);
  }
}
