/** The conversations that this tab follows: the one on screen, and those with listeners. */

import { Rejection, Retry } from "./protocol.js";

/** @import { Entry, WatchlistOptions } from "./types.js" */

const RETRY_AFTER_MS = 10_000;

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
      clock.after(error.problem.retryAfterMs ?? RETRY_AFTER_MS * clock.random(), () => {
        if (this.ids.includes(id)) this.follow(id);
      });
    } finally {
      this.#loading.delete(id);
    }
  }
}
