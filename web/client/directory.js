/** The conversations that this person is in, as a list shows them. Pure; the logs themselves are `Replica`s. */

import { isPosition, isText, parseAll } from "./protocol.js";

/** @import { Listed, Person, Snapshot } from "./facts.js" */
/** @import { Details, Entry, Summary } from "./wire.js" */

export class Directory {
  /** @type {Map<string, Listed & {skipped: number}>} */ #listed = new Map();
  /** @type {Map<string, string>} */ #names = new Map();
  /** How far it was read, whether it is listed yet or not. @type {Map<string, number>} */ #read = new Map();
  /** Whoever comes with a new browser has not missed all that was ever said. */ #isNewHere = true;
  #me;
  #onRead;

  /** @param {Person} me @param {(conversation: string, seq: number) => void} [onRead] */
  constructor(me, onRead = () => {}) {
    this.#me = me.user;
    this.#onRead = onRead;
    this.#learn(me.user, me.name);
  }

  /** @param {string} id @returns {Listed | undefined} */
  get(id) {
    return this.#listed.get(id);
  }

  /** @returns {Listed[]} */
  all() {
    return [...this.#listed.values()].sort((one, other) => other.activeAt - one.activeAt || one.id.localeCompare(other.id));
  }

  /** For another tab. */
  snapshot() {
    return [...this.#listed.values()].map((listed) => ({
      ...listed,
      people: [...listed.people].map((user) => ({ user, name: this.nameOf(user) })),
    }));
  }

  /** @param {Snapshot["listed"]} snapshot */
  restore(snapshot) {
    this.merged();
    for (const { people, ...known } of snapshot) {
      if (this.#listed.has(known.id)) continue;
      for (const { user, name } of people) this.#learn(user, name);
      const listed = { ...known, people: new Set(people.map(({ user }) => user)) };
      this.#listed.set(known.id, listed);
      this.#readTo(listed, listed.read);
    }
  }

  /** The server's list may lag behind what was seen. @param {Summary} summary */
  merge(summary) {
    const isNew = !this.#listed.has(summary.id);
    const listed = this.#entry(summary.id, Date.parse(summary.joinedAt));
    listed.title = summary.title || listed.title;
    listed.head = Math.max(listed.head, summary.head);
    const { lastMessage } = summary;
    if (lastMessage) this.#said(listed, lastMessage);
    const isMine = lastMessage !== null && lastMessage.sender === this.#me;
    this.#readTo(listed, isNew && this.#isNewHere ? listed.head : isMine ? lastMessage.seq : listed.read);
    return listed;
  }

  /** What is listed from now on is new. */
  merged() {
    this.#isNewHere = false;
  }

  /** @param {Partial<Details> & {id: string}} details @param {number} now */
  add(details, now) {
    const listed = this.#entry(details.id, now);
    listed.title = details.title || listed.title;
    listed.head = Math.max(listed.head, details.head ?? 0);
    const { participants = [] } = details;
    for (const { user, name, role } of participants) {
      this.#learn(user, name);
      if (role === "owner") listed.owner = user;
    }
    if (participants.length > 0) {
      listed.people = new Set(participants.map(({ user }) => user));
      listed.complete = true;
    }
    this.#readTo(listed, listed.read);
    return listed;
  }

  /** @param {string} id */
  remove(id) {
    this.#listed.delete(id);
  }

  /** @param {Entry} entry @param {boolean} watched */
  see(entry, watched) {
    const listed = this.#listed.get(entry.conversation);
    if (!listed) return;
    const { event, seq, user, sender } = entry;
    listed.head = Math.max(listed.head, seq);
    this.learnNames([entry]);
    if (event === "participantAdded" && user) listed.people.add(user);
    if (event === "participantRemoved" && user) listed.people.delete(user);
    if (event === "message") this.#said(listed, entry);
    else if (seq > listed.read) listed.skipped += 1;
    // Nobody answers what they have not read.
    const isMine = event === "message" && sender === this.#me;
    this.#readTo(listed, watched || isMine ? seq : listed.read);
  }

  /** @param {string} id */
  read(id) {
    const listed = this.#listed.get(id);
    if (listed) this.#readTo(listed, listed.head);
  }

  /** Before this page. @param {unknown[]} rows */
  restoreRead(rows) {
    for (const { conversation, seq } of parseAll(rows, (row) => row)) if (isText(conversation) && isPosition(seq)) this.readElsewhere(conversation, seq);
  }

  /** @param {string} id @param {number} seq */
  readElsewhere(id, seq) {
    this.#isNewHere = false;
    if (seq <= (this.#read.get(id) ?? -1)) return;
    this.#read.set(id, seq);
    const listed = this.#listed.get(id);
    if (listed) this.#readTo(listed, seq);
  }

  get unread() {
    return [...this.#listed.values()].reduce((sum, { unread }) => sum + unread, 0);
  }

  /** @param {Entry[]} entries */
  learnNames(entries) {
    for (const { event, sender, user, name } of entries) this.#learn(event === "message" ? sender : user, name);
  }

  /** @param {string} user */
  nameOf(user) {
    return this.#names.get(user) ?? user;
  }

  /** Its title, else the others in it. @param {Listed} listed */
  titleOf({ title, people }) {
    const others = [...people].filter((user) => user !== this.#me).map((user) => this.nameOf(user));
    if (title) return title;
    if (others.length === 0) return "Untitled conversation";
    return others.length > 4 ? `${others.slice(0, 3).join(", ")} and ${others.length - 3} more` : others.join(", ");
  }

  /** @param {string} id @param {number} since */
  #entry(id, since) {
    const existing = this.#listed.get(id);
    if (existing) return existing;
    const listed = {
      id, title: "", head: 0, lastMessage: null, activeAt: Number.isNaN(since) ? 0 : since, read: this.#read.get(id) ?? 0,
      skipped: 0, unread: 0, people: new Set(), owner: "", complete: false,
    };
    this.#listed.set(id, listed);
    return listed;
  }

  /** @param {Listed & {skipped: number}} listed @param {number} seq */
  #readTo(listed, seq) {
    const known = this.#read.get(listed.id) ?? -1;
    if (Math.max(seq, known) > listed.read) {
      listed.read = Math.max(seq, known);
      listed.skipped = 0;
    }
    if (known < listed.read) {
      this.#read.set(listed.id, listed.read);
      this.#onRead(listed.id, listed.read);
    }
    listed.unread = Math.max(0, listed.head - listed.read - listed.skipped);
  }

  /** Of who never spoke the server says the user id: that is no name. @param {string} [user] @param {string} [name] */
  #learn(user, name) {
    if (user && name && name !== user) this.#names.set(user, name);
  }

  /** @param {Listed} listed @param {Entry} message */
  #said(listed, message) {
    if (message.sender) listed.people.add(message.sender);
    this.learnNames([message]);
    if (message.seq < (listed.lastMessage?.seq ?? 0)) return;
    listed.lastMessage = message;
    listed.activeAt = Math.max(listed.activeAt, Date.parse(message.sentAt ?? "") || 0);
  }
}
