/**
 * One WebSocket that is always there or on its way back. It opens, notices when it has died, waits with jitter, opens
 * again, and replaces itself before the gateway's two-hour limit. It knows nothing of conversations: frames go in and
 * out as they are.
 */

import { backoff } from "./clock.js";

/** @import { Clock } from "./clock.js" */

/** A handshake may wait for two cold starts (the authorizer's and `$connect`'s), but not for ever. */
const HANDSHAKE_LIMIT = 20_000;
/** A connection that lived this long was a good one, and the next failure starts counting again. */
const SETTLED_AFTER = 10_000;
/** The gateway ends every connection after 2 h. We leave 10 to 15 minutes earlier, not all clients at once. */
const REPLACE_AFTER = 105 * 60_000;
const REPLACE_SPREAD = 5 * 60_000;
/** The most that is waited for an answer to a ping. */
const PONG_LIMIT = 10_000;
/** Visible: 30 to 60 s, so that a missed newest event shows. Hidden: only against the idle limit of 10 minutes. */
const PING_EVERY = 30_000;
const PING_SPREAD = 30_000;
const PING_EVERY_HIDDEN = 5 * 60_000;

/**
 * The part of a browser's WebSocket that is used here.
 * @typedef {object} Socket
 * @property {(() => void) | null} onopen
 * @property {((message: {data: unknown}) => void) | null} onmessage
 * @property {(() => void) | null} onclose
 * @property {(text: string) => void} send
 * @property {(code?: number) => void} close
 */

/**
 * What a connection needs and whom it tells.
 * @typedef {object} ConnectionOptions
 * @property {(token: string) => Socket} dial starts a handshake; throws if the token cannot even be offered
 * @property {() => Promise<boolean>} isRefused asks over HTTP whether the token is refused: a browser does not tell
 *   why a handshake failed
 * @property {() => string} ping the text of a ping
 * @property {() => boolean} isVisible whether somebody can see the page
 * @property {() => void} onOpen a new connection stands; everything asked on an earlier one is unanswered
 * @property {(text: unknown) => void} onFrame
 * @property {() => void} onDown the connection is gone, or could not be had
 * @property {() => void} onRefused the token is refused; nothing more happens until `start`
 * @property {Clock} clock
 */

export class Connection {
  /** @type {ConnectionOptions} */ #options;
  #token = "";
  /** @type {Socket | null} the one that stands */ #socket = null;
  /** @type {Socket | null} the one in its handshake */ #candidate = null;
  #failures = 0;
  #openedAt = 0;
  #lastPingAt = 0;
  #heardSincePing = true;
  /** Counts `start`, `stop` and refusals, so that an answer from before one of them changes nothing after it. */
  #generation = 0;
  /** @type {Map<string, () => void>} cancels, by what the timer is for */ #timers = new Map();

  /** @param {ConnectionOptions} options */
  constructor(options) {
    this.#options = options;
  }

  get isOpen() {
    return this.#socket !== null;
  }

  /** Connects with this token, and from now on stays connected. @param {string} token */
  start(token) {
    this.stop();
    this.#token = token;
    this.#failures = 0;
    this.#dial();
  }

