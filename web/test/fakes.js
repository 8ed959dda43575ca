/** Fakes of time, network and browser: a clock that tests move, and a browser. */

import { Client } from "../client/client.js";
// The client loads these when it needs them. Loaded before, they make no test wait for the disk.
import "../client/attention.js";
import "../client/background.js";
import "../client/entries.js";
import "../client/finding.js";
import "../client/membership.js";
import "../client/neighbours.js";
import "../client/quotes.js";
import "../client/revisions.js";
import "../client/unsent.js";

/** @import { Outgoing } from "../client/changes.js" */
/** @import { Channel, OutboxStorage, ReadPositions, OutboxRow, Environment } from "../client/environment.js" */
/** @import { HostEvent } from "../client/environment.js" */
/** @import { Settings } from "../client/options.js" */
/** @import { FakeServer } from "./fake_server.js" */
/** @import { PeopleServer } from "./people_server.js" */

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
 * @template {FakeServer | PeopleServer} [Server=FakeServer]
 * @param {Server} server
 * @param {{user?: string, settings?: Settings, id?: string | null, clock?: FakeClock, browser?: FakeBrowser, outboxes?: OutboxStorage, alone?: boolean, tokens?: (string | null | Error)[], token?: string}} [options]
 *   `tokens` are what the provider returns after the first one
 */
export async function openTab(
  server,
  {
    user = "alice",
    settings = {},
    id = "c1",
    clock = new FakeClock(),
    browser = new FakeBrowser(),
    outboxes = browser.outboxes,
    alone = false,
    tokens = [],
    token = tokenOf(user),
  } = {},
) {
  const world = { visible: true, online: true, focused: true };
  /** @type {(string | null)[]} */ const asked = [];
  /** @type {(event: HostEvent) => void} */ let happened = () => {};
  const prefix = `m${server.tabs}-`;
  server.tabs += 1;
  let ids = 0;
  const client = new Client({
    http: "http://server",
    ...settings,
    me: { user, name: user === "alice" ? "Alice" : user },
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
      isFocused: () => world.focused,
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
    happens: (/** @type {HostEvent} */ what) => happened(what),
  };
}
