/** What one tab knows. It changes by facts only, so tabs that hear the same facts show the same. Pure. */

import { Directory } from "./conversation.js";
import { parseAll, parseUnsent } from "./protocol.js";

/** @import { Fact, Line, Outgoing, Person, Snapshot, State } from "./facts.js" */
/** @import { ModelOptions } from "./parts.js" */
/** @import { Entry, Problem, Sent } from "./wire.js" */

/** README.md says what each means. */
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
export const UNKNOWN = { name: StateName.connecting, reason: null, retryAt: null };

/**
 * What a tab knows of one conversation: its position in the log and its outbox, which are one state. The position
 * moves only over entries that were seen, and each of those is compared with the outbox first; so an unsent message may
 * always be sent with the present position as `after`, and is stored once however often that happens.
 */
export class Replica {
  /** @type {Entry[]} */ entries = [];
  /** In the order of writing. @type {Outgoing[]} */ outbox;
  /** Seq of the first entry that is loaded; 0: the beginning is. */ historyBefore = 0;
  historyStarted = false;
  /** How the page before it is doing. @type {"loading" | "failed" | null} */ history = null;
  #position = 0;
  /** Ahead of a gap, by seq. @type {Map<number, Entry>} */ #held = new Map();
  /** @type {Person} */ #me;

  /** @param {string} id @param {Person} me @param {number} head as reported @param {Outgoing[]} outbox what was left unsent */
  constructor(id, me, head, outbox = []) {
    this.id = id;
    this.#me = me;
    this.outbox = outbox;
    // What is unsent may be among what would be skipped.
    this.restart(Math.min(head, ...outbox.map(({ after }) => after)));
  }

  /** Everything up to it was seen. */
  get position() {
    return this.#position;
  }

  get hasGap() {
    return this.#held.size > 0;
  }

  /** Begins anew, for a log that turned out to be another one. @param {number} position */
  restart(position) {
    this.#position = position;
    this.#held.clear();
    this.entries = [];
    this.historyBefore = position + 1 > 1 ? position + 1 : 0;
    this.historyStarted = false;
    for (const outgoing of this.outbox) outgoing.after = position;
  }

