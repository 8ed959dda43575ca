import { load } from "./api.js";
import { cleanBody, encodedBytes, MAX_BODY_BYTES } from "./protocol.js";

/** @import { ConversationOptions, Entry, Line, Message, MessageId, Person, Wish } from "./types.js" */

/** A conversation. Its requests throw `Rejection` or `Unanswered`. */
export class Conversation {
  /** @type {ConversationOptions} */
  #options;

  /** @param {string} id @param {ConversationOptions} options */
  constructor(id, options) {
    this.id = id;
    this.#options = options;
  }

  /** `undefined` unless the user is known to be a participant. */
  get info() {
    return this.#options.model.directory.get(this.id);
  }

  /** The title, or the names of the others if there is none. */
  get title() {
    const { info } = this;
    return info ? this.#options.model.directory.titleOf(info) : "";
  }

  /**
   * The name to show for a person, with the user id if it looks like that of another.
   * @param {string} user
   * @param {string} [name] of an entry; the newest by default
   */
  nameOf(user, name) {
    return this.#options.model.directory.labelOf(user, name, this.info?.people);
  }

  /** @returns {Line[]} */
  lines() {
    return this.#replica?.lines() ?? [];
  }

  /** @returns {Message[]} */
  get messages() {
    const { me } = this.#options.client;
    return this.lines()
      .filter((line) => line.kind === "outgoing" || line.entry.event === "message")
      .map((line) => messageOf(line, me));
  }

  /** @returns {"complete" | "more" | "loading" | "failed"} */
  get history() {
    const replica = this.#replica;
    return replica ? this.#options.history.state(replica) : "loading";
  }

  /** Loads a page of earlier messages, or all from `seq` on. @param {number} [seq] */
  async loadEarlier(seq) {
    const replica = this.#replica;
    if (replica) await this.#options.history.loadEarlier(replica, seq);
  }

