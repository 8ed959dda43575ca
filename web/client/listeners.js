/** A client's listeners. Each runs in its own microtask, so one that throws stops no other. */

/** @import { Entry } from "./types.js" */

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

  /**
   * Reports each message once, also if a replica goes back.
   * @param {Entry[]} entries
   */
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
