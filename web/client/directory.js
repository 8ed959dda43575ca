/** The user's conversations as a list shows them, and the names of people. Pure. */

import { isolated, isPosition, isText, parseAll } from "./protocol.js";

/** @import { ConversationInfo, Details, Entry, Person, Snapshot, Summary } from "./types.js" */

/** @typedef {ConversationInfo & {skipped: number}} Info */

export class Directory {
  /** @type {Map<string, Info>} */
  #infos = new Map();
  /** @type {Map<string, string>} */
  #names = new Map();
  /** @type {Map<string, Set<string>>} */
  #lookalikes = new Map();
  /**
   * Read positions, also of conversations that are not listed yet.
   * @type {Map<string, number>}
   */
  #read = new Map();
  /** In a new browser, everything that is listed first counts as read. */
  #isNewHere = true;
  #me;
  #onRead;

  /**
   * @param {Person} me
   * @param {(conversation: string, seq: number) => void} [onRead]
   */
  constructor(me, onRead = () => {}) {
    this.#me = me.user;
    this.#onRead = onRead;
    this.#learnName(me.user, me.name);
  }

  /**
   * @param {string} id
   * @returns {ConversationInfo | undefined}
   */
  get(id) {
    return this.#infos.get(id);
  }

  /** @returns {ConversationInfo[]} */
  all() {
    return [...this.#infos.values()].sort(
      (one, other) => other.activeAt - one.activeAt || one.id.localeCompare(other.id),
    );
  }

