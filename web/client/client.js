/**
 * One person's chat in this window: puts connection, subscriptions, courier, history and list together, and is all
 * that a page talks to. It knows no DOM; what a view shows it asks for after `onChange`.
 */

import { Api, Refusal } from "./api.js";
import { httpCarrier, socketCarrier } from "./carriers.js";
import { Connection } from "./connection.js";
import { Conversation } from "./conversation.js";
import { Courier } from "./courier.js";
import { Directory } from "./directory.js";
import { History } from "./history.js";
import { Listing } from "./listing.js";
import { OutboxStorage } from "./outbox_storage.js";
import { Polling } from "./polling.js";
import { Action, MAX_POSITIONS, parseFrame, Retry } from "./protocol.js";
import { Requests } from "./requests.js";
import { Subscriptions } from "./subscriptions.js";

/** @import { Person, Outgoing } from "./conversation.js" */
/** @import { Carrier } from "./courier.js" */
/** @import { Entry, Sent } from "./protocol.js" */
/** @import { Surroundings } from "./surroundings.js" */

/**
 * @typedef {object} ClientOptions
 * @property {string} http URL of the HTTP API, without trailing slash
 * @property {Person} me
 * @property {Surroundings} surroundings
 * @property {import("./directory.js").ReadPositions} [readPositions] what this person has read; left out: forgotten with
 *   the page
 * @property {() => void} onChange something that is shown may have changed; many changes at once are told once
 * @property {() => void} onRefused the token is refused; everything rests, and nothing is lost, until `start`
 */

export class Client {
  /** Conversation on the screen. @type {string | null} */ openId = null;
  /** @type {Directory} */ directory;
  /** @type {History} */ history;

  /** @type {ClientOptions} */ #options;
  #token = "";
  #wasConnected = false;
  #changed = false;
  /** @type {Map<string, Conversation>} */ #conversations = new Map();
  /** @type {OutboxStorage} */ #outboxes;
  /** @type {Map<string, Outgoing[]>} */ #restored;
  /** @type {Api} */ #api;
  /** @type {Listing} */ #listing;
  /** @type {Connection} */ #connection;
  /** @type {Requests} */ #requests;
  /** @type {Subscriptions} */ #subscriptions;
  /** @type {Courier} */ #courier;
  /** @type {Polling} */ #polling;
  /** @type {Carrier} */ #bySocket;
  /** @type {Carrier} */ #byHttp;

