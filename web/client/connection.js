/**
 * One WebSocket that reconnects, and polling. They know requests and pings, but no conversations.
 */

/** @import { Answer, Clock, ConnectionOptions, Outcome, PollerOptions, Reason } from "./types.js" */
/** @import { Socket } from "./types.js" */

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;

/** A handshake may have to wait for two cold starts. */
const HANDSHAKE_LIMIT_MS = 20_000;
const STALLED_AFTER_MS = 5_000;
/** Failures are counted from 0 again after a connection of this length. */
const SETTLED_AFTER_MS = 10_000;
/** The gateway ends connections after 2 h. */
const REPLACE_AFTER_MS = 105 * 60_000;
const REPLACE_SPREAD_MS = 5 * 60_000;
const PONG_LIMIT_MS = 10_000;
/** While visible, pings reveal a missed newest entry. */
const PING_EVERY_MS = 30_000;
const PING_SPREAD_MS = 30_000;
/** While hidden, pings only prevent the gateway's idle limit of 10 minutes. */
const PING_EVERY_HIDDEN_MS = 5 * 60_000;
/** A request then counts as unanswered. The protocol forbids an earlier repetition. */
export const ANSWER_LIMIT_MS = 10_000;

export class Connection {
  /** @type {ConnectionOptions} */
  #options;
  #isStarted = false;
  /** @type {Reason | null} */
  reason = null;
  /** @type {number | null} */
  retryAt = null;
  /** @type {Socket | null} */
  #socket = null;
  /** @type {Socket | null} */
  #candidate = null;
  #failures = 0;
  #lastRef = 0;
  /** @type {Map<string, (outcome: Outcome) => void>} */
  #pending = new Map();
  #dialedAt = 0;
  #openedAt = 0;
  #lastPingAt = 0;
  #heardSincePing = true;
  /** Grows with each `stop`. Results of earlier generations are ignored. */
  #generation = 0;
  /** @type {Map<string, () => void>} */
  #timers = new Map();

  /** @param {ConnectionOptions} options */
  constructor(options) {
    this.#options = options;
  }

  get isOpen() {
    return this.#socket !== null;
  }

  start() {
    this.stop();
    this.#isStarted = true;
    this.#failures = 0;
    this.#dial();
  }

