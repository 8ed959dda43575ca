/** The user's conversations as a list shows them, and the names of people. Pure. */

import { isolated, isPosition, isText, parseAll } from "./protocol.js";

/** @import { Change, ConversationInfo, Details, Entry, Info } from "./types.js" */
/** @import { Person, Summary } from "./types.js" */

export class Directory {
  /** @type {Map<string, Info>} */
  #infos = new Map();
  /** @type {Map<string, string>} */
  #names = new Map();
  /** @type {Map<string, Set<string>>} */
  #lookalikes = new Map();
  /** Read positions, also of conversations that are not listed yet. @type {Map<string, number>} */
  #read = new Map();
  /** In a new browser, everything that is listed first counts as read. */
  #isNewHere = true;
  #me;
  #onRead;
  #entriesOf;

  /**
   * @param {Person} me
   * @param {(conversation: string, seq: number) => void} [onRead]
   * @param {(conversation: string) => Entry[]} [entriesOf] the loaded entries, without gaps
   */
  constructor(me, onRead = () => {}, entriesOf = () => []) {
    this.#me = me.user;
    this.#onRead = onRead;
    this.#entriesOf = entriesOf;
    this.learnName(me.user, me.name);
  }

  /** @param {string} id @returns {ConversationInfo | undefined} */
  get(id) {
    return this.#infos.get(id);
  }

  /** @returns {Info[]} */
  all() {
    return [...this.#infos.values()].sort(
      (one, other) => other.activeAt - one.activeAt || one.id.localeCompare(other.id),
    );
  }

