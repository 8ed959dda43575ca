/**
 * The state of one tab, and its copy of each conversation. Only changes modify it: equal changes
 * give equal states. Pure.
 */

import { Directory } from "./directory.js";

/** @import { Change, Entry, Line, ModelOptions, OutboxRow, Outgoing, Person } from "./types.js" */
/** @import { Problem, Revised, State } from "./types.js" */

/** The names of a client's states. The README says what each means. */
export const StateName = Object.freeze({
  connecting: "connecting",
  connected: "connected",
  reconnecting: "reconnecting",
  polling: "polling",
  offline: "offline",
  signedOut: "signed-out",
  stopped: "stopped",
});

/** @type {State} */
export const INITIAL_STATE = { name: StateName.connecting, reason: null, retryAt: null };

export class Model {
  /** @type {Directory} */
  directory;
  isLoaded = false;
  state = INITIAL_STATE;
  /** @type {ModelOptions} */
  #options;
  /** @type {Map<string, Replica>} */
  #replicas = new Map();
  /** Unsent messages of conversations without a replica. @type {Map<string, Outgoing[]>} */
  #unplaced = new Map();

  /** @param {ModelOptions} options */
  constructor(options) {
    this.#options = options;
    const entriesOf = (/** @type {string} */ id) => this.find(id)?.entries ?? [];
    this.directory = new Directory(options.me, options.onRead, entriesOf);
  }

