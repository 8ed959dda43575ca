/** One WebSocket that reconnects. It knows requests and pings, but no conversations. */

import { Action, Code } from "./protocol.js";

/** @import { Answer, Clock, ConnectionOptions, Outcome, Reason, Socket } from "./types.js" */

// docs/design.md, “The client's waits”, has the reasons.
const FIRST_WAIT_MS = 250;
const DOUBLINGS = 6;
const PATIENCE = 30;
const SLOWEST = 12.5;
const HANDSHAKE_LIMIT_MS = 20_000;
const STALLED_AFTER_MS = 5_000;
const SETTLED_AFTER_MS = 10_000;
const REPLACE_AFTER_MS = 60 * 60_000;
const REPLACE_SPREAD_MS = 50 * 60_000;
const ASK_AFTER_MS = 10_000;
const ASK_EVERY_MS = 60_000;
const PONG_LIMIT_MS = 10_000;
const PING_EVERY_MS = 30_000;
const PING_SPREAD_MS = 30_000;
const PING_EVERY_HIDDEN_MS = 5 * 60_000;
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
  /** @type {Map<string, number>} */
  #rests = new Map();
  #askAt = 0;
  #dialedAt = 0;
  #openedAt = 0;
  #lastPingAt = 0;
  #heardSincePing = true;
  /** Results of earlier generations are ignored. */
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
    this.#askAt = 0;
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
      let cancel = () => {};
      /** @param {Outcome} outcome */
      const settle = (outcome) => {
        cancel();
        if (outcome.kind === "answer" && this.#isLimited(request.action, outcome.frame))
          return attempt();
        this.#pending.delete(ref);
        resolve(outcome);
      };
      const attempt = () => {
        const { clock } = this.#options;
        const rest = this.#rest(request.action);
        if (!this.#socket) settle({ kind: "disconnected" });
        else if (rest > 0) cancel = clock.after(rest, attempt);
        else {
          cancel = clock.after(ANSWER_LIMIT_MS, () => {
            this.doubt();
            settle({ kind: "unanswered" });
          });
          this.#socket.send(JSON.stringify({ ...request, ref }));
        }
      };
      this.#pending.set(ref, settle);
      attempt();
    });
  }

  /** Sends a frame that has no answer, if it can. @param {Record<string, unknown>} frame */
  tell(frame) {
    this.#socket?.send(JSON.stringify(frame));
    return this.isOpen;
  }

  /** @param {Answer} frame */
  answered(frame) {
    if (frame.ref === Action.ping) this.#isLimited(Action.ping, frame);
    else if (frame.ref !== undefined) this.#pending.get(frame.ref)?.({ kind: "answer", frame });
  }

  /** @param {string} action @param {Answer} frame */
  #isLimited(action, frame) {
    if (frame.event !== "error" || frame.problem.code !== Code.rateLimited) return false;
    const { retryAfterMs = 5_000 } = frame.problem;
    this.#rests.set(action, this.#options.clock.now() + retryAfterMs);
    return true;
  }

  /** @param {string} action */
  #rest(action) {
    return (this.#rests.get(action) ?? 0) - this.#options.clock.now();
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

  /** Sends a ping. Without a frame after it, the connection is lost. */
  doubt() {
    const socket = this.#socket;
    // Another one would prolong the wait.
    if (socket === null || !this.#heardSincePing) return;
    const rest = this.#rest(Action.ping);
    if (rest > 0) return this.#set("ping", rest, () => this.doubt());
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
      this.#set("replace", this.#backoff(), () => this.#dial());
      return;
    }
    this.#options.onDown();
    const now = this.#options.clock.now();
    if (now >= this.#askAt || this.#options.isTokenOver()) {
      this.#askAt = now + ASK_EVERY_MS;
      const reason = await this.#options.diagnose();
      const isOutdated = generation !== this.#generation || this.#socket || this.#candidate;
      if (isOutdated) return;
      if (reason === "renewed") {
        this.#askAt = 0;
        return this.#dial();
      }
      if (reason === "expired") {
        this.stop();
        this.#options.onSignedOut();
        return;
      }
      this.reason = reason;
    }
    this.#retry();
  }

  /** @param {Socket} socket */
  #lost(socket) {
    abandon(socket);
    this.#socket = null;
    for (const timer of ["pong", "ping", "replace"]) this.#cancel(timer);
    const now = this.#options.clock.now();
    if (now - this.#openedAt >= SETTLED_AFTER_MS) this.#failures = 0;
    this.#failures += 1;
    this.#askAt = Math.max(this.#askAt, now + ASK_AFTER_MS);
    this.#disconnectPending();
    this.#options.onDown();
    if (this.#candidate === null) this.#retry();
  }

  #disconnectPending() {
    for (const settle of [...this.#pending.values()]) settle({ kind: "disconnected" });
  }

  #retry() {
    const wait = this.#backoff();
    this.retryAt = this.#options.clock.now() + wait;
    this.#set("retry", wait, () => this.#dial());
    this.#options.onWait();
  }

  #backoff() {
    const slower = Math.min(SLOWEST, 2 ** Math.max(0, this.#failures - PATIENCE));
    return backoff(this.#failures, this.#options.clock) * slower;
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

/** @param {number} failures @param {Clock} clock */
export function backoff(failures, clock) {
  return spread(FIRST_WAIT_MS * 2 ** Math.min(failures - 1, DOUBLINGS), clock);
}

/** @param {number} ms @param {Clock} clock */
export function spread(ms, clock) {
  return ms * (0.5 + clock.random());
}
