/** Messages by their positions, as replies quote them. Those that are not loaded are read one by one. */

import { messageOf } from "./conversation.js";
import { Replica } from "./model.js";

/** @import { ConversationOptions, Entry, Message } from "./types.js" */

export class Quotes {
  #id;
  #options;
  /**
   * What was read; `null` is nothing. While it is being read, or could not be, the state of the client
   * at that time.
   * @type {Map<number, Entry | null | {state: object}>}
   */
  #read = new Map();

  /** @param {string} id @param {ConversationOptions} options */
  constructor(id, options) {
    this.#id = id;
    this.#options = options;
  }

  /**
   * Returns the message at a position: `undefined` while it is being read, and `null` if there is none.
   * @param {number} seq
   * @returns {Message | null | undefined}
   */
  at(seq) {
    const { client, model } = this.#options;
    const replica = model.findKnown(this.#id);
    if (!replica || seq > replica.position) return undefined;
    const entry = entryAt(replica.entries, seq) ?? this.#entry(seq);
    if (!entry) return entry;
    if (entry.event !== "message") return null;
    const revised = Replica.revise?.(replica, client.me)(entry);
    return messageOf({ kind: "entry", key: String(seq), entry, ...revised }, client.me);
  }

  /** @param {number} seq */
  #entry(seq) {
    const { state } = this.#options.client;
    const known = this.#read.get(seq);
    if (known === null || (known && "event" in known)) return known;
    // What could not be read is read again when the connection has changed.
    if (known?.state !== state) void this.#load(seq, state);
    return undefined;
  }

  /** @param {number} seq @param {object} state */
  async #load(seq, state) {
    const { changed, request } = this.#options;
    this.#read.set(seq, { state });
    try {
      const { events } = await request((api) => api.events(this.#id, seq - 1, 1));
      this.#read.set(seq, events.find((entry) => entry.seq === seq) ?? null);
    } catch {}
    changed();
  }
}

/** @param {Entry[]} entries without gaps @param {number} seq */
function entryAt(entries, seq) {
  const entry = entries[seq - Number(entries[0]?.seq)];
  return entry?.seq === seq ? entry : undefined;
}
