/** The conversations of one person as a page sees them: each by itself, what is on its way, and the list of them. */

import {
  cleanBody,
  Code,
  encodedBytes,
  isPosition,
  isText,
  MAX_BODY_BYTES,
  parseAll,
  Refusal,
  Retry,
} from "./protocol.js";

/** @import { Fact, Line, Listed, Message, Person, Snapshot } from "./facts.js" */
/** @import { ConversationOptions } from "./parts.js" */
/** @import { Details, Entry, Summary } from "./wire.js" */

/** What was said in one of them, and all that can be done in it. */
export class Conversation {
  /** @type {ConversationOptions} */ #options;

  /** @param {string} id @param {ConversationOptions} options */
  constructor(id, options) {
    this.id = id;
    this.#options = options;
  }

  /** People, unread and so on; `undefined` if this person is not in it, or it is not known yet. */
  get listed() {
    return this.#options.client.directory.get(this.id);
  }

  /** Its title, else the others in it. */
  get title() {
    const { listed } = this;
    return listed ? this.#options.client.directory.titleOf(listed) : "";
  }

  /** @returns {Line[]} */
  lines() {
    return this.#options.replica()?.lines() ?? [];
  }

  /** @returns {Message[]} */
  get messages() {
    const { me } = this.#options.client;
    return this.lines().flatMap((line) =>
      line.kind === "entry" && line.entry.event !== "message" ? [] : [messageOf(line, me)],
    );
  }

  /** @returns {"complete" | "more" | "loading" | "failed"} */
  get history() {
    const replica = this.#options.replica();
    return replica ? this.#options.history.state(replica) : "loading";
  }

  /** Loads a page of what was before; `history` says how it went. */
  async loadEarlier() {
    const replica = this.#options.replica();
    if (replica) await this.#options.history.loadEarlier(replica);
  }

  /** As `Client.subscribe`, and has it followed. @param {() => void} listener @returns {() => void} ends it */
  subscribe = (listener) => {
    const ends = [this.#options.client.subscribe(listener), this.#options.listen(() => {})];
    return () => ends.forEach((end) => end());
  };

  /**
   * Shown at once, kept over a reload, stored once. It need not be waited for: what failed is among the messages.
   * @param {string} text @returns {Promise<Entry>} once it is stored @throws {Refusal}
   */
  send(text) {
    const body = cleanBody(text);
    if (body === "") return refused(Code.invalid, "There is nothing to send.");
    const tooMany = encodedBytes(body) - MAX_BODY_BYTES;
    if (tooMany > 0)
      return refused(Code.tooLarge, `Too long by ${tooMany} bytes. Send it in several messages.`);
    return this.#options.write(body);
  }

  /** @param {string} messageId */
  retry(messageId) {
    this.#options.act({
      kind: "revived",
      conversation: this.id,
      id: messageId,
      freshId: this.#options.freshId(),
    });
  }

  /** @param {string} messageId */
  discard(messageId) {
    this.#options.act({ kind: "discarded", conversation: this.id, id: messageId });
  }

  /** @param {string} user @throws {Refusal | import("./protocol.js").Unanswered} */
  async addParticipant(user) {
    await this.#options.ask(() => this.#options.api.addParticipant(this.id, user));
    this.#options.act({ kind: "participant", conversation: this.id, user, present: true });
  }

  /** The owner may, and everybody themselves. @param {string} user @throws {Refusal | import("./protocol.js").Unanswered} */
  async removeParticipant(user) {
    await this.#options.ask(() => this.#options.api.removeParticipant(this.id, user));
    const isMe = user === this.#options.client.me.user;
    this.#options.act(
      isMe
        ? { kind: "gone", conversation: this.id }
        : { kind: "participant", conversation: this.id, user, present: false },
    );
  }

  /**
   * Every entry past a position, in order, each once, without end. Without `after`: from where this tab is.
   * @param {{after?: number, signal?: AbortSignal}} [options] @throws {Refusal | import("./protocol.js").Unanswered}
   * @returns {AsyncGenerator<Entry, void, void>}
   */
  async *entries({ after, signal } = {}) {
    const { api, ask, client, listen, replica } = this.#options;
    /** @type {Entry[]} */
    const arrived = [];
    let wake = () => {};
    const ends = [
      client.subscribe(() => wake()),
      listen((entries) => void arrived.push(...entries)),
    ];
    signal?.addEventListener("abort", () => wake());
    try {
      let position =
        after ?? replica()?.position ?? (await ask(() => api.conversation(this.id))).head;
      let isComplete = after === undefined;
      while (!signal?.aborted) {
        if (!isComplete) {
          const page = await ask(() => api.events(this.id, position));
          isComplete = !page.limited;
          arrived.unshift(...page.events);
        }
        for (let entry; (entry = arrived.shift()); ) {
          if (entry.seq <= position) continue;
          if (entry.seq > position + 1) {
            // What is between is in the log.
            arrived.unshift(entry);
            isComplete = false;
            break;
          }
          position = entry.seq;
          yield entry;
        }
        if (!isComplete || arrived.length > 0 || signal?.aborted) continue;
        // A tab passes over what was said while this person was out, and then nobody hears of it.
        isComplete = (replica()?.position ?? 0) <= position;
        if (isComplete) await new Promise((resolve) => (wake = () => resolve(null)));
      }
    } finally {
      ends.forEach((end) => end());
    }
  }

  [Symbol.asyncIterator]() {
    return this.entries();
  }
}

