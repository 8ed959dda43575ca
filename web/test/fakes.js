/** Fakes of time, network and browser: a clock that tests move, and a server in memory. */

import { Client } from "../client/client.js";

/** @import { Outgoing } from "../client/changes.js" */
/** @import { Channel, OutboxStorage, ReadPositions, OutboxRow, Socket, Environment } from "../client/environment.js" */
/** @import { Entry } from "../client/wire.js" */

/** Waits until all pending microtasks and immediates have run. */
export async function settled() {
  // A handshake, a request and a reply take a turn each.
  for (let turn = 0; turn < 8; turn += 1)
    await new Promise((resolve) => setImmediate(() => resolve(undefined)));
}

export class FakeClock {
  #now = Date.parse("2026-01-05T09:00:00Z");
  /** @type {Set<{at: number, then: () => void}>} */
  #timers = new Set();
  /** The next random numbers: the middle of every range, unless a test changes it. */
  chance = 0.5;

  now = () => this.#now;
  random = () => this.chance;

  /**
   * @param {number} ms
   * @param {() => void} then
   */
  after = (ms, then) => {
    const timer = { at: this.#now + ms, then };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  };

  /**
   * Moves the time, and runs each timer at its time.
   * @param {number} ms
   */
  async advance(ms) {
    const end = this.#now + ms;
    await settled();
    for (;;) {
      const next = [...this.#timers]
        .filter(({ at }) => at <= end)
        .sort((one, other) => one.at - other.at)[0];
      if (!next) break;
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.then();
      await settled();
    }
    this.#now = end;
  }
}

/** @implements {OutboxStorage} */
export class FakeOutboxes {
  /** @type {Map<string, OutboxRow>} */
  rows = new Map();

  /** @returns {Promise<unknown[]>} */
  async load() {
    return [...this.rows.values()].map((row) => structuredClone(row));
  }

  /** @param {string} conversation @param {Outgoing} outgoing */
  put(conversation, outgoing) {
    this.rows.set(`${conversation}/${outgoing.id}`, structuredClone({ conversation, outgoing }));
  }

  /** @param {string} conversation @param {string} id */
  remove(conversation, id) {
    this.rows.delete(`${conversation}/${id}`);
  }
}

/** @implements {ReadPositions} */
export class FakeReadPositions {
  /** @type {Map<string, number>} */
  positions = new Map();

  async load() {
    return [...this.positions].map(([conversation, seq]) => ({ conversation, seq }));
  }

  /** @param {string} conversation @param {number} seq */
  set(conversation, seq) {
    this.positions.set(conversation, seq);
  }
}

/** A browser with tabs of one user: one lock, one channel, one database. */
export class FakeBrowser {
  outboxes = new FakeOutboxes();
  readPositions = new FakeReadPositions();
  /** @type {Set<Channel>} */
  #channels = new Set();
  /** @type {(() => void)[]} */
  #queue = [];
  /**
   * Takes the lock from its holder.
   * @type {(() => void) | null}
   */
  #lose = null;
  /**
   * Whether a message between tabs is lost.
   * @type {(message: any) => boolean}
   */
  loses = () => false;

  /**
   * Returns the environment of one tab.
   * @returns {NonNullable<Environment["tabs"]>}
   */
  tabs() {
    return {
      lock: (_, options, then) =>
        new Promise((resolve, reject) => {
          const grant = () => {
            const stolen = new Promise(
              (_, lose) => (this.#lose = () => lose(new DOMException("stolen", "AbortError"))),
            );
            const lose = this.#lose;
            Promise.race([then(), stolen])
              .then(resolve, reject)
              .finally(() => {
                if (this.#lose !== lose) return;
                this.#lose = null;
                this.#queue.shift()?.();
              });
          };
          if ("steal" in options) {
            this.#lose?.();
            grant();
          } else if (this.#lose === null && this.#queue.length === 0) queueMicrotask(grant);
          else {
            this.#queue.push(grant);
            options.signal.addEventListener("abort", () => {
              this.#queue = this.#queue.filter((waiting) => waiting !== grant);
              reject(options.signal.reason);
            });
          }
        }),
      channel: () => {
        /** @type {Channel} */
        const channel = {
          onmessage: null,
          postMessage: (message) => {
            const data = structuredClone(message);
            if (this.loses(data)) return;
            for (const other of this.#channels)
              if (other !== channel) setImmediate(() => other.onmessage?.({ data }));
          },
          close: () => {
            this.#channels.delete(channel);
          },
        };
        this.#channels.add(channel);
        return channel;
      },
    };
  }
}

/**
 * Returns a token like the server's.
 * @param {string} user
 * @param {object} [claims]
 */
export function tokenOf(user, claims = {}) {
  const encode = (/** @type {object} */ value) =>
    Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${encode({ alg: "none" })}.${encode({ sub: user, name: user[0]?.toUpperCase() + user.slice(1), ...claims })}.signature`;
}

/**
 * Opens and starts a tab with conversation `id` on screen.
 * @param {FakeServer} server
 * @param {{id?: string | null, clock?: FakeClock, browser?: FakeBrowser, outboxes?: OutboxStorage, alone?: boolean, tokens?: (string | null | Error)[], token?: string}} [options]
 *   `tokens` are what the provider returns after the first one
 */
export async function openTab(
  server,
  {
    id = "c1",
    clock = new FakeClock(),
    browser = new FakeBrowser(),
    outboxes = browser.outboxes,
    alone = false,
    tokens = [],
    token = tokenOf("alice"),
  } = {},
) {
  const world = { visible: true, online: true };
  /** @type {(string | null)[]} */ const asked = [];
  /** @type {Parameters<Environment["watch"]>[0]} */ let happened = () => {};
  const prefix = `m${server.tabs}-`;
  server.tabs += 1;
  let ids = 0;
  const client = new Client({
    http: "http://server",
    me: { user: "alice", name: "Alice" },
    token,
    provider: ({ refused }) => {
      asked.push(refused);
      const next = tokens.shift() ?? null;
      if (next instanceof Error) throw next;
      return next;
    },
    environment: {
      clock,
      fetch: server.fetch,
      dial: server.dial,
      outboxes,
      readPositions: browser.readPositions,
      tabs: alone ? null : browser.tabs(),
      newId: () => {
        ids += 1;
        return `${prefix}${ids}`;
      },
      isVisible: () => world.visible,
      isOnline: () => world.online,
      watch: (onEvent) => {
        happened = onEvent;
        return () => {
          happened = () => {};
        };
      },
    },
  });
  void client.start();
  await clock.advance(0);
  client.open(id);
  await clock.advance(0);
  return {
    server,
    browser,
    clock,
    client,
    world,
    asked,
    happens: (/** @type {Parameters<typeof happened>[0]} */ what) => happened(what),
  };
}

/** @implements {Socket} */
export class FakeSocket {
  /** @type {(() => void) | null} */
  onopen = null;
  /** @type {((message: {data: unknown}) => void) | null} */
  onmessage = null;
  /** @type {(() => void) | null} */
  onclose = null;
  isClosed = false;
  /** @type {Record<string, any>[]} */
  sent = [];
  /** @type {(frame: Record<string, any>) => void} */
  onsend = () => {};

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

  /** The network drops the connection. */
  cut() {
    this.isClosed = true;
    this.onclose?.();
  }
}

/**
 * A server with one log. Tests put faults into `script`: each function answers the next request
 * with its action, in place of the server.
 */
export class FakeServer {
  /** @type {Entry[]} */
  log = [];
  /** @type {FakeSocket[]} */
  sockets = [];
  /**
   * The tokens of all handshakes.
   * @type {string[]}
   */
  tokens = [];
  /**
   * The only accepted tokens; `null` accepts all.
   * @type {string[] | null}
   */
  accepted = null;
  tabs = 0;
  /** @type {string[]} */
  requests = [];
  /** @type {{action: string, answer: (frame: Record<string, any>, socket: FakeSocket) => void}[]} */
  script = [];
  /** @type {"open" | "down" | "http only" | "forbidding"} */
  mode = "open";
  page = 100;
  /** How many of the next HTTP requests get no answer. */
  failNext = 0;
  /** @type {Record<string, unknown>[]} */
  listed = [];
  /**
   * Conversations that the user has been removed from.
   * @type {Set<string>}
   */
  out = new Set();

  /** @param {string} id */
  constructor(id) {
    this.id = id;
    this.listed.push({ id, title: "Lunch", joinedAt: "2026-01-05T08:00:00.000Z" });
  }

  /** The newest socket. */
  get socket() {
    const socket = this.sockets.at(-1);
    if (!socket) throw new Error("no socket was opened");
    return socket;
  }

  /**
   * Returns the frames with this action, of all sockets.
   * @param {string} action
   */
  asked(action) {
    return this.sockets.flatMap(({ sent }) => sent).filter((frame) => frame.action === action);
  }

  /**
   * @param {string} sender
   * @param {string} body
   * @param {string} [id]
   */
  store(sender, body, id = `${sender}-${this.log.length + 1}`) {
    const seq = this.log.length + 1;
    const sentAt = new Date(Date.UTC(2026, 0, 5, 9, 0, seq)).toISOString();
    const entry = {
      event: "message",
      conversation: this.id,
      seq,
      id,
      sender,
      name: sender,
      body,
      sentAt,
    };
    this.log.push(entry);
    return entry;
  }

  /** @param {string} sender @param {Record<string, any>} message */
  append(sender, { id, body, after = 0 }) {
    const old = this.log.slice(after).find((entry) => entry.sender === sender && entry.id === id);
    const { seq, sentAt } = old ?? this.store(sender, body, id);
    return { conversation: this.id, id, seq, sentAt, duplicate: old !== undefined };
  }

  /** @param {string} token */
  dial = (token) => {
    this.tokens.push(token);
    const isAccepted = this.accepted?.includes(token) ?? true;
    const socket = new FakeSocket();
    this.sockets.push(socket);
    socket.onsend = (frame) => queueMicrotask(() => this.#answer(frame, socket));
    setImmediate(() => {
      if (this.mode === "open" && isAccepted) socket.onopen?.();
      else socket.cut();
    });
    return socket;
  };

  /** @type {typeof globalThis.fetch} */
  fetch = async (input, init) => {
    const url = new URL(String(input));
    this.requests.push(`${init?.method} ${url.pathname}${url.search}`);
    if (this.mode === "down" || this.failNext-- > 0) throw new TypeError("Failed to fetch");
    if (this.mode === "forbidding") return Response.json({ message: "Forbidden" }, { status: 403 });
    const token = new Headers(init?.headers).get("authorization")?.slice("Bearer ".length) ?? "";
    if (this.accepted && !this.accepted.includes(token))
      return Response.json({ message: "Unauthorized" }, { status: 401 });
    const number = (/** @type {string} */ name) =>
      Number(url.searchParams.get(name) ?? Number.MAX_SAFE_INTEGER);
    const about = this.listed.find(({ id }) => url.pathname === `/conversations/${id}`);
    if (about)
      return Response.json({
        head: this.log.length,
        participants: [{ user: "alice", name: "Alice", role: "owner" }],
        ...about,
      });
    switch (`${init?.method} ${url.pathname.replace(this.id, "ID")}`) {
      case "GET /conversations":
        return Response.json({
          conversations: this.listed.map((one) => ({ head: this.log.length, ...one })),
          next: null,
        });
      case "GET /conversations/ID/events":
        if (number("after") > this.log.length) {
          return Response.json(
            { code: "unknown_position", retry: "resync", message: "never a position" },
            { status: 409 },
          );
        }
        return Response.json(this.#pageAfter(number("after"), number("limit")));
      case "POST /conversations/ID/messages":
        return Response.json(this.append("alice", JSON.parse(String(init?.body))), { status: 201 });
      default:
        return Response.json(
          { code: "not_found", retry: "never", message: "No such thing" },
          { status: 404 },
        );
    }
  };

  /** @param {number} after @param {number} [limit] */
  #pageAfter(after, limit = this.page) {
    const end = after + Math.min(limit, this.page);
    return {
      events: this.log.slice(after, end),
      head: this.log.length,
      limited: end < this.log.length,
    };
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
    if (this.out.has(conversation)) {
      reply({ event: "error", code: "not_found", retry: "never", message: "No such thing" });
    } else if (action === "subscribe" && frame.after > this.log.length) {
      reply({
        event: "error",
        code: "unknown_position",
        retry: "resync",
        message: "never a position",
      });
    } else if (action === "subscribe")
      reply({ event: "subscribed", ...this.#pageAfter(frame.after) });
    else if (action === "sendMessage") reply({ event: "sent", ...this.append("alice", frame) });
    else if (action === "ping") {
      const behind = Object.entries(frame.positions ?? {}).filter(
        ([, position]) => position < this.log.length,
      );
      reply({
        event: "pong",
        heads: Object.fromEntries(behind.map(([id]) => [id, this.log.length])),
      });
    }
  }
}