  /** A repeat is ignored; what is ahead of a gap is held. What became visible, in order. @param {Entry} entry */
  receive(entry) {
    if (this.#isMine(entry)) this.discard(entry.id);
    if (entry.seq <= this.#position) return [];
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

  /** The entry that an acknowledgement speaks of, to be received like a push of it. @param {Sent} sent @returns {Entry[]} */
  acknowledged({ id, seq, sentAt }) {
    const outgoing = this.#unsent(id);
    const { user, name } = this.#me;
    return outgoing
      ? [
          {
            event: "message",
            conversation: this.id,
            seq,
            id,
            sender: user,
            name,
            body: outgoing.body,
            sentAt,
          },
        ]
      : [];
  }

  /** @param {Entry[]} entries ascending @param {number} after the position at which they begin */
  prepend(entries, after) {
    this.entries = [...entries, ...this.entries];
    this.historyBefore = after > 0 ? after + 1 : 0;
  }

  /** Takes an unsent message. `false`: it was seen in the log already. @param {Outgoing} outgoing @param {boolean} [isFresh] nobody has tried to send it */
  adopt(outgoing, isFresh = false) {
    if (this.#unsent(outgoing.id)) return true;
    if (
      [...this.entries, ...this.#held.values()].some(
        (entry) => entry.id === outgoing.id && this.#isMine(entry),
      )
    )
      return false;
    this.outbox.push({ ...outgoing });
    // In one order in all tabs.
    this.outbox.sort(
      (one, other) => one.writtenAt - other.writtenAt || (one.id < other.id ? -1 : 1),
    );
    // It may be stored where this tab never compared with it.
    if (!isFresh && outgoing.after < this.historyBefore - 1) this.restart(outgoing.after);
    return true;
  }

  nextOutgoing() {
    return this.outbox.find(({ failure }) => failure === null);
  }

  /** @param {string} id @param {Problem} problem */
  fail(id, problem) {
    const outgoing = this.#unsent(id);
    if (outgoing) outgoing.failure = problem;
  }

  /** @param {string} id @param {string} freshId if the server holds another message under the old one */
  revive(id, freshId) {
    const outgoing = this.#unsent(id);
    if (!outgoing) return;
    if (outgoing.failure?.code === "id_reused") outgoing.id = freshId;
    outgoing.failure = null;
  }

  /** @param {string | undefined} id */
  discard(id) {
    this.outbox = this.outbox.filter((outgoing) => outgoing.id !== id);
  }

  /** @returns {Line[]} */
  lines() {
    const ownHeld = [...this.#held.values()]
      .filter((entry) => this.#isMine(entry))
      .sort((one, other) => one.seq - other.seq);
    return [
      ...[...this.entries, ...ownHeld].map(
        (entry) => /** @type {Line} */ ({ kind: "entry", key: keyOf(entry), entry }),
      ),
      ...this.outbox.map((outgoing) => {
        const key = keyOf({ id: outgoing.id, sender: this.#me.user, seq: 0 });
        return /** @type {Line} */ ({ kind: "outgoing", key, outgoing });
      }),
    ];
  }

  /** @param {Entry} entry */
  #isMine({ event, sender }) {
    return event === "message" && sender === this.#me.user;
  }

  /** @param {string} id */
  #unsent(id) {
    return this.outbox.find((outgoing) => outgoing.id === id);
  }
}

export class Model {
  /** @type {Directory} */ directory;
  isListed = false;
  state = UNKNOWN;
  /** @type {ModelOptions} */ #options;
  /** @type {Map<string, Replica>} */ #replicas = new Map();
  /** Unsent messages of conversations without a replica. @type {Map<string, Outgoing[]>} */ #left =
    new Map();

  /** @param {ModelOptions} options */
  constructor(options) {
    this.#options = options;
    this.directory = new Directory(options.me, options.onRead);
  }

  get replicas() {
    return [...this.#replicas.values()];
  }

  /** @param {string} id */
  find(id) {
    return this.#replicas.get(id);
  }

  /** Of a conversation that is listed. @param {string} id */
  replica(id) {
    let replica = this.#replicas.get(id);
    if (!replica) {
      replica = new Replica(
        id,
        this.#options.me,
        this.directory.get(id)?.head ?? 0,
        this.#left.get(id),
      );
      this.#left.delete(id);
      this.#replicas.set(id, replica);
    }
    return replica;
  }

  /** @param {string} id */
  unsent(id) {
    return this.#replicas.get(id)?.outbox ?? this.#left.get(id) ?? [];
  }

  /** Takes what was left unsent. Those that turned out to be stored. @param {unknown[]} rows */
  restore(rows) {
    const unsent = parseAll(rows, parseUnsent).sort(
      (one, other) => one.outgoing.writtenAt - other.outgoing.writtenAt,
    );
    return unsent.filter(({ conversation, outgoing }) => !this.#adopt(conversation, outgoing));
  }

  /** The entries that became visible by it, in order. @param {Fact} fact @returns {Entry[]} */
  apply(fact) {
    const { directory } = this;
    switch (fact.kind) {
      case "entries":
        return this.#receive(fact.conversation, fact.entries);
      case "restarted":
        this.find(fact.conversation)?.restart(fact.position);
        break;
      case "written":
        this.#adopt(fact.conversation, fact.outgoing, true);
        break;
      case "failed":
        this.find(fact.conversation)?.fail(fact.id, fact.problem);
        break;
      case "revived":
        this.find(fact.conversation)?.revive(fact.id, fact.freshId);
        break;
      case "discarded":
        this.find(fact.conversation)?.discard(fact.id);
        break;
      case "listed":
        for (const summary of fact.summaries) directory.merge(summary);
        if (fact.complete) directory.merged();
        this.isListed ||= fact.complete;
        break;
      case "details":
        directory.add(fact.details, this.#options.now());
        break;
      case "added":
        directory
          .add({ id: fact.conversation, title: fact.title, head: fact.head }, this.#options.now())
          .people.add(fact.by);
        break;
      case "participant":
        if (fact.present) directory.get(fact.conversation)?.people.add(fact.user);
        else directory.get(fact.conversation)?.people.delete(fact.user);
        break;
      case "gone":
        this.#replicas.delete(fact.conversation);
        this.#left.delete(fact.conversation);
        directory.remove(fact.conversation);
        break;
      case "read":
        directory.readElsewhere(fact.conversation, fact.seq);
        break;
      case "state":
        this.state = fact.state;
    }
    return [];
  }

  /** With positions for heads, so that whoever begins there misses nothing. @returns {Snapshot} */
  snapshot() {
    const listed = this.directory.snapshot();
    for (const one of listed) one.head = this.find(one.id)?.position ?? one.head;
    return { isListed: this.isListed, state: this.state, listed };
  }

  /** @param {Snapshot} snapshot */
  welcome({ isListed, state, listed }) {
    this.isListed ||= isListed;
    this.state = state;
    this.directory.restore(listed);
  }

  /** @param {string} id @param {Entry[]} entries */
  #receive(id, entries) {
    const replica = this.directory.get(id) ? this.replica(id) : this.find(id);
    const seen = replica
      ? entries.flatMap((entry) => (entry.conversation === id ? replica.receive(entry) : []))
      : [];
    const watched = this.#options.isWatched(id);
    for (const entry of seen) this.directory.see(entry, watched);
    return seen;
  }

  /** @param {string} id @param {Outgoing} outgoing @param {boolean} [isFresh] */
  #adopt(id, outgoing, isFresh) {
    const replica = this.find(id);
    if (replica) return replica.adopt(outgoing, isFresh);
    const left = this.#left.get(id) ?? [];
    if (!left.some((one) => one.id === outgoing.id)) this.#left.set(id, [...left, { ...outgoing }]);
    return true;
  }
}

/** The same for a message on its way and in the log. @param {{id?: string, sender?: string, seq: number}} entry */
function keyOf({ id, sender, seq }) {
  return id === undefined ? String(seq) : `${sender}/${id}`;
}