  /** Adds a conversation as another tab knows it. @param {Info} info */
  restore(info) {
    if (this.#infos.has(info.id)) return;
    this.#infos.set(info.id, info);
    this.#readTo(info, info.readTo);
  }

  /** @param {Summary} summary */
  merge(summary) {
    const isNew = !this.#infos.has(summary.id);
    const info = this.#findOrCreate(summary.id, Date.parse(summary.joinedAt));
    info.title = summary.title || info.title;
    const { head, lastMessage, messages, readTo, unread } = summary;
    const isMine = lastMessage !== null && lastMessage.sender === this.#me;
    if (messages !== undefined) this.#count(info, head, messages);
    this.#raiseHead(info, head);
    if (lastMessage) this.#seeMessage(info, lastMessage);
    if (readTo !== undefined) {
      info.confirmed = Math.max(info.confirmed ?? 0, readTo);
      // `unread` is 0 after the user's own message, wherever they have read before.
      const isCounted = messages !== undefined && unread !== undefined && !isMine;
      this.#readTo(info, readTo, isCounted ? messages - unread : undefined);
    } else if (isNew && this.#isNewHere) this.#readTo(info, info.head);
    if (isMine) this.#readTo(info, lastMessage.seq, messages);
    else this.#readTo(info, info.readTo);
  }

  /** The list is complete: what is listed from now on is new. */
  merged() {
    this.#isNewHere = false;
  }

  /** @param {Partial<Details> & {id: string}} details @param {number} now */
  add(details, now) {
    const info = this.#findOrCreate(details.id, now);
    info.title = details.title || info.title;
    this.#raiseHead(info, details.head ?? 0);
    const { participants = [] } = details;
    for (const { user, name, role } of participants) {
      this.learnName(user, name);
      if (role === "owner") info.owner = user;
    }
    if (participants.length > 0) {
      info.people = new Set(participants.map(({ user }) => user));
      info.complete = true;
    }
    this.#readTo(info, info.readTo);
    return info;
  }

  /** @param {string} id */
  remove(id) {
    this.#infos.delete(id);
  }

  /** @param {Entry} entry */
  see(entry) {
    const info = this.#infos.get(entry.conversation);
    if (!info) return;
    const { event, seq, user, sender } = entry;
    const isMessage = event === "message";
    this.learnNames([entry]);
    if (event === "participantAdded" && user) info.people.add(user);
    if (event === "participantRemoved" && user) info.people.delete(user);
    if (isMessage) this.#seeMessage(info, entry);
    else if (info.lastMessage && info.lastMessage.seq === entry.target)
      info.lastMessage = changed(info.lastMessage, entry);
    this.#raiseHead(info, seq);
    if (!isMessage && seq > info.exactTo) {
      info.total -= 1;
      if (!info.isReadExact && seq <= info.readTo) info.readTotal -= 1;
    }
    if (seq === info.exactTo + 1) info.exactTo = seq;
    // Users have read what they answer.
    this.#readTo(info, isMessage && sender === this.#me ? seq : info.readTo);
  }

  /** @param {string} id @param {number} [seq] */
  read(id, seq = this.#infos.get(id)?.head) {
    const info = this.#infos.get(id);
    if (info && seq !== undefined) this.#readTo(info, Math.min(seq, info.head));
  }

  /**
   * What the user looks at does not count as unread, but is read only after a moment.
   * @param {string} id
   * @param {number} seq 0 if the user does not look at the conversation
   */
  view(id, seq) {
    const info = this.#infos.get(id);
    if (!info || info.inView === seq) return;
    info.inView = seq;
    this.#readTo(info, info.readTo);
  }

  /**
   * The server's positions: how far the participants have read, and how many messages there are
   * up to a position.
   * @param {Extract<Change, {kind: "positions"}>} change
   */
  position({ conversation, read, counted }) {
    const info = this.#infos.get(conversation);
    if (!info) return;
    if (counted) this.#count(info, ...counted);
    for (const [user, seq] of read) {
      if (user !== this.#me) raise(info.readers, user, seq);
      else {
        info.confirmed = Math.max(info.confirmed ?? 0, seq);
        this.#readTo(info, seq, counted?.[0] === seq ? counted[1] : undefined);
      }
    }
    this.#readTo(info, info.readTo);
  }

  /** @param {unknown[]} rows */
  restoreRead(rows) {
    for (const { conversation, seq } of parseAll(rows, (row) => row)) {
      if (isText(conversation) && isPosition(seq)) this.readElsewhere(conversation, seq);
    }
  }

  /** @param {string} id @param {number} seq */
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
    for (const { conversation, event, sender, seq, user, name } of entries) {
      this.learnName(event === "message" ? sender : user, name);
      const readers = this.#infos.get(conversation)?.readers;
      // People have read what they answer.
      if (event === "message" && sender && readers) raise(readers, sender, seq);
    }
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
    const isName = (/** @type {string} */ text) => this.#lookalikes.has(looksOf(text));
    // A title that could be taken for names is shown apart from them.
    if (title) return [title, ...title.split(",")].some(isName) ? `“${title}”` : title;
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

  /** @param {string} id @param {number} since */
  #findOrCreate(id, since) {
    const existing = this.#infos.get(id);
    if (existing) return existing;
    const info = {
      id,
      title: "",
      head: 0,
      lastMessage: null,
      activeAt: Number.isNaN(since) ? 0 : since,
      total: 0,
      exactTo: 0,
      readTo: this.#read.get(id) ?? 0,
      readTotal: this.#read.get(id) ?? 0,
      isReadExact: false,
      inView: 0,
      unread: 0,
      confirmed: null,
      readers: new Map(),
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
   * @param {number} [total] the number of messages up to `seq`, if the server said it
   */
  #readTo(info, seq, total) {
    const known = this.#read.get(info.id) ?? -1;
    const readTo = Math.max(seq, known, info.readTo);
    if (total !== undefined && (seq >= info.readTo || !info.isReadExact)) {
      Object.assign(info, { isReadExact: seq >= info.readTo, readTotal: total, readTo: seq });
    }
    if (readTo > info.readTo || !info.isReadExact) {
      info.readTotal = this.#messagesTo(info, readTo);
      info.isReadExact &&= readTo === info.readTo;
      info.readTo = readTo;
    }
    if (known < readTo) {
      this.#read.set(info.id, readTo);
      this.#onRead(info.id, readTo);
    }
    const seen = this.#messagesTo(info, Math.max(readTo, Math.min(info.inView, info.head)));
    info.unread = Math.max(0, info.total - seen);
  }

  /**
   * Counts every entry that is not known as a message, until the server says how many there are.
   * @param {Info} info
   * @param {number} head
   */
  #raiseHead(info, head) {
    if (head <= info.head) return;
    info.total += head - info.head;
    info.head = head;
  }

  /**
   * @param {Info} info
   * @param {number} seq
   * @param {number} messages the number of messages up to `seq`
   */
  #count(info, seq, messages) {
    const since = this.#messagesBetween(info, seq, info.head);
    if (seq < info.head && since === null) return;
    info.head = Math.max(info.head, seq);
    info.total = messages + (since ?? 0);
    info.exactTo = info.head;
  }

  /**
   * Returns the number of messages up to `seq`: exactly if the entries from there to `head` or to
   * `readTo` are loaded, else at most.
   * @param {Info} info
   * @param {number} seq
   */
  #messagesTo(info, seq) {
    if (seq === info.readTo && info.isReadExact) return info.readTotal;
    const later = this.#messagesBetween(info, seq, info.head);
    if (later !== null) return info.total - later;
    const earlier = this.#messagesBetween(info, info.readTo, seq) ?? seq - info.readTo;
    return Math.min(info.total, info.readTotal + earlier);
  }

