/**
 * Many clients of one server in memory, with a clock of their own. It counts what reaches the
 * network, whether or not it is answered.
 */

import { Client } from "../client/client.js";
// Loaded before, so that no client waits for the disk.
import "../client/attention.js";
import "../client/background.js";
import "../client/unsent.js";
import { FakeSocket } from "./fake_server.js";
import { tokenOf } from "./fakes.js";

/** @import { Clock } from "../client/environment.js" */

const START = Date.parse("2026-01-05T09:00:00Z");
/** How long a handshake or a request takes. */
const NETWORK_MS = 50;
const CONVERSATIONS = Array.from({ length: 20 }, (_, index) => `c${index + 1}`);

/** @typedef {{at: number, run: (() => void) | null}} Timer */

/** A clock with a heap of timers: thousands of clients have tens of thousands of them. */
class CrowdClock {
  #now = START;
  /** @type {Timer[]} */
  #heap = [];

  now = () => this.#now;

  /** @param {number} ms @param {() => void} then */
  after = (ms, then) => {
    /** @type {Timer} */
    const timer = { at: this.#now + Math.max(0, ms), run: then };
    this.#push(timer);
    return () => {
      timer.run = null;
    };
  };

  /**
   * Moves the time. Timers that are due within 20 ms of each other run together.
   * @param {number} ms
   */
  async advance(ms) {
    const end = this.#now + ms;
    await turn();
    for (let first = this.#heap[0]; first && first.at <= end; first = this.#heap[0]) {
      for (let next = this.#heap[0]; next && next.at <= Math.min(end, first.at + 20); ) {
        this.#pop();
        this.#now = Math.max(this.#now, next.at);
        next.run?.();
        next = this.#heap[0];
      }
      await turn();
    }
    this.#now = end;
  }

  /** @param {Timer} timer */
  #push(timer) {
    let index = this.#heap.push(timer) - 1;
    while (index > 0) {
      const above = (index - 1) >> 1;
      if (this.#at(above) <= timer.at) break;
      this.#swap(index, above);
      index = above;
    }
  }

  #pop() {
    this.#swap(0, this.#heap.length - 1);
    this.#heap.pop();
    for (let index = 0; ; ) {
      const [left, right] = [2 * index + 1, 2 * index + 2];
      const least = this.#at(right) < this.#at(left) ? right : left;
      if (this.#at(least) >= this.#at(index)) return;
      this.#swap(index, least);
      index = least;
    }
  }

  /** @param {number} index */
  #at(index) {
    return this.#heap[index]?.at ?? Number.POSITIVE_INFINITY;
  }

  /** @param {number} one @param {number} other */
  #swap(one, other) {
    [this.#heap[one], this.#heap[other]] = [
      /** @type {Timer} */ (this.#heap[other]),
      /** @type {Timer} */ (this.#heap[one]),
    ];
  }
}

/** Lets what is due run: promises, and the imports of modules that are loaded. */
async function turn() {
  for (let turns = 0; turns < 3; turns += 1)
    await new Promise((resolve) => setImmediate(() => resolve(undefined)));
}

export class Crowd {
  clock = new CrowdClock();
  /** What gets through. */
  allows = { http: true, sockets: true };
  /** What reached the network in each minute. @type {{handshakes: number, http: number, frames: number}[]} */
  minutes = [];
  /** @type {Client[]} */
  clients = [];
  /** @type {Set<FakeSocket>} */
  #sockets = new Set();
  #since = START;

  /** @param {number} size */
  constructor(size) {
    for (let number = 0; number < size; number += 1) this.clients.push(this.#client(number));
  }

  /** Starts all clients within a minute, each with a conversation on screen. */
  async start() {
    for (const [index, client] of this.clients.entries())
      this.clock.after((60_000 * index) / this.clients.length, () => {
        void client.start();
        client.open("c1");
      });
    await this.clock.advance(60_000);
  }

  /** Counts from now on. */
  reset() {
    this.minutes = [];
    this.#since = this.clock.now();
  }

  /** @param {Partial<Crowd["allows"]>} allowed */
  allow(allowed) {
    Object.assign(this.allows, allowed);
    if (!this.allows.sockets) for (const socket of this.#sockets) socket.cut();
    if (!this.allows.sockets) this.#sockets.clear();
  }

  /** @param {string} name */
  inState(name) {
    return this.clients.filter(({ state }) => state.name === name).length;
  }

  /** @param {"handshakes" | "http" | "frames"} kind */
  #count(kind) {
    const minute = Math.floor((this.clock.now() - this.#since) / 60_000);
    for (let next = this.minutes.length; next <= minute; next += 1)
      this.minutes.push({ handshakes: 0, http: 0, frames: 0 });
    const counts = this.minutes[minute];
    if (counts) counts[kind] += 1;
  }

  /** @param {number} number */
  #client(number) {
    const user = `user-${number}`;
    const token = tokenOf(user);
    const { after, now } = this.clock;
    /** @type {Clock} */
    const clock = { after, now, random: seeded(number + 1) };
    let ids = 0;
    return new Client({
      http: "http://server",
      me: { user, name: user },
      token,
      provider: () => token,
      environment: {
        clock,
        fetch: (input) => this.#fetch(String(input)),
        dial: () => this.#dial(),
        outboxes: { load: async () => [], put: () => {}, remove: () => {} },
        newId: () => {
          ids += 1;
          return `${user}-${ids}`;
        },
        isVisible: () => true,
        isOnline: () => true,
        watch: () => () => {},
        tabs: null,
      },
    });
  }

  #dial() {
    this.#count("handshakes");
    const socket = new FakeSocket();
    socket.onsend = (frame) => {
      this.#count("frames");
      this.clock.after(NETWORK_MS, () => !socket.isClosed && answer(frame, socket));
    };
    this.clock.after(NETWORK_MS, () => {
      if (socket.isClosed) return;
      if (!this.allows.sockets) return socket.cut();
      this.#sockets.add(socket);
      socket.onopen?.();
    });
    return socket;
  }

  /** @param {string} url @returns {Promise<Response>} */
  #fetch(url) {
    this.#count("http");
    return new Promise((resolve, reject) => {
      this.clock.after(NETWORK_MS, () => {
        if (!this.allows.http) reject(new TypeError("Failed to fetch"));
        else resolve(responseTo(new URL(url).pathname));
      });
    });
  }
}

/** @param {Record<string, any>} frame @param {FakeSocket} socket */
function answer({ action, conversation, conversations, ref }, socket) {
  const page = { head: 0, events: [], limited: false };
  if (action === "ping") socket.receive({ event: "pong", ref, heads: {} });
  else if (conversations)
    socket.receive({
      event: "subscribed",
      ref,
      conversations: conversations.map((/** @type {object} */ one) => ({ ...page, ...one })),
    });
  else if (action === "subscribe")
    socket.receive({ event: "subscribed", ref, conversation, ...page });
}

/** @param {string} path */
function responseTo(path) {
  if (path.endsWith("/events")) return Response.json({ head: 0, events: [], limited: false });
  const joinedAt = "2026-01-01T00:00:00Z";
  if (path === "/conversations")
    return Response.json({
      conversations: CONVERSATIONS.map((id) => ({ id, title: id, head: 0, joinedAt })),
      next: null,
    });
  const participants = [{ user: "user-0", name: "user-0", role: "owner" }];
  return Response.json({ id: path.split("/")[2], title: "c", head: 0, participants });
}

/**
 * Returns random numbers that are the same in each run (mulberry32).
 * @param {number} seed
 */
function seeded(seed) {
  let state = seed * 0x9e3779b9;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