  /** @param {ClientOptions} options */
  constructor(options) {
    const { clock, storage, fetch, dial, isVisible } = options.surroundings;
    this.#options = options;
    this.directory = new Directory(options.me, options.readPositions);
    this.#outboxes = new OutboxStorage(storage, options.me.user);
    this.#restored = this.#outboxes.load();
    this.#api = new Api({ base: options.http, token: () => this.#token, fetch, clock });
    this.#listing = new Listing({
      api: this.#api,
      directory: this.directory,
      clock,
      onRead: () => this.#listed(),
      onError: (error) => this.#noticeRefusal(error),
    });
    this.history = new History({
      api: this.#api,
      onEntries: (conversation, entries) => this.#take(conversation.id, entries),
      onEarlier: (_, entries) => this.directory.learnNames(entries),
      onChange: () => this.#change(),
      onError: (error, conversation) => this.#noticeRefusal(error, conversation.id),
    });
    this.#requests = new Requests((text) => this.#connection.send(text), clock);
    this.#subscriptions = new Subscriptions({
      requests: this.#requests,
      clock,
      onReady: (conversation) => this.#ready(conversation),
      onGone: (conversation) => this.#gone(conversation.id),
      onForeignPosition: (conversation) => this.history.restart(conversation),
      onRefused: () => this.#refused(),
    });
    this.#bySocket = socketCarrier(this.#requests);
    this.#byHttp = httpCarrier(this.#api, (sent) => this.#take(sent.conversation, [], sent));
    this.#courier = new Courier({
      clock,
      carrier: (conversation) => this.#carrier(conversation),
      onChange: (conversation) => this.#outboxChanged(conversation),
      onResync: (conversation) => this.#resync(conversation),
      onRefused: () => this.#refused(),
    });
    this.#polling = new Polling(() => this.#poll(), () => this.#served(), clock);
    this.#connection = new Connection({
      clock,
      dial,
      isVisible,
      isRefused: () => this.#api.isRefused(),
      ping: () => JSON.stringify({ action: Action.ping, positions: this.#subscriptions.positions() }),
      onOpen: () => this.#connected(),
      onFrame: (text) => this.#frame(text),
      onDown: () => this.#disconnected(),
      onRefused: () => this.#refused(),
    });
  }

  /** Comes alive with a token, the first one or the next. @param {string} token */
  start(token) {
    this.#token = token;
    this.#connection.start(token);
    this.#polling.start();
    this.#change();
  }

  /** Ends all that runs. The outboxes stay where a later start finds them. */
  stop() {
    this.#connection.stop();
    this.#disconnected();
    this.#polling.stop();
    this.#courier.stop();
  }

  get me() {
    return this.#options.me;
  }

  /** Whether the list has been read, and is not only not yet there. */
  get isListed() {
    return this.#listing.isRead;
  }

  /** @returns {"connected" | "connecting" | "offline"} */
  get connectionState() {
    if (this.#connection.isOpen) return "connected";
    return this.#options.surroundings.isOnline() ? "connecting" : "offline";
  }

  /** Whether there has been a connection before, so that a missing one is an interruption. */
  get wasConnected() {
    return this.#wasConnected;
  }

  /** Whether messages go over HTTP for want of a socket. */
  get usesFallback() {
    return this.#polling.works;
  }

  /** The network is back, or somebody looks at the page again. */
  wake() {
    if (this.openId !== null && this.#options.surroundings.isVisible()) this.directory.read(this.openId);
    this.#connection.wake();
    this.#change();
  }

  /** The network may be gone, or another one: see whether the connection still lives. */
  doubt() {
    this.#connection.doubt();
    this.#change();
  }

  /** The log of a listed conversation. @param {string} id */
  conversation(id) {
    let conversation = this.#conversations.get(id);
    if (!conversation) {
      const head = this.directory.get(id)?.head ?? 0;
      conversation = new Conversation(id, this.#options.me, head, this.#restored.get(id));
      this.#restored.delete(id);
      this.#conversations.set(id, conversation);
    }
    return conversation;
  }

  /** Brings a conversation to the screen; `null`: none. @param {string | null} id */
  open(id) {
    this.openId = id;
    if (id !== null && this.directory.get(id)) {
      const conversation = this.conversation(id);
      this.directory.read(id);
      this.#subscriptions.follow(conversation, { now: true });
      this.history.begin(conversation);
      void this.#listing.learnParticipants(id).then(() => this.#change());
    }
    this.#change();
  }

  /**
   * Starts a conversation and lists it.
   * @param {{id: string, title?: string, participants: string[]}} conversation with an id of the caller's, so that a
   *   repetition is the same conversation
   * @throws {Refusal | import("./api.js").Unanswered}
   */
  async create(conversation) {
    try {
      const created = await this.#api.create(conversation);
      this.directory.add(created, this.#options.surroundings.clock.now());
      this.#change();
      return created.id;
    } catch (error) {
      this.#noticeRefusal(error);
      throw error;
    }
  }

  /**
   * Lets somebody into a conversation.
   * @param {string} id
   * @param {string} user
   * @throws {Refusal | import("./api.js").Unanswered}
   */
  async addParticipant(id, user) {
    await this.#changeParticipant(id, () => this.#api.addParticipant(id, user));
    this.directory.get(id)?.people.add(user);
    this.#change();
  }

  /**
   * Lets somebody, or oneself, out of a conversation.
   * @param {string} id
   * @param {string} user
   * @throws {Refusal | import("./api.js").Unanswered}
   */
  async removeParticipant(id, user) {
    await this.#changeParticipant(id, () => this.#api.removeParticipant(id, user));
    if (user === this.me.user) return this.#gone(id);
    this.directory.get(id)?.people.delete(user);
    this.#change();
  }

  /** Writes a message: shown at once, sent as soon as it can be. @param {string} id @param {string} body */
  send(id, body) {
    const conversation = this.conversation(id);
    const { newId, clock } = this.#options.surroundings;
    conversation.write(newId(), body, clock.now());
    this.#outboxChanged(conversation);
    this.#courier.flush(conversation);
  }

  /** Sends a failed message once more. @param {string} id @param {string} messageId */
  retry(id, messageId) {
    const conversation = this.conversation(id);
    conversation.revive(messageId, this.#options.surroundings.newId());
    this.#outboxChanged(conversation);
    this.#courier.flush(conversation);
  }

  /** Gives a failed message up. @param {string} id @param {string} messageId */
  discard(id, messageId) {
    const conversation = this.conversation(id);
    conversation.discard(messageId);
    this.#outboxChanged(conversation);
  }

  /** @param {string} id @param {() => Promise<void>} change */
  async #changeParticipant(id, change) {
    try {
      await change();
    } catch (error) {
      this.#noticeRefusal(error, id);
      throw error;
    }
  }

  #connected() {
    this.#wasConnected = true;
    this.#polling.stop();
    this.#requests.disconnected();
    this.#subscriptions.connected(this.openId);
    void this.#listing.refresh();
    this.#change();
  }

  #disconnected() {
    this.#listing.stop();
    this.#requests.disconnected();
    this.#subscriptions.disconnected();
    this.#polling.start();
    this.#change();
  }

  #refused() {
    // Several requests may learn it at the same time; one of them is enough.
    if (this.#token === "") return;
    this.#token = "";
    this.stop();
    this.#change();
    this.#options.onRefused();
  }

  /** @param {unknown} error @param {string} [id] the conversation that was asked for */
  #noticeRefusal(error, id) {
    if (!(error instanceof Refusal)) return;
    if (error.problem.retry === Retry.reauthenticate) this.#refused();
    else if (id !== undefined && error.problem.code === "not_found") this.#gone(id);
  }

  /** @param {unknown} text */
  #frame(text) {
    const frame = parseFrame(text);
    if (frame === null) return;
    switch (frame.event) {
      case "entry":
        return this.#take(frame.entry.conversation, [frame.entry]);
      case "added":
        return this.#added(frame);
      case "removed":
        return this.#gone(frame.conversation);
      case "subscribed":
        this.#take(frame.conversation, frame.page.events);
        break;
      case "sent":
        this.#take(frame.sent.conversation, [], frame.sent);
        break;
      case "pong":
        for (const [id, head] of frame.heads) {
          if (head > (this.#conversations.get(id)?.position ?? head)) this.#subscriptions.catchUp(id);
        }
        break;
      case "error":
        if (frame.problem.retry === Retry.reauthenticate) return this.#refused();
    }
    this.#requests.answered(frame);
  }

  /**
   * Everything that is learnt of a log goes through here, from whichever transport.
   * @param {string} id
   * @param {Entry[]} entries
   * @param {Sent} [sent]
   */
  #take(id, entries, sent) {
    const conversation = this.#conversations.get(id);
    if (!conversation) return;
    const unsent = conversation.outbox.length;
    const seen = entries.flatMap((entry) => (entry.conversation === id ? conversation.receive(entry) : []));
    if (sent) seen.push(...conversation.acknowledge(sent));
    const watched = id === this.openId && this.#options.surroundings.isVisible();
    for (const entry of seen) this.directory.see(entry, watched);
    if (conversation.hasGap) this.#subscriptions.noticeGap(id);
    if (conversation.outbox.length !== unsent) {
      this.#outboxChanged(conversation);
      this.#courier.flush(conversation);
    }
    this.#change();
  }

  /** @param {{conversation: string, title: string, head: number, by: string}} added */
  #added({ conversation: id, title, head, by }) {
    this.directory.add({ id, title, head }, this.#options.surroundings.clock.now()).people.add(by);
    this.#subscriptions.follow(this.conversation(id), { now: true });
    this.#change();
  }

  /** @param {string} id */
  #gone(id) {
    this.#subscriptions.unfollow(id);
    this.#conversations.delete(id);
    this.#outboxes.save(id, []);
    this.directory.remove(id);
    this.#change();
  }

  /** @param {Conversation} conversation */
  #ready(conversation) {
    this.#courier.reconnected(conversation);
    if (conversation.id === this.openId) this.history.begin(conversation);
  }

  /** @param {Conversation} conversation */
  #resync(conversation) {
    if (this.#connection.isOpen) this.#subscriptions.catchUp(conversation.id);
    else void this.history.catchUp(conversation).catch((error) => this.#noticeRefusal(error, conversation.id));
  }

  /** The list is known: follows what is at its top and what has something unsent. */
  #listed() {
    const listed = this.directory.all();
    const unsent = listed.filter(({ id }) => this.#hasUnsent(id));
    // The last one followed is asked for first, and should be the one on the screen or the most recent.
    const wanted = [...new Set([...unsent, ...listed])].slice(0, MAX_POSITIONS).reverse();
    for (const { id } of wanted) this.#subscriptions.follow(this.conversation(id), { now: false });
    if (this.openId !== null && this.directory.get(this.openId) && !this.conversation(this.openId).historyStarted) {
      this.open(this.openId);
    }
    this.#change();
  }

  /** @param {string} id */
  #hasUnsent(id) {
    return (this.#conversations.get(id)?.outbox ?? this.#restored.get(id) ?? []).length > 0;
  }

  /** A round without a socket: what is new in the list, on the screen and where something is unsent. */
  async #poll() {
    const { isVisible } = this.#options.surroundings;
    const unsent = [...this.#conversations.values()].filter(({ outbox }) => outbox.length > 0);
    if (!isVisible() && unsent.length === 0) return this.#polling.works;
    try {
      await this.#listing.read(1);
      const open = this.openId !== null && this.directory.get(this.openId) ? [this.conversation(this.openId)] : [];
      for (const conversation of new Set([...open, ...unsent])) await this.history.catchUp(conversation);
      return true;
    } catch (error) {
      this.#noticeRefusal(error);
      return error instanceof Refusal;
    }
  }

  /** HTTP answers while the socket is away. */
  #served() {
    for (const conversation of this.#conversations.values()) this.#courier.flush(conversation);
    const open = this.openId === null ? undefined : this.#conversations.get(this.openId);
    if (open) this.history.begin(open);
    this.#change();
  }

  /** @param {Conversation} conversation @returns {Carrier | null} */
  #carrier(conversation) {
    if (this.#connection.isOpen) {
      return this.#subscriptions.isReady(conversation.id) ? this.#bySocket : null;
    }
    return this.#polling.works ? this.#byHttp : null;
  }

  /** @param {Conversation} conversation */
  #outboxChanged(conversation) {
    this.#outboxes.save(conversation.id, conversation.outbox);
    this.#change();
  }

  #change() {
    if (this.#changed) return;
    this.#changed = true;
    queueMicrotask(() => {
      this.#changed = false;
      this.#options.onChange();
    });
  }
}
