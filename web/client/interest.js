/**
 * What somebody in this tab looks at or listens to. It sees to it that such a conversation is known, followed, and its
 * history begun, and hands on what becomes visible in it.
 */

import { Refusal } from "./errors.js";

/** @import { Api } from "./api.js" */
/** @import { Details } from "./wire.js" */
/** @import { History } from "./history.js" */
/** @import { Model } from "./model.js" */
/** @import { Entry } from "./wire.js" */

/**
 * @typedef {object} InterestOptions
 * @property {Model} model
 * @property {Api} api
 * @property {History} history
 * @property {() => boolean} isRunning whether the server can be asked
 * @property {(id: string) => void} follow has a listed conversation followed, by whichever tab does that
 * @property {(details: Details) => void} onDetails
 * @property {(error: Refusal, id: string) => void} onRefusal
 * @property {() => void} onChange what is wanted is another
 */

export class Interest {
  /** @type {InterestOptions} */ #options;
  /** @type {string | null} */ #open = null;
  /** Who listens, by conversation. @type {Map<string, Set<(entries: Entry[]) => void>>} */ #readers = new Map();
  /** Asked for and not there yet. @type {Set<string>} */ #asking = new Set();

  /** @param {InterestOptions} options */
  constructor(options) {
    this.#options = options;
  }

  /** The conversation on the screen. */
  get open() {
    return this.#open;
  }

  /** @param {string | null} id */
  set open(id) {
    this.#open = id;
    if (id !== null) this.want(id);
    this.#options.onChange();
  }

  /** The conversation on the screen, and those that are listened to. */
  get wanted() {
    return [...new Set([...(this.#open === null ? [] : [this.#open]), ...this.#readers.keys()])];
  }

  /** @param {string} id @param {(entries: Entry[]) => void} onEntries what became visible, in order @returns {() => void} ends it */
  listen(id, onEntries) {
    // The same function may listen twice, and is then two.
    const reader = (/** @type {Entry[]} */ entries) => onEntries(entries);
    this.#readers.set(id, (this.#readers.get(id) ?? new Set()).add(reader));
    this.want(id);
    this.#options.onChange();
    return () => {
      const readers = this.#readers.get(id);
      readers?.delete(reader);
      if (readers?.size === 0) this.#readers.delete(id);
      this.#options.onChange();
    };
  }

  /** @param {string} id @param {Entry[]} entries */
  seen(id, entries) {
    for (const reader of [...(this.#readers.get(id) ?? [])]) reader(entries);
  }

  /** Asks again for whatever is wanted, as after a new connection. */
  renew() {
    for (const id of this.wanted) this.want(id);
  }

  /** A log may have begun anew: then its history is to be read again, where somebody looks. @param {string} id */
  changed(id) {
    const replica = this.#options.model.find(id);
    if (replica && !replica.historyStarted && this.wanted.includes(id)) this.#options.history.begin(replica);
  }

  /** @param {string} id */
  want(id) {
    const { isRunning, model } = this.#options;
    if (!isRunning()) return;
    const listed = model.directory.get(id);
    if (listed) this.#follow(id);
    if (!listed?.complete) void this.#learn(id);
  }

  /** @param {string} id */
  #follow(id) {
    this.#options.follow(id);
    this.#options.history.begin(this.#options.model.replica(id));
  }

  /** Asks once for a conversation and who is in it. Never rejects. @param {string} id */
  async #learn(id) {
    if (this.#asking.has(id)) return;
    this.#asking.add(id);
    const { api, isRunning, model, onDetails, onRefusal } = this.#options;
    try {
      const details = await api.conversation(id);
      const isNew = model.directory.get(id) === undefined;
      onDetails(details);
      if (isNew && isRunning()) this.#follow(id);
    } catch (error) {
      // Unanswered: asked again when there is a connection.
      if (error instanceof Refusal) onRefusal(error, id);
    } finally {
      this.#asking.delete(id);
    }
  }
}
