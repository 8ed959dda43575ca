/**
 * What one tab knows: the list, a replica of each log that was asked for, and how the connection is. It changes by facts
 * only, so tabs that hear the same facts show the same. Pure.
 */

import { Directory } from "./directory.js";
import { Replica } from "./replica.js";
import { StateName } from "./state.js";

/** @import { ReadPositions } from "./directory.js" */
/** @import { Fact } from "./facts.js" */
/** @import { Row } from "./outbox_storage.js" */
/** @import { Entry } from "./wire.js" */
/** @import { Outgoing, Person } from "./replica.js" */
/** @import { State } from "./state.js" */

/**
 * @typedef {object} ModelOptions
 * @property {Person} me
 * @property {ReadPositions} [readPositions]
 * @property {() => number} now milliseconds since 1970
 * @property {(conversation: string) => boolean} isWatched whether somebody looks at it right now
 */

/** What a tab that comes later is told. @typedef {{isListed: boolean, state: State, listed: ReturnType<Directory["snapshot"]>}} Snapshot */

export class Model {
  /** @type {Directory} */ directory;
  /** Whether the list has been read, and is not only not yet there. */ isListed = false;
  /** @type {State} */ state = { name: StateName.connecting, reason: null, retryAt: null };
  /** @type {ModelOptions} */ #options;
  /** @type {Map<string, Replica>} */ #replicas = new Map();
  /** Unsent messages of conversations without a replica. @type {Map<string, Outgoing[]>} */ #left = new Map();

  /** @param {ModelOptions} options */
  constructor(options) {
    this.#options = options;
    this.directory = new Directory(options.me, options.readPositions);
  }

  get replicas() {
    return [...this.#replicas.values()];
  }

  /** @param {string} id */
  find(id) {
    return this.#replicas.get(id);
  }

  /** The replica of a listed conversation. @param {string} id */
  replica(id) {
    let replica = this.#replicas.get(id);
    if (!replica) {
      replica = new Replica(id, this.#options.me, this.directory.get(id)?.head ?? 0, this.#left.get(id));
      this.#left.delete(id);
      this.#replicas.set(id, replica);
    }
    return replica;
  }

  /** What is unsent in a conversation. @param {string} id */
  unsent(id) {
    return this.#replicas.get(id)?.outbox ?? this.#left.get(id) ?? [];
  }

  /**
   * Takes what was kept from an earlier page, or by a tab that is gone.
   * @param {Row[]} rows
   * @returns {Row[]} those that turned out to have been stored
   */
  restore(rows) {
    return rows.filter(({ conversation, outgoing }) => !this.#adopt(conversation, outgoing));
  }

  /**
   * Takes a fact.
   * @param {Fact} fact
   * @returns {Entry[]} entries that became visible by it, in order
   */
  apply(fact) {
    const { directory } = this;
    switch (fact.kind) {
      case "entries":
        return this.#receive(fact.conversation, fact.entries);
      case "restarted":
        this.find(fact.conversation)?.restart(fact.position);
        break;
      case "written":
        this.#adopt(fact.conversation, fact.outgoing);
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
        directory.add({ id: fact.conversation, title: fact.title, head: fact.head }, this.#options.now()).people.add(fact.by);
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
      case "state":
        this.state = fact.state;
    }
    return [];
  }

  /** @returns {Snapshot} with positions for heads, so that whoever begins there misses nothing that is told from now on */
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
    const seen = replica ? entries.flatMap((entry) => (entry.conversation === id ? replica.receive(entry) : [])) : [];
    const watched = this.#options.isWatched(id);
    for (const entry of seen) this.directory.see(entry, watched);
    return seen;
  }

  /** @param {string} id @param {Outgoing} outgoing */
  #adopt(id, outgoing) {
    const replica = this.find(id);
    if (replica) return replica.adopt(outgoing);
    const left = this.#left.get(id) ?? [];
    if (!left.some((one) => one.id === outgoing.id)) this.#left.set(id, [...left, { ...outgoing }]);
    return true;
  }
}
