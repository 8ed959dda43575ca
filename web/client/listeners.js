/** What waits for changes: a client's listeners, and the promises of `Conversation.send`. */

import { Code, Rejection, Retry } from "./protocol.js";

/** @import { Change, Entry } from "./types.js" */

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