  /** Leaves, and stays away. */
  stop() {
    this.#generation += 1;
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
    for (const socket of [this.#socket, this.#candidate]) if (socket) abandon(socket);
    this.#socket = null;
    this.#candidate = null;
    this.#token = "";
  }

  /** Sends a frame; `false` if there is no connection to send it on. @param {string} text */
  send(text) {
    if (this.#socket === null) return false;
    this.#socket.send(text);
    return true;
  }

  /** Something changed for the better (the network is back, the page is visible): try at once, or see if it still lives. */
  wake() {
    if (this.#token === "") return;
    if (this.#socket !== null) {
      if (this.#options.clock.now() - this.#lastPingAt >= PING_EVERY) this.#ping();
      else this.#schedulePing();
    } else if (this.#candidate === null) {
      this.#failures = 0;
      this.#dial();
    }
  }

  /** The network may be gone: a ping finds out. */
  doubt() {
    if (this.#socket !== null) this.#ping();
  }

  #dial() {
    this.#cancel("retry");
    const generation = this.#generation;
    let socket;
    try {
      socket = this.#options.dial(this.#token);
    } catch {
      // Only a token that is no token of HTTP makes the constructor throw; a server would refuse it as well.
      this.#refused();
      return;
    }
    this.#candidate = socket;
    socket.onopen = () => this.#opened(socket);
    socket.onclose = () => void this.#handshakeFailed(generation);
    this.#set("handshake", HANDSHAKE_LIMIT, () => {
      abandon(socket);
      void this.#handshakeFailed(generation);
    });
  }

  /** @param {Socket} socket */
  #opened(socket) {
    this.#cancel("handshake");
    this.#candidate = null;
    const before = this.#socket;
    this.#socket = socket;
    // Replaced only now that the new one stands, so a planned change of connections shows nowhere.
    if (before) abandon(before);
    this.#openedAt = this.#options.clock.now();
    this.#heardSincePing = true;
    this.#cancel("pong");
    socket.onmessage = ({ data }) => {
      this.#heardSincePing = true;
      this.#options.onFrame(data);
    };
    socket.onclose = () => this.#lost(socket);
    const spread = REPLACE_SPREAD * this.#options.clock.random();
    this.#set("replace", REPLACE_AFTER + spread, () => this.#dial());
    this.#lastPingAt = this.#openedAt;
    this.#schedulePing();
    this.#options.onOpen();
  }

  /** @param {number} generation */
  async #handshakeFailed(generation) {
    this.#cancel("handshake");
    this.#candidate = null;
    this.#failures += 1;
    if (this.#socket !== null) {
      // A replacement was refused while the old connection still stands: use that as long as it lasts.
      this.#set("replace", backoff(this.#failures, this.#options.clock), () => this.#dial());
      return;
    }
    this.#options.onDown();
    const refused = await this.#options.isRefused();
    if (generation !== this.#generation || this.#socket !== null || this.#candidate !== null) return;
    if (refused) this.#refused();
    else this.#retry();
  }

  /** @param {Socket} socket */
  #lost(socket) {
    abandon(socket);
    this.#socket = null;
    this.#cancel("pong");
    this.#cancel("ping");
    this.#cancel("replace");
    if (this.#options.clock.now() - this.#openedAt >= SETTLED_AFTER) this.#failures = 0;
    this.#failures += 1;
    this.#options.onDown();
    // A replacement may be in its handshake at this moment; its end decides what is next.
    if (this.#candidate === null) this.#retry();
  }

  #retry() {
    this.#set("retry", backoff(this.#failures, this.#options.clock), () => this.#dial());
  }

  #refused() {
    this.stop();
    this.#options.onRefused();
  }

  #schedulePing() {
    const { clock, isVisible } = this.#options;
    const wait = isVisible() ? PING_EVERY + PING_SPREAD * clock.random() : PING_EVERY_HIDDEN;
    this.#set("ping", Math.max(0, this.#lastPingAt + wait - clock.now()), () => this.#ping());
  }

  #ping() {
    const socket = this.#socket;
    if (socket === null) return;
    this.#lastPingAt = this.#options.clock.now();
    this.#heardSincePing = false;
    socket.send(this.#options.ping());
    // Any frame proves life. Silence does not close a dead socket by itself: TCP may take a quarter of an hour.
    this.#set("pong", PONG_LIMIT, () => {
      if (!this.#heardSincePing) this.#lost(socket);
    });
    this.#schedulePing();
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

/** Closes a socket that nobody listens to any more. @param {Socket} socket */
function abandon(socket) {
  socket.onopen = null;
  socket.onmessage = null;
  socket.onclose = null;
  socket.close(1000);
}
