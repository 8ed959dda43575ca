/** One WebSocket that is always there or on its way back. It knows nothing of conversations. */

import { backoff } from "./clock.js";

/** @import { Answer, ConnectionOptions, Outcome } from "./parts.js" */
/** @import { Socket } from "./surroundings.js" */

/** A handshake may wait for two cold starts. */
const HANDSHAKE_LIMIT = 20_000;
const STALLED_AFTER = 5_000;
/** Whoever lived this long was well: failures count anew. */
const SETTLED_AFTER = 10_000;
/** The gateway ends it after 2 h. We leave earlier, and not all at once. */
const REPLACE_AFTER = 105 * 60_000;
const REPLACE_SPREAD = 5 * 60_000;
const PONG_LIMIT = 10_000;
/** Visible: so that a missed newest event shows. Hidden: only against the idle limit of 10 minutes. */
const PING_EVERY = 30_000;
const PING_SPREAD = 30_000;
const PING_EVERY_HIDDEN = 5 * 60_000;
/** Then a request is unanswered; the protocol forbids to repeat a send earlier. */
export const ANSWER_LIMIT = 10_000;

export class Connection {
  /** @type {ConnectionOptions} */ #options;
  #isStarted = false;
  /** @type {import("./facts.js").Reason | null} */ reason = null;
  /** @type {number | null} */ retryAt = null;
  /** @type {Socket | null} */ #socket = null;
  /** The one in its handshake. @type {Socket | null} */ #candidate = null;
  #failures = 0;
  #lastRef = 0;
  /** By `ref`. @type {Map<string, (outcome: Outcome) => void>} */ #pending = new Map();
  #dialedAt = 0;
  #openedAt = 0;
  #lastPingAt = 0;
  #heardSincePing = true;
  /** What was begun in an earlier one changes nothing. */
  #generation = 0;
  /** @type {Map<string, () => void>} */ #timers = new Map();

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
    for (const socket of [this.#socket, this.#candidate]) if (socket) abandon(socket);
    this.#socket = this.#candidate = this.reason = this.retryAt = null;
    this.#isStarted = false;
    this.#forget();
  }

  /** What becomes of a request. Never rejects. @param {{action: string} & Record<string, unknown>} request @returns {Promise<Outcome>} */
  ask(request) {
    const ref = String((this.#lastRef += 1));
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(ANSWER_LIMIT, () => settle({ kind: "unanswered" }));
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

  /** Hands an answer to whoever asked. One that comes too late is still a frame. @param {Answer} frame */
  answered(frame) {
    if (frame.ref !== undefined) this.#pending.get(frame.ref)?.({ kind: "answer", frame });
  }

  /** Something changed for the better: the network, or the page is visible. */
  wake() {
    if (!this.#isStarted) return;
    if (this.#socket !== null) {
      if (this.#options.clock.now() - this.#lastPingAt >= PING_EVERY) this.doubt();
      else this.#schedulePing();
    } else if (
      this.#candidate === null ||
      this.#options.clock.now() - this.#dialedAt >= STALLED_AFTER
    ) {
      // A handshake that began on another network would have to be waited for.
      if (this.#candidate) abandon(this.#candidate);
      this.#failures = 0;
      this.#dial();
    }
  }

  doubt() {
    const socket = this.#socket;
    const now = this.#options.clock.now();
    if (socket === null || (!this.#heardSincePing && this.#lastPingAt === now)) return;
    this.#lastPingAt = now;
    this.#heardSincePing = false;
    socket.send(this.#options.ping());
    // Any frame proves life. TCP may take a quarter of an hour to notice that there is none.
    this.#set("pong", PONG_LIMIT, () => {
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
    this.#set("handshake", HANDSHAKE_LIMIT, () => {
      if (this.#candidate) abandon(this.#candidate);
      failed();
    });
    try {
      const socket = this.#options.dial();
      this.#candidate = socket;
      socket.onopen = () => this.#opened(socket);
      socket.onclose = failed;
    } catch {
      // As for `ws:` on a page that came by `https:`, or a token that is no subprotocol.
      failed();
    }
  }

  /** @param {Socket} socket */
  #opened(socket) {
    const { clock, onFrame, onOpen } = this.#options;
    if (this.#socket) abandon(this.#socket);
    this.#socket = socket;
    this.#candidate = this.reason = null;
    this.#openedAt = this.#lastPingAt = clock.now();
    this.#heardSincePing = true;
    this.#cancel("handshake");
    this.#cancel("pong");
    socket.onmessage = ({ data }) => {
      this.#heardSincePing = true;
      onFrame(data);
    };
    socket.onclose = () => this.#lost(socket);
    this.#set("replace", REPLACE_AFTER + REPLACE_SPREAD * clock.random(), () => this.#dial());
    this.#schedulePing();
    this.#forget();
    onOpen();
  }

  /** @param {number} generation */
  async #handshakeFailed(generation) {
    this.#cancel("handshake");
    this.#candidate = null;
    this.#failures += 1;
    if (this.#socket !== null) {
      // The old connection is used as long as it lasts.
      this.#set("replace", backoff(this.#failures, this.#options.clock), () => this.#dial());
      return;
    }
    this.#options.onDown();
    const reason = await this.#options.diagnose();
    if (generation !== this.#generation || this.#socket !== null || this.#candidate !== null)
      return;
    if (reason === "renewed") return this.#dial();
    if (reason === "expired") {
      this.stop();
      this.#options.onRefused();
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
    if (this.#options.clock.now() - this.#openedAt >= SETTLED_AFTER) this.#failures = 0;
    this.#failures += 1;
    this.#forget();
    this.#options.onDown();
    // Else the end of a handshake decides.
    if (this.#candidate === null) this.#retry();
  }

  /** Nobody will answer what was asked on an earlier connection. */
  #forget() {
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
    const wait = isVisible() ? PING_EVERY + PING_SPREAD * clock.random() : PING_EVERY_HIDDEN;
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
  socket.onopen = socket.onmessage = socket.onclose = null;
  socket.close(1000);
}