  /** Finds messages by their `seq`, also those that are not in `messages`. */
  async quotes() {
    const { Quotes } = await load(import("./quotes.js"));
    return new Quotes(this.id, this.#options);
  }

  /**
   * As `Client.subscribe`, and follows this conversation.
   * @param {() => void} listener
   * @returns {() => void} unsubscribes
   */
  subscribe = (listener) => {
    const unsubscribe = this.#options.client.subscribe(listener);
    return this.#following(unsubscribe);
  };

  /**
   * As `Client.on`, for this conversation, which is followed.
   * @param {"message"} event
   * @param {(entry: Entry) => void} listener
   * @returns {() => void} unsubscribes
   */
  on(event, listener) {
    const unsubscribe = this.#options.client.on(event, (entry) => {
      if (entry.conversation === this.id) listener(entry);
    });
    return this.#following(unsubscribe);
  }

  /**
   * Sends a message, which is shown at once, survives a reload, and is stored once.
   * @param {string} text
   * @param {{replyTo?: number | null}} [options] the seq of the message to reply to
   * @returns {Promise<Entry>} the stored entry
   * @throws {Rejection}
   */
  send(text, { replyTo } = {}) {
    return this.#checked(text, (body) =>
      this.#options.write({ body, ...(replyTo && { replyTo }) }),
    );
  }

  /**
   * Replaces the text of one of the user's messages, as `send` sends one. A failed message is sent
   * anew.
   * @param {MessageId} message
   * @param {string} text
   */
  edit(message, text) {
    return this.#checked(text, (body) => this.#revise(message, { text: body }));
  }

  /**
   * Deletes the text of a message for ever, or discards a message that is not stored.
   * @param {MessageId} message
   */
  delete(message) {
    return this.#revise(message, { text: null });
  }

  /**
   * Adds a reaction of the user to a message, or takes it back. The latest wish wins.
   * @param {MessageId} message
   * @param {string} emoji
   * @param {boolean} on
   */
  react(message, emoji, on) {
    return this.#revise(message, { emoji, on });
  }

  /** The other people who are typing. @returns {Person[]} */
  get typing() {
    return this.#options.attention()?.typing.in(this.id) ?? [];
  }

  /** To be called with each input of the user in the field for a new message. */
  keystroke() {
    this.#options.attend(({ typing }) => typing.keystroke(this.id));
  }

  /** To be called when the field is empty again. */
  stopTyping() {
    this.#options.attend(({ typing }) => typing.stop(this.id));
  }

  /** The other participants who have read the log up to `seq`, and show it. @param {number} seq */
  readBy(seq) {
    const { people = [], readers } = this.info ?? {};
    const { user: me } = this.#options.client.me;
    return [...people].filter((user) => user !== me && Number(readers?.get(user)) >= seq);
  }

  /** Tells the client the newest message on screen. @param {number} seq */
  inView(seq) {
    this.#options.attend((attention) => attention.show(this.id, seq));
  }

  /** @param {string} id of the message */
  retry(id) {
    const { apply, newId } = this.#options;
    apply({ kind: "retried", conversation: this.id, id, newId: newId() });
  }

  /** @param {string} id of the message */
  discard(id) {
    this.#options.apply({ kind: "discarded", conversation: this.id, id });
  }

  /** @param {string} user */
  async addParticipant(user) {
    const { add } = await load(import("./membership.js"));
    await add(this.id, user, this.#options);
  }

  /** The owner may remove everyone; others may remove themselves. @param {string} user */
  async removeParticipant(user) {
    const { remove } = await load(import("./membership.js"));
    await remove(this.id, user, this.#options);
  }

  /**
   * Iterates over the entries after a position, or over new ones, once and in order, without end.
   * @param {{after?: number, signal?: AbortSignal}} [options]
   * @returns {AsyncGenerator<Entry, void, void>}
   */
  async *entries(options = {}) {
    const { iterate } = await load(import("./entries.js"));
    yield* iterate(this.id, this.#options, options);
  }

  [Symbol.asyncIterator]() {
    return this.entries();
  }

  /** @param {string} text @param {(body: string) => Promise<Entry>} write */
  #checked(text, write) {
    const body = cleanBody(text);
    const excess = encodedBytes(body) - MAX_BODY_BYTES;
    if (body !== "" && excess <= 0) return write(body);
    return load(import("./revisions.js")).then(({ reject }) => reject(excess));
  }

  /** @param {MessageId} message @param {Wish} wish */
  #revise(message, wish) {
    const loaded = load(import("./revisions.js"));
    const written = loaded.then(({ write }) => write(this, message, wish, this.#options));
    written.catch(() => {});
    return written;
  }

  get #replica() {
    return this.#options.model.findKnown(this.id);
  }

  /** @param {() => void} unsubscribe */
  #following(unsubscribe) {
    const unlisten = this.#options.listen(() => {});
    return () => {
      unsubscribe();
      unlisten();
    };
  }
}

/** @param {Line} line @param {Person} me @returns {Message} */
export function messageOf(line, me) {
  const { key } = line;
  if (line.kind === "outgoing") {
    const { id, body = "", replyTo = null, failure: problem, writtenAt: at } = line.outgoing;
    const state = problem ? "failed" : "pending";
    const { user: sender, name } = me;
    const text = { key, id, seq: null, sender, name, body, at, replyTo };
    return {
      ...text,
      editedAt: null,
      deletedBy: null,
      reactions: [],
      change: null,
      state,
      problem,
    };
  }
  const { entry, revision, reactions = [] } = line;
  const { id = "", seq, sender = "", name = sender, body = "", sentAt = "" } = entry;
  const at = Date.parse(sentAt) || 0;
  const { replyTo = null, edited, deleted } = entry;
  const editedAt = edited ? Date.parse(edited.at) || 0 : null;
  const deletedBy = deleted?.by ?? null;
  const { id: change = null, failure: problem = null } = revision ?? {};
  const state = problem ? "failed" : revision ? "pending" : "sent";
  const text = { key, id, seq, sender, name, body, at, replyTo, editedAt, deletedBy };
  return { ...text, reactions, change, state, problem };
}