  snapshot() {
    return [...this.#infos.values()].map((info) => ({
      ...info,
      people: [...info.people].map((user) => ({ user, name: this.nameOf(user) })),
    }));
  }

  /** @param {Snapshot["conversations"]} snapshot */
  restore(snapshot) {
    this.merged();
    for (const { people, ...known } of snapshot) {
      if (this.#infos.has(known.id)) continue;
      for (const { user, name } of people) this.#learnName(user, name);
      const info = { ...known, people: new Set(people.map(({ user }) => user)) };
      this.#infos.set(known.id, info);
      this.#readTo(info, info.read);
    }
  }

  /** @param {Summary} summary */
  merge(summary) {
    const isNew = !this.#infos.has(summary.id);
    const info = this.#findOrCreate(summary.id, Date.parse(summary.joinedAt));
    info.title = summary.title || info.title;
    info.head = Math.max(info.head, summary.head);
    const { lastMessage } = summary;
    if (lastMessage) this.#seeMessage(info, lastMessage);
    const isMine = lastMessage !== null && lastMessage.sender === this.#me;
    if (isNew && this.#isNewHere) this.#readTo(info, info.head);
    else this.#readTo(info, isMine ? lastMessage.seq : info.read);
  }

  /** The list is complete: what is listed from now on is new. */
  merged() {
    this.#isNewHere = false;
  }

  /**
   * @param {Partial<Details> & {id: string}} details
   * @param {number} now
   */
  add(details, now) {
    const info = this.#findOrCreate(details.id, now);
    info.title = details.title || info.title;
    info.head = Math.max(info.head, details.head ?? 0);
    const { participants = [] } = details;
    for (const { user, name, role } of participants) {
      this.#learnName(user, name);
      if (role === "owner") info.owner = user;
    }
    if (participants.length > 0) {
      info.people = new Set(participants.map(({ user }) => user));
      info.complete = true;
    }
    this.#readTo(info, info.read);
    return info;
  }

  /** @param {string} id */
  remove(id) {
    this.#infos.delete(id);
  }

  /**
   * @param {Entry} entry
   * @param {boolean} isWatched
   */
  see(entry, isWatched) {
    const info = this.#infos.get(entry.conversation);
    if (!info) return;
    const { event, seq, user, sender } = entry;
    info.head = Math.max(info.head, seq);
    this.learnNames([entry]);
    if (event === "participantAdded" && user) info.people.add(user);
    if (event === "participantRemoved" && user) info.people.delete(user);
    if (event === "message") this.#seeMessage(info, entry);
    else if (seq > info.read) info.skipped += 1;
    // Users have read what they answer.
    const isMine = event === "message" && sender === this.#me;
    this.#readTo(info, isWatched || isMine ? seq : info.read);
  }

  /** @param {string} id */
  read(id) {
    const info = this.#infos.get(id);
    if (info) this.#readTo(info, info.head);
  }

  /** @param {unknown[]} rows */
  restoreRead(rows) {
    for (const { conversation, seq } of parseAll(rows, (row) => row)) {
      if (isText(conversation) && isPosition(seq)) this.readElsewhere(conversation, seq);
    }
  }

  /**
   * @param {string} id
   * @param {number} seq
   */
  readElsewhere(id, seq) {
    this.#isNewHere = false;
    if (seq <= (this.#read.get(id) ?? -1)) return;
    this.#read.set(id, seq);
    const info = this.#infos.get(id);
    if (info) this.#readTo(info, seq);
  }

  get unread() {
    let sum = 0;
    for (const { unread } of this.#infos.values()) sum += unread;
    return sum;
  }

  /** @param {Entry[]} entries */
  learnNames(entries) {
    for (const { event, sender, user, name } of entries)
      this.#learnName(event === "message" ? sender : user, name);
  }

  /** @param {string} user */
  nameOf(user) {
    return this.#names.get(user) ?? user;
  }

  /**
   * Adds the user id to a name that looks like that of others, or like a page's “You”.
   * @param {string} user
   * @param {string} [name]
   * @param {Set<string>} [people]
   */
  labelOf(user, name = this.nameOf(user), people) {
    const looks = looksOf(name);
    const users = [...(this.#lookalikes.get(looks) ?? [])];
    const isUnclear = users.some((other) => other !== user && people?.has(other));
    return isUnclear || looks === "you" ? `${name} (${user})` : name;
  }

  /** @param {ConversationInfo} info */
  titleOf({ title, people }) {
    if (title) return title;
    const others = [...people]
      .filter((user) => user !== this.#me)
      .map((user) => this.labelOf(user, undefined, people));
    if (others.length === 0) return "Untitled conversation";
    if (others.length === 1) return others.join();
    const unnamed = others.length > 4 ? others.length - 3 : 0;
    const named = others.slice(0, others.length - unnamed);
    const names = named.map(isolated).join(", ");
    return unnamed > 0 ? `${names} and ${unnamed} more` : names;
  }

  /**
   * @param {string} id
   * @param {number} since
   */
  #findOrCreate(id, since) {
    const existing = this.#infos.get(id);
    if (existing) return existing;
    const info = {
      id,
      title: "",
      head: 0,
      lastMessage: null,
      activeAt: Number.isNaN(since) ? 0 : since,
      read: this.#read.get(id) ?? 0,
      skipped: 0,
      unread: 0,
      people: new Set(),
      owner: "",
      complete: false,
    };
    this.#infos.set(id, info);
    return info;
  }

  /**
   * @param {Info} info
   * @param {number} seq
   */
  #readTo(info, seq) {
    const known = this.#read.get(info.id) ?? -1;
    if (Math.max(seq, known) > info.read) {
      info.read = Math.max(seq, known);
      info.skipped = 0;
    }
    if (known < info.read) {
      this.#read.set(info.id, info.read);
      this.#onRead(info.id, info.read);
    }
    info.unread = Math.max(0, info.head - info.read - info.skipped);
  }

  /**
   * The server sends the user id as name until it knows a name.
   * @param {string} [user]
   * @param {string} [name]
   */
  #learnName(user, name) {
    if (!user || !name || this.#names.get(user) === name) return;
    for (const text of [user, name, `${name} (${user})`]) {
      const looks = looksOf(text);
      this.#lookalikes.set(looks, (this.#lookalikes.get(looks) ?? new Set()).add(user));
    }
    if (name !== user || !this.#names.has(user)) this.#names.set(user, name);
  }

  /**
   * @param {Info} info
   * @param {Entry} message
   */
  #seeMessage(info, message) {
    if (message.sender) info.people.add(message.sender);
    this.learnNames([message]);
    if (message.seq < (info.lastMessage?.seq ?? 0)) return;
    info.lastMessage = message;
    info.activeAt = Math.max(info.activeAt, Date.parse(message.sentAt ?? "") || 0);
  }
}

/** Letters and digits, and the Latin letters that they look like. */
const [FROM, TO] = ["аеорсухіјѕӏοαν0l1|", "aeopcyxijsioavoiii"];

/**
 * Returns a key, equal for names that look alike.
 * @param {string} name
 */
function looksOf(name) {
  const letters = name
    .normalize("NFKC")
    .toLowerCase()
    .replace(/[\s\p{DI}]/gu, "");
  return Array.from(letters, (letter) => TO[FROM.indexOf(letter)] ?? letter).join("");
}