  /**
   * Returns the number of messages after `from` up to `to`, or `null` if not all are loaded.
   * @param {Info} info
   * @param {number} from
   * @param {number} to
   */
  #messagesBetween({ id }, from, to) {
    if (from >= to) return from === to ? 0 : null;
    const entries = this.#entriesOf(id);
    const [first] = entries;
    if (!first || first.seq > from + 1 || Number(entries.at(-1)?.seq) < to) return null;
    const between = entries.slice(from + 1 - first.seq, to + 1 - first.seq);
    return between.filter(({ event }) => event === "message").length;
  }

  /**
   * The server sends the user id as name until it knows a name.
   * @param {string} [user]
   * @param {string} [name]
   */
  learnName(user, name) {
    if (!user || !name || this.#names.get(user) === name) return;
    for (const text of [user, name, `${name} (${user})`]) {
      const looks = looksOf(text);
      this.#lookalikes.set(looks, (this.#lookalikes.get(looks) ?? new Set()).add(user));
    }
    if (name !== user || !this.#names.has(user)) this.#names.set(user, name);
  }

  /** @param {Info} info @param {Entry} message */
  #seeMessage(info, message) {
    if (message.sender) info.people.add(message.sender);
    this.learnNames([message]);
    const last = info.lastMessage;
    // The list may be older than a deletion that was pushed.
    if (last && (last.deleted ? message.seq <= last.seq : message.seq < last.seq)) return;
    info.lastMessage = message;
    info.activeAt = Math.max(info.activeAt, Date.parse(message.sentAt ?? "") || 0);
  }
}

/**
 * Returns a message after an edit or a deletion.
 * @param {Entry} message
 * @param {Entry} change
 * @returns {Entry}
 */
export function changed(message, { event, seq, body, by = "", sentAt = "" }) {
  const { edited, ...rest } = message;
  if (message.deleted) return message;
  if (event === "messageDeleted") return { ...rest, body: "", deleted: { seq, by } };
  const isNewer = body !== undefined && seq > (edited?.seq ?? 0);
  return isNewer ? { ...rest, body, edited: { seq, at: sentAt } } : message;
}

/** Letters and digits, and the Latin letters that they look like. */
const [FROM, TO] = ["аеорсухіјѕӏοαν0l1|", "aeopcyxijsioavoiii"];

/** Returns a key, equal for names that look alike. @param {string} name */
function looksOf(name) {
  const letters = name
    .normalize("NFKC")
    .toLowerCase()
    .replace(/[\s\p{DI}]/gu, "");
  return Array.from(letters, (letter) => TO[FROM.indexOf(letter)] ?? letter).join("");
}

/** @param {Map<string, number>} positions @param {string} user @param {number} seq */
function raise(positions, user, seq) {
  positions.set(user, Math.max(seq, positions.get(user) ?? 0));
}
