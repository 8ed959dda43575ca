/** What the tests put in the place of time, network and browser: a clock with hands to turn, and a server in memory. */

/** @import { Entry } from "../client/protocol.js" */
/** @import { Socket } from "../client/connection.js" */

/** Lets everything run that waits for nothing but its turn. */
export function settled() {
  return new Promise((resolve) => setImmediate(() => resolve(undefined)));
}

export class FakeClock {
  #now = Date.parse("2026-01-05T09:00:00Z");
  /** @type {Set<{at: number, then: () => void}>} */ #timers = new Set();
  /** What chance says: the middle of every range, unless a test says otherwise. */ chance = 0.5;

  now = () => this.#now;
  random = () => this.chance;

  /** @param {number} ms @param {() => void} then */
  after = (ms, then) => {
    const timer = { at: this.#now + ms, then };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  };

  /** Turns the hands, and rings each timer at its time. @param {number} ms */
  async advance(ms) {
    const end = this.#now + ms;
    await settled();
    for (;;) {
      const next = [...this.#timers].filter(({ at }) => at <= end).sort((one, other) => one.at - other.at)[0];
      if (!next) break;
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.then();
      await settled();
    }
    this.#now = end;
  }
}

/** @implements {Storage} */
export class FakeStorage {
  /** @type {Map<string, string>} */ #items = new Map();
  get length() {
    return this.#items.size;
  }
  clear() {
    this.#items.clear();
  }
  /** @param {string} key */
  getItem(key) {
    return this.#items.get(key) ?? null;
  }
  /** @param {number} index */
  key(index) {
    return [...this.#items.keys()][index] ?? null;
  }
  /** @param {string} key */
  removeItem(key) {
    this.#items.delete(key);
  }
  /** @param {string} key @param {string} value */
  setItem(key, value) {
    this.#items.set(key, value);
  }
}

/** @implements {Socket} */
export class FakeSocket {
  /** @type {(() => void) | null} */ onopen = null;
  /** @type {((message: {data: unknown}) => void) | null} */ onmessage = null;
  /** @type {(() => void) | null} */ onclose = null;
  isClosed = false;
  /** @type {Record<string, any>[]} */ sent = [];
  /** @type {(frame: Record<string, any>) => void} */ onsend = () => {};

  /** @param {string} text */
  send(text) {
    const frame = JSON.parse(text);
    this.sent.push(frame);
    this.onsend(frame);
  }

  close() {
    this.isClosed = true;
  }

  /** @param {object} frame */
  receive(frame) {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }

  /** The network cuts it. */
  cut() {
    this.isClosed = true;
    this.onclose?.();
  }
}

/**
 * One log, with the rules of the protocol. What a test wants to go wrong it puts into `script`: functions that are
 * each asked once about the next request, and that swallow it by answering something themselves.
 */
export class FakeServer {
  /** @type {Entry[]} */ log = [];
  /** @type {FakeSocket[]} */ sockets = [];
  /** @type {string[]} */ requests = [];
  /** @type {{action: string, answer: (frame: Record<string, any>, socket: FakeSocket) => void}[]} */ script = [];
  /** @type {"open" | "down" | "http only" | "refusing"} */ mode = "open";
  page = 100;
  /** How many of the next HTTP requests get no answer. */ failNext = 0;
  /** @type {Record<string, unknown>[]} */ listed = [];

  /** @param {string} id */
  constructor(id) {
    this.id = id;
    this.listed.push({ id, title: "Lunch", joinedAt: "2026-01-05T08:00:00.000Z" });
  }

  /** The socket that was opened last. */
  get socket() {
    const socket = this.sockets.at(-1);
    if (!socket) throw new Error("no socket was opened");
    return socket;
  }

  /** Frames with this action, over all sockets. @param {string} action */
  asked(action) {
    return this.sockets.flatMap(({ sent }) => sent).filter((frame) => frame.action === action);
  }

  /** Stores a message of somebody. @param {string} sender @param {string} body @param {string} [id] */
  store(sender, body, id = `${sender}-${this.log.length + 1}`) {
    const seq = this.log.length + 1;
    const sentAt = new Date(Date.UTC(2026, 0, 5, 9, 0, seq)).toISOString();
    const entry = { event: "message", conversation: this.id, seq, id, sender, name: sender, body, sentAt };
    this.log.push(entry);
    return entry;
  }

  /** @param {string} sender @param {Record<string, any>} message */
  append(sender, { id, body, after = 0 }) {
    const old = this.log.slice(after).find((entry) => entry.sender === sender && entry.id === id);
    const { seq, sentAt } = old ?? this.store(sender, body, id);
    return { conversation: this.id, id, seq, sentAt, duplicate: old !== undefined };
  }

  dial = () => {
    const socket = new FakeSocket();
    this.sockets.push(socket);
    socket.onsend = (frame) => queueMicrotask(() => this.#answer(frame, socket));
    setImmediate(() => {
      if (this.mode === "open") socket.onopen?.();
      else socket.cut();
    });
    return socket;
  };

  /** @type {typeof globalThis.fetch} */
  fetch = async (input, init) => {
    const url = new URL(String(input));
    this.requests.push(`${init?.method} ${url.pathname}${url.search}`);
    if (this.mode === "down" || this.failNext-- > 0) throw new TypeError("Failed to fetch");
    if (this.mode === "refusing") return Response.json({ message: "Unauthorized" }, { status: 401 });
    const number = (/** @type {string} */ name) => Number(url.searchParams.get(name) ?? Number.MAX_SAFE_INTEGER);
    switch (`${init?.method} ${url.pathname.replace(this.id, "ID")}`) {
      case "GET /conversations":
        return Response.json({ conversations: this.listed.map((one) => ({ head: this.log.length, ...one })), next: null });
      case "GET /conversations/ID/events":
        return Response.json(this.#pageAfter(number("after"), number("limit")));
      case "POST /conversations/ID/messages":
        return Response.json(this.append("alice", JSON.parse(String(init?.body))), { status: 201 });
      default:
        return Response.json({ code: "not_found", retry: "never", message: "No such thing" }, { status: 404 });
    }
  };

  /** @param {number} after @param {number} [limit] */
  #pageAfter(after, limit = this.page) {
    const end = after + Math.min(limit, this.page);
    return { events: this.log.slice(after, end), head: this.log.length, limited: end < this.log.length };
  }

  /** @param {Record<string, any>} frame @param {FakeSocket} socket */
  #answer(frame, socket) {
    if (socket.isClosed) return;
    const scripted = this.script.findIndex(({ action }) => action === frame.action);
    if (scripted >= 0) {
      this.script.splice(scripted, 1)[0]?.answer(frame, socket);
      return;
    }
    const { ref, action, conversation } = frame;
    const reply = (/** @type {object} */ body) => socket.receive({ ref, conversation, ...body });
    if (action === "subscribe" && frame.after > this.log.length) {
      reply({ event: "error", code: "unknown_position", retry: "resync", message: "never a position" });
    } else if (action === "subscribe") reply({ event: "subscribed", ...this.#pageAfter(frame.after) });
    else if (action === "sendMessage") reply({ event: "sent", ...this.append("alice", frame) });
    else if (action === "ping") {
      const behind = Object.entries(frame.positions ?? {}).filter(([, position]) => position < this.log.length);
      reply({ event: "pong", heads: Object.fromEntries(behind.map(([id]) => [id, this.log.length])) });
    }
  }
}
