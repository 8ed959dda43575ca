/**
 * What this browser knows of one conversation: its position in the log and its outbox, which are one state. The
 * position moves only over entries that were seen, and each of those is compared with the outbox first; so an unsent
 * message may always be sent with the present position as `after`, and is stored once however often that happens.
 * Pure: no sockets, no timers, no DOM.
 */

/** @import { Entry, Problem, Sent } from "./protocol.js" */

/**
 * A message on its way. It is plain data because it also lives in the session storage.
 * @typedef {object} Outgoing
 * @property {string} id made by this client, unique per sender and conversation
 * @property {string} body
 * @property {number} after the position when it was written or last attempted: everything up to it is known not to
 *   hold this message
 * @property {number} writtenAt milliseconds since 1970
 * @property {Problem | null} failure why the server will not take it, however often it is sent
 */

/** @typedef {{user: string, name: string}} Person */

/** @typedef {{kind: "entry", key: string, entry: Entry} | {kind: "outgoing", key: string, outgoing: Outgoing}} Line */

export class Conversation {
  /** Entries that are shown: seen ones and loaded history, ascending. @type {Entry[]} */ entries = [];
  /** Messages not yet acknowledged, in the order of writing. @type {Outgoing[]} */ outbox;
  /** Seq before which older entries can be asked for; 0 when the beginning is loaded. */ historyBefore = 0;
  /** Whether a first page of history has been asked for. */ historyStarted = false;
  #position = 0;
  /** Entries ahead of a gap, by seq. @type {Map<number, Entry>} */ #held = new Map();
  /** @type {Person} */ #me;

  /**
   * @param {string} id
   * @param {Person} me
   * @param {number} head a position of the log, as the list of conversations reported it
   * @param {Outgoing[]} outbox what an earlier page of this session left unsent
   */
  constructor(id, me, head, outbox = []) {
    this.id = id;
    this.#me = me;
    this.outbox = outbox;
    // A head that was only reported must not be skipped to while something is unsent: it may be among what is skipped.
    this.restart(Math.min(head, ...outbox.map(({ after }) => after)));
  }

  /** The newest seq up to which everything was seen. */
  get position() {
    return this.#position;
  }

  /** Whether entries wait behind one that has not come. */
  get hasGap() {
    return this.#held.size > 0;
  }

  /** Begins anew at a position, for a log that turned out to be another one. @param {number} position */
  restart(position) {
    this.#position = position;
    this.#held.clear();
    this.entries = [];
    this.historyBefore = position + 1 > 1 ? position + 1 : 0;
    this.historyStarted = false;
    for (const outgoing of this.outbox) outgoing.after = position;
  }

  /**
   * Takes an entry from a push or a catch-up. A repeat is ignored; what is ahead of a gap is held.
   * @param {Entry} entry
   * @returns {Entry[]} what became visible by it, in order: nothing, the entry, or also entries that had been held
   */
  receive(entry) {
    if (entry.seq <= this.#position) return [];
    if (entry.event === "message" && entry.sender === this.#me.user) this.#forget(entry.id);
    this.#held.set(entry.seq, entry);
    /** @type {Entry[]} */
    const seen = [];
    for (let next; (next = this.#held.get(this.#position + 1)); ) {
      this.#held.delete(next.seq);
      this.#position = next.seq;
      seen.push(next);
    }
    this.entries.push(...seen);
    return seen;
  }

  /**
   * Takes the server's acknowledgement. It tells as much as a push of the message would, and is treated alike.
   * @param {Sent} sent
   * @returns {Entry[]} as of `receive`
   */
  acknowledge({ id, seq, sentAt }) {
    const outgoing = this.outbox.find((candidate) => candidate.id === id);
    if (!outgoing) return [];
    this.#forget(id);
    const { user, name } = this.#me;
    return this.receive({ event: "message", conversation: this.id, seq, id, sender: user, name, body: outgoing.body, sentAt });
  }

  /**
   * Adds a page of older entries.
   * @param {Entry[]} entries ascending; what is not before `historyBefore` is left out
   * @param {number} after the position at which the page begins; 0: with the beginning of the log
   */
  prepend(entries, after) {
    const older = entries.filter(({ seq }) => seq < this.historyBefore);
    this.entries = [...older, ...this.entries];
    this.historyBefore = after > 0 ? after + 1 : 0;
  }

  /**
   * Puts a message into the outbox.
   * @param {string} id
   * @param {string} body
   * @param {number} now milliseconds since 1970
   */
  write(id, body, now) {
    this.outbox.push({ id, body, after: this.#position, writtenAt: now, failure: null });
  }

  /** The message to send next. @returns {Outgoing | undefined} */
  nextOutgoing() {
    return this.outbox.find(({ failure }) => failure === null);
  }

  /** @param {string} id @param {Problem} problem */
  fail(id, problem) {
    const outgoing = this.outbox.find((candidate) => candidate.id === id);
    if (outgoing) outgoing.failure = problem;
  }

  /**
   * Lets a failed message be sent once more.
   * @param {string} id
   * @param {string} freshId taken if the server holds another message under the old one
   */
  revive(id, freshId) {
    const outgoing = this.outbox.find((candidate) => candidate.id === id);
    if (!outgoing) return;
    if (outgoing.failure?.code === "id_reused") outgoing.id = freshId;
    outgoing.failure = null;
  }

  /** Gives a failed message up. @param {string} id */
  discard(id) {
    this.#forget(id);
  }

  /**
   * What is to be shown, in order. One's own message keeps its key when it turns from outgoing to an entry.
   * @returns {Line[]}
   */
  lines() {
    const ownHeld = [...this.#held.values()]
      .filter((entry) => entry.event === "message" && entry.sender === this.#me.user)
      .sort((one, other) => one.seq - other.seq);
    return [
      ...[...this.entries, ...ownHeld].map((entry) => /** @type {Line} */ ({ kind: "entry", key: keyOf(entry), entry })),
      ...this.outbox.map((outgoing) => {
        const key = keyOf({ id: outgoing.id, sender: this.#me.user, seq: 0 });
        return /** @type {Line} */ ({ kind: "outgoing", key, outgoing });
      }),
    ];
  }

  /** @param {string | undefined} id */
  #forget(id) {
    this.outbox = this.outbox.filter((outgoing) => outgoing.id !== id);
  }
}

/** @param {{id?: string, sender?: string, seq: number}} entry */
function keyOf({ id, sender, seq }) {
  return id === undefined ? String(seq) : `${sender}/${id}`;
}
