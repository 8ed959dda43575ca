/** What follows the changes of a client: listeners, promises, stored rows, and subscriptions. */

import { Code, Rejection, Retry } from "./protocol.js";

/** @import { Change, Entry, Environment, Model, WatchlistOptions } from "./types.js" */

/** Each listener runs in its own microtask, so one that throws stops no other. */
export class Listeners {
  version = 0;
  #isChanging = false;
  /** @type {Set<() => void>} */
  #changes = new Set();
  /** @type {Set<(entry: Entry) => void>} */
  #messages = new Set();
  /** @type {Map<string, number>} */
  #announced = new Map();

  /** @param {() => void} listener */
  onChange(listener) {
    this.#changes.add(listener);
    return () => void this.#changes.delete(listener);
  }

  /** @param {(entry: Entry) => void} listener */
  onMessage(listener) {
    // The same function may listen twice.
    const own = (/** @type {Entry} */ entry) => listener(entry);
    this.#messages.add(own);
    return () => void this.#messages.delete(own);
  }

  changed() {
    if (this.#isChanging) return;
    this.#isChanging = true;
    queueMicrotask(() => {
      this.#isChanging = false;
      this.version += 1;
      for (const listener of this.#changes)
        queueMicrotask(() => this.#changes.has(listener) && listener());
    });
  }

  /** Reports each message once, also if a replica goes back. @param {Entry[]} entries */
  announce(entries) {
    for (const entry of entries) {
      if (entry.seq <= (this.#announced.get(entry.conversation) ?? 0)) continue;
      this.#announced.set(entry.conversation, entry.seq);
      if (entry.event !== "message") continue;
      for (const listener of this.#messages)
        queueMicrotask(() => this.#messages.has(listener) && listener(entry));
    }
  }

  /** @param {string} conversation */
  restarted(conversation) {
    this.#announced.delete(conversation);
  }
}

export class PendingSends {
  #me;
  /**
   * @type {Map<string, {
   * conversation: string,
   * resolve: (entry: any) => void,
   * reject: (error: Error) => void,
   * }>}
   */
  #waiting = new Map();

  /** @param {string} me user id */
  constructor(me) {
    this.#me = me;
  }

  /** @param {string} conversation @param {string} id @returns {Promise<Entry>} */
  expect(conversation, id) {
    /** @type {Promise<Entry>} */
    const sent = new Promise((resolve, reject) => {
      this.#waiting.set(id, { conversation, resolve, reject });
    });
    sent.catch(() => {});
    return sent;
  }

  /** @param {Change} change */
  applied(change) {
    if (change.kind === "entries") {
      for (const entry of change.entries) {
        if ((entry.sender ?? entry.by) === this.#me) this.#take(entry.id)?.resolve(entry);
      }
    } else if (change.kind === "failed") {
      this.#take(change.id)?.reject(new Rejection(change.problem));
    } else if (change.kind === "discarded") {
      this.#take(change.id)?.resolve(null);
    } else if (change.kind === "gone") {
      const message =
        "You are no longer in this conversation. The message may have been stored before.";
      const problem = { code: Code.notFound, message, retry: Retry.never };
      this.abandon(new Rejection(problem), change.conversation);
    }
  }

  /** @param {Error} error @param {string} [only] a conversation */
  abandon(error, only) {
    for (const [id, { conversation }] of [...this.#waiting]) {
      if (only === undefined || conversation === only) this.#take(id)?.reject(error);
    }
  }

  /** @param {string | undefined} id */
  #take(id = "") {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }
}

const STORAGE_LIMIT_MS = 2_000;

/** Unsent messages, and how far the user has read. */
export class Rows {
  #environment;
  #model;

  /** @param {Environment} environment @param {Model} model */
  constructor(environment, model) {
    this.#environment = environment;
    this.#model = model;
  }

  /** Loads all rows. Does not wait for a database that hangs. @param {() => void} then */
  restore(then) {
    const { clock, outboxes, readPositions } = this.#environment;
    const restore = async () => {
      const [rows, read = []] = await Promise.all([outboxes.load(), readPositions?.load()]);
      this.#model.directory.restoreRead(read);
      if (rows.length > 0) {
        // Without it, the messages wait for the next page.
        const module = await import("./unsent.js").catch(() => null);
        const stored = this.#model.restore(module?.readUnsent(rows) ?? []);
        for (const { conversation, outgoing } of stored) outboxes.remove(conversation, outgoing.id);
      }
      then();
    };
    const timeout = new Promise((resolve) => clock.after(STORAGE_LIMIT_MS, () => resolve(null)));
    return Promise.race([restore(), timeout]);
  }

  /**
   * Returns the unsent messages of a conversation, and why they failed.
   * @param {string | null} id
   */
  unsent(id) {
    const unsent = id === null ? [] : this.#model.unsent(id);
    return new Map(unsent.map(({ id, failure }) => [id, failure]));
  }

  /** @param {string | null} id @param {Map<string, unknown>} before what `unsent` returned */
  update(id, before) {
    if (id === null) return;
    const { outboxes } = this.#environment;
    const unsent = this.#model.unsent(id);
    for (const old of before.keys())
      if (!unsent.some((outgoing) => outgoing.id === old)) outboxes.remove(id, old);
    for (const outgoing of unsent)
      if (before.get(outgoing.id) !== outgoing.failure) outboxes.put(id, outgoing);
  }
}

const RETRY_AFTER_MS = 10_000;

/** The conversation on screen, and those with listeners. */
export class Watchlist {
  /** @type {string | null} */
  currentId = null;
  /** @type {WatchlistOptions} */
  #options;
  /** @type {Map<string, Set<(entries: Entry[]) => void>>} */
  #listeners = new Map();
  /** @type {Set<string>} */
  #loading = new Set();

  /** @param {WatchlistOptions} options */
  constructor(options) {
    this.#options = options;
  }

  get ids() {
    const current = this.currentId === null ? [] : [this.currentId];
    return [...new Set([...current, ...this.#listeners.keys()])];
  }

  /** @param {string | null} id */
  open(id) {
    this.currentId = id;
    if (id !== null) this.follow(id);
    this.#options.onChange();
  }

  /** @param {string} id @param {(entries: Entry[]) => void} onEntries */
  listen(id, onEntries) {
    const listener = (/** @type {Entry[]} */ entries) => onEntries(entries);
    this.#listeners.set(id, (this.#listeners.get(id) ?? new Set()).add(listener));
    this.follow(id);
    this.#options.onChange();
    return () => {
      const listeners = this.#listeners.get(id);
      listeners?.delete(listener);
      if (listeners?.size === 0) this.#listeners.delete(id);
      this.#options.onChange();
    };
  }

  /** @param {string} id @param {Entry[]} entries */
  deliver(id, entries) {
    if (entries.length === 0) return;
    for (const listener of [...(this.#listeners.get(id) ?? [])]) listener(entries);
  }

  followAll() {
    for (const id of this.ids) this.follow(id);
  }

  /** @param {string} id */
  follow(id) {
    const { follow, isRunning, model } = this.#options;
    if (!isRunning()) return;
    const info = model.directory.get(id);
    if (info) follow(model.replica(id));
    if (!info?.complete) void this.#load(id);
  }

  /** @param {string} id */
  async #load(id) {
    if (this.#loading.has(id)) return;
    this.#loading.add(id);
    const { clock, load } = this.#options;
    try {
      const isNew = await load(id);
      if (isNew) this.follow(id);
    } catch (error) {
      if (!(error instanceof Rejection) || error.retry !== Retry.later) return;
      clock.after(RETRY_AFTER_MS * clock.random(), () => {
        if (this.ids.includes(id)) this.follow(id);
      });
    } finally {
      this.#loading.delete(id);
    }
  }
}
