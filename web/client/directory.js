/**
 * The conversations that this person is in, as a list shows them: what they are called, who is in them, what was said
 * last, what is unread. Pure; the logs themselves are `Conversation`s.
 */

/** @import { Details, Summary } from "./api.js" */
/** @import { Person } from "./conversation.js" */
/** @import { Entry } from "./protocol.js" */

/**
 * @typedef {object} Listed
 * @property {string} id
 * @property {string} title empty if it has none
 * @property {number} head newest seq that was reported; the log may be further
 * @property {Entry | null} lastMessage
 * @property {number} activeAt milliseconds since 1970 of the last message, or of joining
 * @property {number} read seq up to which this person has read
 * @property {number} unread entries past `read`, without those that turned out to be no messages
 * @property {Set<string>} people user ids, as far as they are known
 * @property {string} owner user id; empty as long as it is not known
 * @property {boolean} complete whether `people` are all participants
 */

/**
 * How far this person has read, by conversation, wherever that is kept. A `Map` is one.
 * @typedef {object} ReadPositions
 * @property {(id: string) => number | undefined} get
 * @property {(id: string, seq: number) => unknown} set
 * @property {number} size of how many conversations it is known; 0: this person has never been here
 */

export class Directory {
  /** @type {Map<string, Listed & {skipped: number}>} */ #listed = new Map();
  /** Display names by user id, from wherever they were learnt. @type {Map<string, string>} */ #names = new Map();
  /** @type {ReadPositions} */ #readPositions;
  /** Whether what is listed has been read elsewhere, for all that is known here. */ #isNewHere;
  #me;

  /** @param {Person} me @param {ReadPositions} [readPositions] */
  constructor(me, readPositions = new Map()) {
    this.#me = me.user;
    this.#readPositions = readPositions;
    this.#isNewHere = readPositions.size === 0;
    this.#learn(me.user, me.name);
  }

  /** @param {string} id @returns {Listed | undefined} */
  get(id) {
    return this.#listed.get(id);
  }

  /** The most recently active first. @returns {Listed[]} */
  all() {
    return [...this.#listed.values()].sort((one, other) => other.activeAt - one.activeAt || one.id.localeCompare(other.id));
  }

  /** Adds or refreshes from the server's list, which may lag behind what was seen. @param {Summary} summary */
  merge(summary) {
    const isNew = !this.#listed.has(summary.id);
    const listed = this.#entry(summary.id, Date.parse(summary.joinedAt));
    listed.title = summary.title || listed.title;
    listed.head = Math.max(listed.head, summary.head);
    const { lastMessage } = summary;
    if (lastMessage) this.#said(listed, lastMessage);
    const isMine = lastMessage !== null && lastMessage.sender === this.#me;
    // Whoever comes with a new browser has not missed all that was ever said.
    this.#readTo(listed, isNew && this.#isNewHere ? listed.head : isMine ? lastMessage.seq : listed.read);
    return listed;
  }

  /** The list has been read to its end: what is listed from now on is new to this person. */
  merged() {
    this.#isNewHere = false;
  }

  /** Adds what was just started, by oneself or by somebody else. @param {Partial<Details> & {id: string}} details @param {number} now */
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

  /**
   * Takes an entry of the log into account.
   * @param {Entry} entry
   * @param {boolean} watched whether somebody looks at it right now
   */
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

  /** Somebody looks at a conversation. @param {string} id */
  read(id) {
    const listed = this.#listed.get(id);
    if (listed) this.#readTo(listed, listed.head);
  }

  /** Another window of this person may have read on. */
  readElsewhere() {
    for (const listed of this.#listed.values()) this.#readTo(listed, listed.read);
  }

  get unread() {
    return [...this.#listed.values()].reduce((sum, { unread }) => sum + unread, 0);
  }

  /** Takes the names out of entries, new or old. @param {Entry[]} entries */
  learnNames(entries) {
    for (const { event, sender, user, name } of entries) this.#learn(event === "message" ? sender : user, name);
  }

  /** The best name known of somebody. @param {string} user */
  nameOf(user) {
    return this.#names.get(user) ?? user;
  }

  /**
   * What to call a conversation: its title, else the others in it.
   * @param {Listed} listed
   */
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
      id, title: "", head: 0, lastMessage: null, activeAt: Number.isNaN(since) ? 0 : since, read: this.#readPositions.get(id) ?? 0,
      skipped: 0, unread: 0, people: new Set(), owner: "", complete: false,
    };
    this.#listed.set(id, listed);
    return listed;
  }

  /** @param {Listed & {skipped: number}} listed @param {number} seq */
  #readTo(listed, seq) {
    const known = this.#readPositions.get(listed.id) ?? -1;
    if (Math.max(seq, known) > listed.read) {
      listed.read = Math.max(seq, known);
      listed.skipped = 0;
    }
    if (known < listed.read) this.#readPositions.set(listed.id, listed.read);
    listed.unread = Math.max(0, listed.head - listed.read - listed.skipped);
  }

  /**
   * The server knows nobody's name before they first speak, and then says the user id: that is no news.
   * @param {string | undefined} user
   * @param {string | undefined} name
   */
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
