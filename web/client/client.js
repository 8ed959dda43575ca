/**
 * One person's chat in this tab, and all that a page talks to. It acts by facts: it takes each itself, tells the other
 * tabs, and keeps what is unsent. What is to be done once for all tabs does the leader, in one of them.
 */

import { Api } from "./api.js";
import { Conversation } from "./conversation.js";
import { Credentials } from "./credentials.js";
import { Code, Refusal, SignedOut } from "./errors.js";
import { History } from "./history.js";
import { Interest } from "./interest.js";
import { Leader } from "./leader.js";
import { Model } from "./model.js";
import { Retry } from "./protocol.js";
import { Sending } from "./sending.js";
import { StateName } from "./state.js";
import { Together } from "./together.js";

/** @import { TokenProvider } from "./credentials.js" */
/** @import { Listed } from "./directory.js" */
/** @import { Fact } from "./facts.js" */
/** @import { Person } from "./replica.js" */
/** @import { State } from "./state.js" */
/** @import { Surroundings } from "./surroundings.js" */

/**
 * @typedef {object} ClientOptions
 * @property {string} http URL of the HTTP API, without trailing slash
 * @property {Person} me
 * @property {string} token the first one
 * @property {TokenProvider} provider of the further ones
 * @property {Surroundings} surroundings
 */

export class Client {
  /** @type {ClientOptions} */ #options;
  /** @type {"stopped" | "starting" | "running" | "signed-out"} */ #phase = "stopped";
  /** Why nobody is logged in any more. @type {import("./state.js").Reason | null} */ #reason = null;
  /** @type {State} */ #state = { name: StateName.stopped, reason: null, retryAt: null };
  /** Counts starts and stops, so that what was begun before one of them changes nothing after it. */ #generation = 0;
  #version = 0;
  #isChanging = false;
  /** @type {Set<() => void>} */ #listeners = new Set();
  /** @type {Map<string, Conversation>} */ #conversations = new Map();
  /** @type {Leader | null} */ #leader = null;
  /** @type {Sending} */ #sending;
  /** @type {() => void} */ #unwatch = () => {};
  /** @type {Model} */ #model;
  /** @type {Credentials} */ #credentials;
  /** @type {Api} */ #api;
  /** @type {History} */ #history;
  /** @type {Interest} */ #interest;
  /** @type {Together} */ #together;

