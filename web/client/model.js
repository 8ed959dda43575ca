/** The state of one tab. Only changes modify it: equal changes give equal states. Pure. */

import { Directory } from "./directory.js";
import { Replica } from "./replica.js";

/** @import { Change, Entry, ModelOptions, OutboxRow, Outgoing, State } from "./types.js" */

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
  /**
   * Unsent messages of conversations without a replica.
   * @type {Map<string, Outgoing[]>}
   */
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
