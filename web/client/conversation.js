/** One conversation as a page sees it: what was said, what is on its way, and all that can be done in it. */

import { Code, Refusal } from "./errors.js";
import { cleanBody, encodedBytes, MAX_BODY_BYTES, Retry } from "./protocol.js";

/** @import { Api } from "./api.js" */
/** @import { Client } from "./client.js" */
/** @import { Fact } from "./facts.js" */
/** @import { History } from "./history.js" */
/** @import { Entry, Problem } from "./wire.js" */
/** @import { Line, Person, Replica } from "./replica.js" */

/**
 * A message as a page shows it.
 * @typedef {object} Message
 * @property {string} key stays the same while it goes from `pending` to `sent`
 * @property {string} id the sender's own
 * @property {number | null} seq `null` as long as it is not stored
 * @property {string} sender user id
 * @property {string} name
 * @property {string} body
 * @property {number} at milliseconds since 1970
 * @property {"pending" | "sent" | "failed"} state
 * @property {Problem | null} problem why it failed
 */

/**
 * What a conversation needs of its client.
 * @typedef {object} ConversationOptions
 * @property {Client} client
 * @property {Api} api
 * @property {History} history
 * @property {() => Replica | undefined} replica `undefined` as long as it is not known whether there is such a conversation
 * @property {(onEntries: (entries: Entry[]) => void) => () => void} listen has it followed until the result is called
 * @property {(fact: Fact) => void} act
 * @property {(body: string) => Promise<Entry>} write
 * @property {() => string} freshId
 * @property {<T>(question: () => Promise<T>) => Promise<T>} ask asks by HTTP, and learns from a refusal
 */

export class Conversation {
  /** @type {ConversationOptions} */ #options;

  /** @param {string} id @param {ConversationOptions} options */
  constructor(id, options) {
    this.id = id;
    this.#options = options;
  }

  /** Title, people, unread and so on; `undefined` if this person is in no such conversation, or it is not known yet. */
  get listed() {
    return this.#options.client.directory.get(this.id);
  }

  /** Its title, else the others in it. */
  get title() {
    const { listed } = this;
    return listed ? this.#options.client.directory.titleOf(listed) : "";
  }

  /** All that is to be shown, in order: entries of the log, and messages on their way. @returns {Line[]} */
  lines() {
    return this.#options.replica()?.lines() ?? [];
  }

  /** The messages among the lines. @returns {Message[]} */
  get messages() {
    const { me } = this.#options.client;
    return this.lines().flatMap((line) => (line.kind === "entry" && line.entry.event !== "message" ? [] : [messageOf(line, me)]));
  }

  /** What to offer above the first line. @returns {"complete" | "more" | "loading" | "failed"} */
  get history() {
    const replica = this.#options.replica();
    return replica ? this.#options.history.state(replica) : "loading";
  }

  /** Loads a page of what was before. Never rejects: `history` says how it went. */
  async loadEarlier() {
    const replica = this.#options.replica();
    if (replica) await this.#options.history.loadEarlier(replica);
  }

  /**
   * Has the conversation followed, and tells of changes.
   * @param {() => void} listener as of `Client.subscribe`
   * @returns {() => void} ends it
   */
  subscribe = (listener) => {
    const ends = [this.#options.client.subscribe(listener), this.#options.listen(() => {})];
    return () => ends.forEach((end) => end());
  };

  /**
   * Writes a message: shown at once, kept over a reload, sent as soon as it can be, stored once.
   * @param {string} text
   * @returns {Promise<Entry>} the entry of the log, once it is stored. It need not be waited for: a message that failed is
   *   among the lines
   * @throws {Refusal} `invalid` or `too_large`: nothing was written
   */
  send(text) {
    const body = cleanBody(text);
    if (body === "") return refused(Code.invalid, "There is nothing to send.");
    const tooMany = encodedBytes(body) - MAX_BODY_BYTES;
    if (tooMany > 0) return refused(Code.tooLarge, `Too long by ${tooMany} bytes. Send it in several messages.`);
    return this.#options.write(body);
  }

  /** Sends a failed message once more. @param {string} messageId */
  retry(messageId) {
    this.#options.act({ kind: "revived", conversation: this.id, id: messageId, freshId: this.#options.freshId() });
  }

  /** Gives a failed message up. @param {string} messageId */
  discard(messageId) {
    this.#options.act({ kind: "discarded", conversation: this.id, id: messageId });
  }

  /**
   * Lets somebody in; who is in already stays.
   * @param {string} user
   * @throws {Refusal | import("./errors.js").Unanswered}
   */
  async addParticipant(user) {
    await this.#options.ask(() => this.#options.api.addParticipant(this.id, user));
    this.#options.act({ kind: "participant", conversation: this.id, user, present: true });
  }

  /**
   * Lets somebody go; the owner may, and everybody themselves.
   * @param {string} user
   * @throws {Refusal | import("./errors.js").Unanswered}
   */
  async removeParticipant(user) {
    await this.#options.ask(() => this.#options.api.removeParticipant(this.id, user));
    const isMe = user === this.#options.client.me.user;
    this.#options.act(isMe ? { kind: "gone", conversation: this.id } : { kind: "participant", conversation: this.id, user, present: false });
  }

  /**
   * Every entry of the log past a position, in order, each once, without end: first what is stored, then as it comes.
   * Leaving the loop ends it, or `signal` does.
   * @param {{after?: number, signal?: AbortSignal}} [options] without `after`: from where this tab is
   * @returns {AsyncGenerator<Entry, void, void>}
   * @throws {Refusal | import("./errors.js").Unanswered} if what is missing cannot be read
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
            // What is between is in the log: a page of it was limited, or this tab began further on.
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

  /** As `entries()`. */
  [Symbol.asyncIterator]() {
    return this.entries();
  }
}

/** @param {Line} line of a message @param {Person} me @returns {Message} */
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