  get replicas() {
    return [...this.#replicas.values()];
  }

  /** @param {string} id */
  find(id) {
    return this.#replicas.get(id);
  }

  /** @param {string} id */
  findKnown(id) {
    return this.directory.get(id) ? this.replica(id) : this.find(id);
  }

  /** @param {string} id */
  replica(id) {
    const existing = this.#replicas.get(id);
    if (existing) return existing;
    const head = this.directory.get(id)?.head ?? 0;
    const replica = new Replica(id, this.#options.me, head, this.#unplaced.get(id));
    this.#unplaced.delete(id);
    this.#replicas.set(id, replica);
    return replica;
  }

  /** @param {string} id */
  unsent(id) {
    return this.#replicas.get(id)?.outbox ?? this.#unplaced.get(id) ?? [];
  }

  /**
   * Adds stored messages. Returns those that the log already contains.
   * @param {OutboxRow[]} rows
   */
  restore(rows) {
    return rows.filter(({ conversation, outgoing }) => !this.#adopt(conversation, outgoing));
  }

  /** @param {Change} change @returns {Entry[]} */
  apply(change) {
    const { directory } = this;
    switch (change.kind) {
      case "entries":
        return this.#receive(change.conversation, change.entries);
      case "restarted":
        this.find(change.conversation)?.restart(change.position);
        break;
      case "written":
        this.#adopt(change.conversation, change.outgoing, true);
        break;
      case "failed":
        this.find(change.conversation)?.fail(change.id, change.problem);
        break;
      case "retried":
        this.find(change.conversation)?.retry(change.id, change.newId);
        break;
      case "discarded":
        this.find(change.conversation)?.discard(change.id);
        break;
      case "listed":
        for (const summary of change.summaries) directory.merge(summary);
        if (change.complete) directory.merged();
        this.isLoaded ||= change.complete;
        break;
      case "details":
        directory.add(change.details, this.#options.now());
        break;
      case "added": {
        const { conversation: id, title, head, by } = change;
        directory.add({ id, title, head }, this.#options.now()).people.add(by);
        break;
      }
      case "participant": {
        const people = directory.get(change.conversation)?.people;
        if (change.present) people?.add(change.user);
        else people?.delete(change.user);
        break;
      }
      case "gone":
        this.#replicas.delete(change.conversation);
        this.#unplaced.delete(change.conversation);
        directory.remove(change.conversation);
        break;
      case "read":
        directory.readElsewhere(change.conversation, change.seq);
        break;
      case "positions":
        directory.position(change);
        break;
      case "state":
        this.state = change.state;
    }
    return [];
  }

  /** @param {string} id @param {Entry[]} entries */
  #receive(id, entries) {
    const replica = this.findKnown(id);
    if (!replica) return [];
    const seen = entries
      .filter(({ conversation }) => conversation === id)
      .flatMap((entry) => replica.receive(entry));
    for (const entry of seen) this.directory.see(entry);
    return seen;
  }

  /** @param {string} id @param {Outgoing} outgoing @param {boolean} [isFresh] */
  #adopt(id, outgoing, isFresh) {
    const replica = this.find(id);
    if (replica) return replica.adopt(outgoing, isFresh);
    const unplaced = this.#unplaced.get(id) ?? [];
    if (!unplaced.some((one) => one.id === outgoing.id))
      this.#unplaced.set(id, [...unplaced, { ...outgoing }]);
    return true;
  }
}

/**
 * Position and outbox are one state. The position moves only past entries that were seen, and each
 * is compared with the outbox first. So an unsent message can always be sent with the current
 * position as `after`, and is stored once however often it is sent.
 */
export class Replica {
  /**
   * Finds what has become of messages. `revisions.js` sets it.
   * @type {((replica: Replica, me: Person) => (message: Entry) => Revised | undefined) | null}
   */
  static revise = null;
  /** What `revisions.js` knows about the entries. @type {unknown} */
  revisions;
  /** @type {Entry[]} */
  entries = [];
  /** @type {Outgoing[]} */
  outbox;
  /** Seq of the first loaded entry, or 0 if the beginning is loaded. */
  historyBefore = 0;
  historyStarted = false;
  /** @type {"loading" | "failed" | null} */
  history = null;
  #position = 0;
  /** Entries after a gap, by seq. @type {Map<number, Entry>} */
  #held = new Map();
  /** @type {Person} */
  #me;

  /**
   * @param {string} id
   * @param {Person} me
   * @param {number} head
   * @param {Outgoing[]} outbox
   */
  constructor(id, me, head, outbox = []) {
    this.id = id;
    this.#me = me;
    this.outbox = outbox;
    // Unsent messages may be among the entries that would be skipped.
    this.restart(Math.min(head, ...outbox.map(({ after }) => after)));
  }

  /** Every entry up to this seq was seen. */
  get position() {
    return this.#position;
  }

  get hasGap() {
    return this.#held.size > 0;
  }

  get held() {
    return [...this.#held.values()].sort((one, other) => one.seq - other.seq);
  }

  /** Starts again at another position, or with another log. @param {number} position */
  restart(position) {
    this.#position = position;
    this.#held.clear();
    this.entries = [];
    this.revisions = undefined;
    this.historyBefore = position > 0 ? position + 1 : 0;
    this.historyStarted = false;
    for (const outgoing of this.outbox) outgoing.after = position;
  }

  /**
   * Returns the entries that became visible, in order. Holds entries after a gap.
   * @param {Entry} entry
   */
  receive(entry) {
    if (this.#isMine(entry)) this.#stored(entry);
    if (entry.seq <= this.#position) return [];
    this.#held.set(entry.seq, entry);
    /** @type {Entry[]} */
    const seen = [];
    let next = this.#held.get(this.#position + 1);
    while (next) {
      this.#held.delete(next.seq);
      this.#position = next.seq;
      seen.push(next);
      next = this.#held.get(this.#position + 1);
    }
    this.entries.push(...seen);
    return seen;
  }

  /** @param {Entry[]} entries @param {number} after */
  prepend(entries, after) {
    this.entries = [...entries, ...this.entries];
    this.historyBefore = after > 0 ? after + 1 : 0;
  }

  /**
   * Adds an unsent message. Returns `false` if the log already contains it.
   * @param {Outgoing} outgoing
   * @param {boolean} [isFresh] whether it has never been sent
   */
  adopt(outgoing, isFresh = false) {
    if (this.#unsent(outgoing.id)) return true;
    const known = [...this.entries, ...this.#held.values()].filter((entry) => this.#isMine(entry));
    if (known.some(({ id }) => id === outgoing.id)) return false;
    this.outbox.push({ ...outgoing });
    for (const entry of outgoing.of ? known : []) this.#stored(entry);
    // All tabs have the same order.
    this.outbox.sort(
      (one, other) => one.writtenAt - other.writtenAt || (one.id < other.id ? -1 : 1),
    );
    // The message may be stored before the first loaded entry.
    if (!isFresh && outgoing.after < this.historyBefore - 1) this.restart(outgoing.after);
    return true;
  }

  nextOutgoing() {
    return this.outbox.find(({ failure, of }) => failure === null && !of);
  }

  /** @param {string} id @param {Problem} problem */
  fail(id, problem) {
    const outgoing = this.#unsent(id);
    if (outgoing?.emoji) this.discard(id);
    else if (outgoing) outgoing.failure = problem;
  }

  /**
   * @param {string} id
   * @param {string} newId used if the server has another message with the old id
   */
  retry(id, newId) {
    const outgoing = this.#unsent(id);
    if (!outgoing) return;
    if (outgoing.failure?.code === "id_reused") outgoing.id = newId;
    outgoing.failure = null;
  }

  /** @param {string | undefined} id */
  discard(id) {
    this.outbox = this.outbox.filter((outgoing) => outgoing.id !== id && outgoing.of !== id);
  }

  /** @returns {Line[]} */
  lines() {
    const ownHeld = this.held.filter((entry) => entry.event === "message" && this.#isMine(entry));
    const revise = Replica.revise?.(this, this.#me);
    /** @type {Line[]} */
    const lines = [...this.entries, ...ownHeld].map((entry) => ({
      kind: "entry",
      key: keyOf(entry),
      entry,
      ...revise?.(entry),
    }));
    for (const outgoing of this.outbox) {
      const { id, target, of } = outgoing;
      const text = this.outbox.findLast((one) => one.of === id && !one.emoji)?.text;
      if (target || of || text === null) continue;
      const key = keyOf({ id, sender: this.#me.user, seq: 0 });
      lines.push({
        kind: "outgoing",
        key,
        outgoing: text ? { ...outgoing, body: text } : outgoing,
      });
    }
    return lines;
  }

  /** @param {Entry} entry */
  #isMine({ event, sender, by, target }) {
    return (event === "message" || Boolean(target)) && (sender ?? by) === this.#me.user;
  }

  /** @param {Entry} entry of this user */
  #stored({ event, id, seq }) {
    for (const outgoing of event === "message" ? this.outbox : []) {
      if (outgoing.of !== id) continue;
      outgoing.target = seq;
      delete outgoing.of;
    }
    this.discard(id);
  }

  /** @param {string} id */
  #unsent(id) {
    return this.outbox.find((outgoing) => outgoing.id === id);
  }
}

/**
 * The key of a message stays the same when it is stored.
 * @param {{id?: string, sender?: string, seq: number}} entry
 */
function keyOf({ id, sender, seq }) {
  return id === undefined ? String(seq) : `${sender}/${id}`;
}