  replace() {
    if (!this.#isStarted) return;
    if (this.#candidate) abandon(this.#candidate);
    this.#cancel("replace");
    this.#dial();
  }

  stop() {
    this.#generation += 1;
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
    if (this.#socket) abandon(this.#socket);
    if (this.#candidate) abandon(this.#candidate);
    this.#socket = null;
    this.#candidate = null;
    this.reason = null;
    this.retryAt = null;
    this.#isStarted = false;
    this.#disconnectPending();
  }

  /** @param {{action: string} & Record<string, unknown>} request @returns {Promise<Outcome>} */
  request(request) {
    this.#lastRef += 1;
    const ref = String(this.#lastRef);
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(ANSWER_LIMIT_MS, () => {
        this.doubt();
        settle({ kind: "unanswered" });
      });
      /** @param {Outcome} outcome */
      const settle = (outcome) => {
        cancel();
        this.#pending.delete(ref);
        resolve(outcome);
      };
      this.#pending.set(ref, settle);
      if (this.#socket) this.#socket.send(JSON.stringify({ ...request, ref }));
      else settle({ kind: "disconnected" });
    });
  }

  /**
   * Sends a frame that has no answer. Returns `false` if it cannot be sent.
   * @param {Record<string, unknown>} frame
   */
  tell(frame) {
    this.#socket?.send(JSON.stringify(frame));
    return this.isOpen;
  }

  /** @param {Answer} frame */
  answered(frame) {
    if (frame.ref !== undefined) this.#pending.get(frame.ref)?.({ kind: "answer", frame });
  }

  wake() {
    if (!this.#isStarted) return;
    const { clock } = this.#options;
    if (this.#socket !== null) {
      if (clock.now() - this.#lastPingAt >= PING_EVERY_MS) this.doubt();
      else this.#schedulePing();
    } else if (this.#candidate === null || clock.now() - this.#dialedAt >= STALLED_AFTER_MS) {
      // A handshake that began on another network would never end.
      if (this.#candidate) abandon(this.#candidate);
      this.#failures = 0;
      this.#dial();
    }
  }

  /** Sends a ping, and drops the connection if no frame follows. */
  doubt() {
    const socket = this.#socket;
    // Another ping would prolong the wait for a pong.
    if (socket === null || !this.#heardSincePing) return;
    this.#lastPingAt = this.#options.clock.now();
    this.#heardSincePing = false;
    socket.send(this.#options.ping());
    this.#set("pong", PONG_LIMIT_MS, () => {
      if (!this.#heardSincePing) this.#lost(socket);
    });
    this.#schedulePing();
  }

  #dial() {
    this.#cancel("retry");
    this.retryAt = null;
    this.#dialedAt = this.#options.clock.now();
    const generation = this.#generation;
    const failed = () => void this.#handshakeFailed(generation);
    this.#set("handshake", HANDSHAKE_LIMIT_MS, () => {
      if (this.#candidate) abandon(this.#candidate);
      failed();
    });
    try {
      const socket = this.#options.dial();
      this.#candidate = socket;
      socket.onopen = () => this.#opened(socket);
      socket.onclose = failed;
    } catch {
      failed();
    }
  }

  /** @param {Socket} socket */
  #opened(socket) {
    const { clock, onFrame, onOpen } = this.#options;
    if (this.#socket) abandon(this.#socket);
    this.#socket = socket;
    this.#candidate = null;
    this.reason = null;
    this.#openedAt = clock.now();
    this.#lastPingAt = this.#openedAt;
    this.#heardSincePing = true;
    this.#cancel("handshake");
    this.#cancel("pong");
    socket.onmessage = ({ data }) => {
      this.#heardSincePing = true;
      onFrame(data);
    };
    socket.onclose = () => this.#lost(socket);
    const lifetime = REPLACE_AFTER_MS + REPLACE_SPREAD_MS * clock.random();
    this.#set("replace", lifetime, () => this.#dial());
    this.#schedulePing();
    this.#disconnectPending();
    onOpen();
  }

  /** @param {number} generation */
  async #handshakeFailed(generation) {
    this.#cancel("handshake");
    this.#candidate = null;
    this.#failures += 1;
    if (this.#socket !== null) {
      this.#set("replace", backoff(this.#failures, this.#options.clock), () => this.#dial());
      return;
    }
    this.#options.onDown();
    const reason = await this.#options.diagnose();
    const isOutdated = generation !== this.#generation || this.#socket || this.#candidate;
    if (isOutdated) return;
    if (reason === "renewed") return this.#dial();
    if (reason === "expired") {
      this.stop();
      this.#options.onSignedOut();
      return;
    }
    this.reason = reason;
    this.#retry();
  }

  /** @param {Socket} socket */
  #lost(socket) {
    abandon(socket);
    this.#socket = null;
    for (const timer of ["pong", "ping", "replace"]) this.#cancel(timer);
    if (this.#options.clock.now() - this.#openedAt >= SETTLED_AFTER_MS) this.#failures = 0;
    this.#failures += 1;
    this.#disconnectPending();
    this.#options.onDown();
    if (this.#candidate === null) this.#retry();
  }

  #disconnectPending() {
    for (const settle of [...this.#pending.values()]) settle({ kind: "disconnected" });
  }

  #retry() {
    const wait = backoff(this.#failures, this.#options.clock);
    this.retryAt = this.#options.clock.now() + wait;
    this.#set("retry", wait, () => this.#dial());
    this.#options.onWait();
  }

  #schedulePing() {
    const { clock, isVisible } = this.#options;
    const wait = isVisible()
      ? PING_EVERY_MS + PING_SPREAD_MS * clock.random()
      : PING_EVERY_HIDDEN_MS;
    this.#set("ping", Math.max(0, this.#lastPingAt + wait - clock.now()), () => this.doubt());
  }

  /** @param {string} name @param {number} ms @param {() => void} then */
  #set(name, ms, then) {
    this.#cancel(name);
    const cancel = this.#options.clock.after(ms, () => {
      this.#timers.delete(name);
      then();
    });
    this.#timers.set(name, cancel);
  }

  /** @param {string} name */
  #cancel(name) {
    this.#timers.get(name)?.();
    this.#timers.delete(name);
  }
}

/** @param {Socket} socket */
function abandon(socket) {
  socket.onopen = null;
  socket.onmessage = null;
  socket.onclose = null;
  socket.close(1000);
}

/**
 * Returns a random wait in milliseconds, up to a bound that doubles with each failure.
 * @param {number} failures
 * @param {Clock} clock
 */
export function backoff(failures, clock) {
  const bound = FIRST_WAIT_MS * 2 ** Math.min(failures - 1, 16);
  return clock.random() * Math.min(LONGEST_WAIT_MS, bound);
}

export class Poller {
  /** @type {PollerOptions} */
  #options;
  /** @type {(() => void) | null} */
  #cancel = null;
  #generation = 0;
  works = false;

  /** @param {PollerOptions} options */
  constructor(options) {
    this.#options = options;
  }

  /** @param {number} wait milliseconds before the first poll */
  start(wait) {
    if (this.#cancel === null) this.#schedule(wait, 0);
  }

  stop() {
    this.#generation += 1;
    this.#cancel?.();
    this.#cancel = null;
    this.works = false;
  }

  /** @param {number} wait @param {number} failures in a row */
  #schedule(wait, failures) {
    const { clock, interval, onSuccess, poll } = this.#options;
    const generation = this.#generation;
    this.#cancel = clock.after(wait, async () => {
      const isAnswered = await poll();
      if (generation !== this.#generation) return;
      this.works = isAnswered;
      if (!isAnswered) {
        const pause = backoff(failures + 1, clock);
        return this.#schedule((interval ?? 0) + pause, failures + 1);
      }
      this.#cancel = null;
      onSuccess();
      if (interval !== null && generation === this.#generation) this.#schedule(interval, 0);
    });
  }
}
