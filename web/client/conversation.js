/** One conversation as a page sees it, and all that can be done in it. */

import { cleanBody, Code, encodedBytes, MAX_BODY_BYTES, Refusal, Retry } from "./protocol.js";

/** @import { Fact, Line, Message, Person } from "./facts.js" */
/** @import { ConversationOptions } from "./parts.js" */
/** @import { Entry } from "./wire.js" */

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

  /** All that is to be shown, in order. @returns {Line[]} */
  lines() {
    return this.#options.replica()?.lines() ?? [];
  }

  /** @returns {Message[]} */
  get messages() {
    const { me } = this.#options.client;
    return this.lines().flatMap((line) => (line.kind === "entry" && line.entry.event !== "message" ? [] : [messageOf(line, me)]));
  }

  /** What to offer above the first line. @returns {"complete" | "more" | "loading" | "failed"} */
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
    if (tooMany > 0) return refused(Code.tooLarge, `Too long by ${tooMany} bytes. Send it in several messages.`);
    return this.#options.write(body);
  }

  /** @param {string} messageId */
  retry(messageId) {
    this.#options.act({ kind: "revived", conversation: this.id, id: messageId, freshId: this.#options.freshId() });
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
    this.#options.act(isMe ? { kind: "gone", conversation: this.id } : { kind: "participant", conversation: this.id, user, present: false });
  }

  /**
   * Every entry past a position, in order, each once, without end. Without `after`: from where this tab is.
   * @param {{after?: number, signal?: AbortSignal}} [options] @throws {Refusal | import("./protocol.js").Unanswered}
   * @returns {AsyncGenerator<Entry, void, void>}
   */
  async *entries({ after, signal } = {}) {
    const { api, ask, listen, replica } = this.#options;
    /** @type {Entry[]} */
    const arrived = [];
    let wake = () => {};
    const end = listen((entries) => {
      arrived.push(...entries);
      wake();
    });
    signal?.addEventListener("abort", () => wake());
    try {
      let position = after ?? replica()?.position ?? (await ask(() => api.conversation(this.id))).head;
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
        if (isComplete && arrived.length === 0 && !signal?.aborted) await new Promise((resolve) => (wake = () => resolve(null)));
      }
    } finally {
      end();
    }
  }

  [Symbol.asyncIterator]() {
    return this.entries();
  }
}

/** The promises given for messages on their way. */
export class Sending {
  #me;
  /** @type {Map<string, {conversation: string, resolve: (entry: Entry) => void, reject: (error: Error) => void}>} */ #waiting = new Map();

  /** @param {string} me user id */
  constructor(me) {
    this.#me = me;
  }

  /** @param {string} conversation @param {string} id @returns {Promise<Entry>} */
  expect(conversation, id) {
    /** @type {Promise<Entry>} */
    const sent = new Promise((resolve, reject) => this.#waiting.set(id, { conversation, resolve, reject }));
    // It need not be waited for.
    sent.catch(() => {});
    return sent;
  }

  /** @param {Fact} fact */
  heard(fact) {
    if (fact.kind === "entries") for (const entry of fact.entries) if (entry.sender === this.#me) this.#settled(entry.id)?.resolve(entry);
    if (fact.kind === "failed") this.#settled(fact.id)?.reject(new Refusal(fact.problem));
    if (fact.kind === "gone") {
      const problem = { code: Code.notFound, message: "There is no such conversation, for this person.", retry: Retry.never };
      this.abandon(new Refusal(problem), fact.conversation);
    }
  }

  /** @param {Error} error @param {string} [only] of this conversation */
  abandon(error, only) {
    for (const [id, { conversation }] of [...this.#waiting]) if (only === undefined || conversation === only) this.#settled(id)?.reject(error);
  }

  /** @param {string | undefined} id */
  #settled(id = "") {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }
}

/** @param {Line} line @param {Person} me @returns {Message} */
function messageOf(line, me) {
  if (line.kind === "outgoing") {
    const { id, body, failure, writtenAt } = line.outgoing;
    const state = failure ? "failed" : "pending";
    return { key: line.key, id, seq: null, sender: me.user, name: me.name, body, at: writtenAt, state, problem: failure };
  }
  const { id = "", seq, sender = "", name = sender, body = "", sentAt = "" } = line.entry;
  return { key: line.key, id, seq, sender, name, body, at: Date.parse(sentAt) || 0, state: "sent", problem: null };
}

/** @param {string} code @param {string} message @returns {Promise<Entry>} */
function refused(code, message) {
  return Promise.reject(new Refusal({ code, message, field: "body", retry: Retry.never }));
}