  /** @param {ClientOptions} options */
  constructor(options) {
    const { http, me, provider, surroundings, token } = options;
    const { clock, fetch, readPositions } = surroundings;
    this.#options = options;
    this.#sending = new Sending(me.user);
    this.#model = new Model({ me, readPositions, now: clock.now, isWatched: (id) => id === this.openId && surroundings.isVisible() });
    this.#credentials = new Credentials({ provider, token, user: me.user, clock, onRenewed: () => this.#leader?.renewed() });
    this.#api = new Api({ base: http, credentials: this.#credentials, fetch, clock });
    this.#history = new History({
      api: this.#api,
      // The others read for themselves what they miss; only a leader reads for all.
      onEntries: ({ id }, entries) => this.#take({ kind: "entries", conversation: id, entries }, this.#leader !== null),
      onEarlier: (_, entries) => this.#model.directory.learnNames(entries),
      onChange: () => this.#change(),
      onError: (error, { id }) => this.#noticeRefusal(error, id),
    });
    this.#interest = new Interest({
      model: this.#model,
      api: this.#api,
      history: this.#history,
      isRunning: () => this.#phase === "running",
      follow: (id) => (this.#leader ? this.#leader.follow(id) : this.#together.follow(id, this.#model.replica(id).position)),
      onDetails: (details) => this.#take({ kind: "details", details }, true),
      onRefusal: (error, id) => this.#noticeRefusal(error, id),
      onChange: () => this.#together.present(),
    });
    this.#together = new Together({
      surroundings,
      name: `confab ${http} ${me.user}`,
      model: this.#model,
      wanted: () => this.#interest.wanted,
      onLead: () => void this.#lead(),
      onLost: () => this.#follows(),
      onFact: (fact) => this.#hear(fact),
      onFollow: (id) => this.#leader?.follow(id),
      onWake: () => this.#leader?.wake(),
      onBehind: (id) => this.#catchUp(id),
      onChange: () => this.#change(),
    });
  }

  /** Whose chat this is. */
  get me() {
    return this.#options.me;
  }

  /** How it is: one of `StateName`, and why. The same object until it changes. */
  get state() {
    return this.#state;
  }

  /** Grows with every change of anything that can be seen here: what a framework compares. */
  get version() {
    return this.#version;
  }

  /** The conversation on the screen. */
  get openId() {
    return this.#interest.open;
  }

  /** Whether the list has been read, and is not only not yet there. */
  get isListed() {
    return this.#model.isListed;
  }

  /** What is listed, who is called what, what is unread. */
  get directory() {
    return this.#model.directory;
  }

  /** The conversations of this person, the most recently active first. @returns {Listed[]} */
  get conversations() {
    return this.#model.directory.all();
  }

  /**
   * Tells of changes of anything here; many at once are told once.
   * @param {() => void} listener
   * @returns {() => void} ends it
   */
  subscribe = (listener) => {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };

  /** Comes alive, for the first time or after `stop` or `signed-out`. */
  async start() {
    if (this.#phase === "starting" || this.#phase === "running") return;
    const { outboxes, watch } = this.#options.surroundings;
    const generation = (this.#generation += 1);
    const wasSignedOut = this.#phase === "signed-out";
    this.#phase = "starting";
    this.#change();
    const [hasToken, rows] = await Promise.all([wasSignedOut ? this.#credentials.again() : true, outboxes.load()]);
    if (generation !== this.#generation) return;
    if (!hasToken) return this.#signOut();
    this.#restore(rows);
    this.#phase = "running";
    this.#unwatch = watch((what) => this.#happened(what));
    this.#credentials.start();
    this.#together.join();
    this.#interest.renew();
    this.#change();
  }

  /** Ends all that runs. What is unsent stays where a later start finds it. */
  stop() {
    this.#end("stopped");
    this.#sending.abandon(new SignedOut("The client was stopped"));
  }

  /** One of the conversations: to listen to, to write in. @param {string} id */
  conversation(id) {
    let conversation = this.#conversations.get(id);
    if (!conversation) {
      conversation = new Conversation(id, {
        client: this,
        api: this.#api,
        history: this.#history,
        replica: () => (this.#model.directory.get(id) ? this.#model.replica(id) : this.#model.find(id)),
        listen: (onEntries) => this.#interest.listen(id, onEntries),
        act: (fact) => this.#take(fact, true),
        write: (body) => this.#write(id, body),
        freshId: () => this.#options.surroundings.newId(),
        ask: (question) => this.#ask(id, question),
      });
      this.#conversations.set(id, conversation);
    }
    return conversation;
  }

  /** Brings a conversation to the screen; `null`: none. What is on the screen and visible is read. @param {string | null} id */
  open(id) {
    if (id !== null) this.#model.directory.read(id);
    this.#interest.open = id;
    this.#change();
  }

  /**
   * Starts a conversation and lists it.
   * @param {{id?: string, title?: string, participants: string[]}} conversation with an id of the caller's, a repetition
   *   is the same conversation
   * @returns {Promise<string>} its id
   * @throws {Refusal | import("./errors.js").Unanswered}
   */
  async create(conversation) {
    const id = conversation.id ?? this.#options.surroundings.newId();
    const details = await this.#ask(null, () => this.#api.create({ ...conversation, id }));
    this.#take({ kind: "details", details }, true);
    return details.id;
  }

  async #lead() {
    const generation = this.#generation;
    const rows = await this.#options.surroundings.outboxes.load();
    if (generation !== this.#generation) return;
    this.#restore(rows);
    const leader = new Leader({
      model: this.#model,
      api: this.#api,
      history: this.#history,
      credentials: this.#credentials,
      surroundings: this.#options.surroundings,
      isVisible: () => this.#together.isAnyVisible(),
      wanted: () => [...new Set([...this.#interest.wanted, ...this.#together.wantedElsewhere()])],
      // One that has been stopped has nothing to tell: another may lead already.
      tell: (fact) => this.#leader === leader && this.#take(fact, true),
      onRefused: () => this.#signOut(),
    });
    this.#leader = leader;
    leader.start();
    this.#together.lead();
  }

  /** Leads no more. */
  #follows() {
    this.#generation += 1;
    const leader = this.#leader;
    this.#leader = null;
    leader?.stop();
  }

  #signOut() {
    this.#reason = "expired";
    this.#end("signed-out");
  }

  /** @param {"stopped" | "signed-out"} phase */
  #end(phase) {
    this.#phase = phase;
    this.#follows();
    this.#together.leave();
    this.#credentials.stop();
    this.#unwatch();
    this.#change();
  }

  /** @param {import("./outbox_storage.js").Row[]} rows */
  #restore(rows) {
    const stored = this.#model.restore(rows);
    for (const { conversation, outgoing } of stored) this.#options.surroundings.outboxes.remove(conversation, outgoing.id);
  }

  /** @param {"visible" | "hidden" | "online" | "offline" | "read elsewhere"} what */
  #happened(what) {
    if (what === "read elsewhere") this.#model.directory.readElsewhere();
    if (what === "visible" && this.openId !== null) this.#model.directory.read(this.openId);
    this.#together.present();
    if (what === "visible" || what === "online") {
      this.#leader?.wake();
      this.#together.wake();
    }
    if (what === "online" || what === "offline") this.#leader?.doubt();
    this.#change();
  }

  /** This tab has missed something that the leader has. @param {string} id */
  #catchUp(id) {
    const replica = this.#model.find(id);
    if (replica) void this.#history.catchUp(replica).catch((error) => this.#noticeRefusal(error, id));
  }

  /** @param {string} id @param {string} body */
  #write(id, body) {
    const { clock, newId } = this.#options.surroundings;
    const after = this.#model.find(id)?.position ?? this.#model.directory.get(id)?.head ?? 0;
    const writtenAt = Math.max(clock.now(), (this.#model.unsent(id).at(-1)?.writtenAt ?? 0) + 1);
    const outgoing = { id: newId(), body, after, writtenAt, failure: null };
    const sent = this.#sending.expect(id, outgoing.id);
    this.#take({ kind: "written", conversation: id, outgoing }, true);
    this.#interest.want(id);
    return sent;
  }

  /**
   * Asks the server by HTTP.
   * @template T
   * @param {string | null} id the conversation that is asked about
   * @param {() => Promise<T>} question
   */
  async #ask(id, question) {
    try {
      return await question();
    } catch (error) {
      this.#noticeRefusal(error, id ?? undefined);
      throw error;
    }
  }

  /** @param {unknown} error @param {string} [id] the conversation that was asked for */
  #noticeRefusal(error, id) {
    if (!(error instanceof Refusal)) return;
    if (error.retry === Retry.reauthenticate && this.#phase === "running") this.#signOut();
    else if (id !== undefined && error.code === Code.notFound) this.#take({ kind: "gone", conversation: id }, true);
  }

  /** A fact from another tab. @param {Fact} fact */
  #hear(fact) {
    this.#take(fact, false);
    const { conversation } = /** @type {{conversation?: string}} */ (fact);
    if (conversation && !this.#leader && this.#model.find(conversation)?.hasGap) this.#together.noticeGap(conversation);
  }

  /**
   * Everything that becomes known goes through here.
   * @param {Fact} fact
   * @param {boolean} isOurs it became known in this tab, which tells the others and keeps what is unsent
   */
  #take(fact, isOurs) {
    const id = "conversation" in fact ? fact.conversation : null;
    const before = id === null ? [] : this.#model.unsent(id).map((outgoing) => outgoing.id);
    const seen = this.#model.apply(fact);
    if (isOurs) {
      this.#together.tell(fact);
      this.#keep(fact, before);
    }
    this.#sending.heard(fact);
    if (id !== null && seen.length > 0) this.#interest.seen(id, seen);
    this.#leader?.heard(fact, before.length);
    if (id !== null) this.#interest.changed(id);
    const isConnected = fact.kind === "state" && fact.state.name === StateName.connected;
    if (isConnected || (fact.kind === "listed" && fact.complete)) this.#interest.renew();
    this.#change();
  }

  /** Keeps what is unsent for a later page. @param {Fact} fact @param {string[]} before ids of what was unsent before it */
  #keep(fact, before) {
    if (!("conversation" in fact)) return;
    const { outboxes } = this.#options.surroundings;
    const id = fact.conversation;
    const unsent = this.#model.unsent(id);
    for (const gone of before) if (!unsent.some((outgoing) => outgoing.id === gone)) outboxes.remove(id, gone);
    if (fact.kind !== "written" && fact.kind !== "failed" && fact.kind !== "revived") return;
    const changed = fact.kind === "written" ? [fact.outgoing.id] : [fact.id, ...(fact.kind === "revived" ? [fact.freshId] : [])];
    for (const outgoing of unsent) if (changed.includes(outgoing.id)) outboxes.put(id, outgoing);
  }

  #change() {
    this.#state = this.#nextState();
    if (this.#isChanging) return;
    this.#isChanging = true;
    queueMicrotask(() => {
      this.#isChanging = false;
      this.#version += 1;
      for (const listener of [...this.#listeners]) listener();
    });
  }

  /** @returns {State} */
  #nextState() {
    if (this.#phase === "running") return this.#model.state;
    const name = this.#phase === "starting" ? StateName.connecting : this.#phase;
    if (this.#state.name === name) return this.#state;
    return { name, reason: this.#phase === "signed-out" ? this.#reason : null, retryAt: null };
  }
}