export class Sending {
  #me;
  /** @type {Map<string, {conversation: string, resolve: (entry: Entry) => void, reject: (error: Error) => void}>} */ #waiting =
    new Map();

  /** @param {string} me user id */
  constructor(me) {
    this.#me = me;
  }

  /** @param {string} conversation @param {string} id @returns {Promise<Entry>} */
  expect(conversation, id) {
    /** @type {Promise<Entry>} */
    const sent = new Promise((resolve, reject) =>
      this.#waiting.set(id, { conversation, resolve, reject }),
    );
    // Nobody has to wait.
    sent.catch(() => {});
    return sent;
  }

  /** @param {Fact} fact */
  heard(fact) {
    if (fact.kind === "entries")
      for (const entry of fact.entries)
        if (entry.sender === this.#me) this.#settled(entry.id)?.resolve(entry);
    if (fact.kind === "failed") this.#settled(fact.id)?.reject(new Refusal(fact.problem));
    if (fact.kind === "gone") {
      const problem = {
        code: Code.notFound,
        message: "You are not in this conversation. What was on its way may be in it.",
        retry: Retry.never,
      };
      this.abandon(new Refusal(problem), fact.conversation);
    }
  }

  /** @param {Error} error @param {string} [only] of this conversation */
  abandon(error, only) {
    for (const [id, { conversation }] of [...this.#waiting])
      if (only === undefined || conversation === only) this.#settled(id)?.reject(error);
  }

  /** @param {string | undefined} id */
  #settled(id = "") {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }
}

/** The conversations that this person is in, as a list shows them. Pure; the logs themselves are `Replica`s. */
export class Directory {
  /** @type {Map<string, Listed & {skipped: number}>} */ #listed = new Map();
  /** @type {Map<string, string>} */ #names = new Map();
  /** How far it was read, whether it is listed yet or not. @type {Map<string, number>} */ #read =
    new Map();
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
    return [...this.#listed.values()].sort(
      (one, other) => other.activeAt - one.activeAt || one.id.localeCompare(other.id),
    );
  }

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
    this.#readTo(
      listed,
      isNew && this.#isNewHere ? listed.head : isMine ? lastMessage.seq : listed.read,
    );
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

  /** @param {unknown[]} rows */
  restoreRead(rows) {
    for (const { conversation, seq } of parseAll(rows, (row) => row))
      if (isText(conversation) && isPosition(seq)) this.readElsewhere(conversation, seq);
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
    for (const { event, sender, user, name } of entries)
      this.#learn(event === "message" ? sender : user, name);
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
    if (others.length === 1) return others.join();
    const unnamed = others.length > 4 ? others.length - 3 : 0;
    const names = others
      .slice(0, others.length - unnamed)
      .map(isolated)
      .join(", ");
    return unnamed > 0 ? `${names} and ${unnamed} more` : names;
  }

  /** @param {string} id @param {number} since */
  #entry(id, since) {
    const existing = this.#listed.get(id);
    if (existing) return existing;
    const listed = {
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

/**
 * Somebody's text among other words: letters in it that run from right to left turn nothing around but themselves.
 * @param {string} text
 */
export function isolated(text) {
  return `\u2068${text}\u2069`;
}

/** @param {Line} line @param {Person} me @returns {Message} */
function messageOf(line, me) {
  if (line.kind === "outgoing") {
    const { id, body, failure, writtenAt } = line.outgoing;
    const state = failure ? "failed" : "pending";
    return {
      key: line.key,
      id,
      seq: null,
      sender: me.user,
      name: me.name,
      body,
      at: writtenAt,
      state,
      problem: failure,
    };
  }
  const { id = "", seq, sender = "", name = sender, body = "", sentAt = "" } = line.entry;
  return {
    key: line.key,
    id,
    seq,
    sender,
    name,
    body,
    at: Date.parse(sentAt) || 0,
    state: "sent",
    problem: null,
  };
}

/** @param {string} code @param {string} message @returns {Promise<Entry>} */
function refused(code, message) {
  return Promise.reject(new Refusal({ code, message, field: "body", retry: Retry.never }));
}
