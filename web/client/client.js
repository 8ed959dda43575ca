/**
 * One person's chat in this tab: all that a page talks to. It acts by facts, which it takes itself and tells the other
 * tabs. What is to be done once for all tabs does the leader, in one of them.
 */

import { Api, Credentials, History } from "./api.js";
import { Conversation, Sending } from "./conversation.js";
import { Leader } from "./leader.js";
import { Model, StateName, UNKNOWN } from "./model.js";
import { Code, Refusal, Retry, SignedOut } from "./protocol.js";
import { Tabs } from "./tabs.js";

/** @import { Fact, State } from "./facts.js" */
/** @import { ClientOptions } from "./parts.js" */
/** @import { Entry } from "./wire.js" */

/** In milliseconds. */
const STORAGE_PATIENCE = 2_000;
const RETRY_AFTER = 10_000;

export class Client {
  /** @type {ClientOptions} */ #options;
  /** @type {"stopped" | "starting" | "running" | "signed-out"} */ #phase = "stopped";
  /** @type {State} */ #state = { name: StateName.stopped, reason: null, retryAt: null };
  /** Counts starts and stops: what was begun before one changes nothing after it. */ #generation = 0;
  #version = 0;
  #isChanging = false;
  /** @type {Set<() => void>} */ #listeners = new Set();
  /** @type {Map<string, Conversation>} */ #conversations = new Map();
  /** @type {string | null} */ #openId = null;
  /** By conversation. @type {Map<string, Set<(entries: Entry[]) => void>>} */ #readers = new Map();
  /** @type {Set<string>} */ #asking = new Set();
  /** @type {Leader | null} */ #leader = null;
  /** @type {() => void} */ #unwatch = () => {};
  #sending;
  /** @type {Model} */ #model;
  /** @type {Credentials} */ #credentials;
  #api;
  /** @type {History} */ #history;
  /** @type {Tabs} */ #tabs;

  /** @param {ClientOptions} options */
  constructor(options) {
    const { http, me, provider, surroundings, token } = options;
    const { clock, fetch, isVisible, readPositions } = surroundings;
    this.#options = options;
    this.#sending = new Sending(me.user);
    this.#model = new Model({
      me,
      now: clock.now,
      isWatched: (id) => id === this.#openId && isVisible(),
      onRead: (conversation, seq) => {
        readPositions?.set(conversation, seq);
        this.#tabs.tell({ kind: "read", conversation, seq });
      },
    });
    this.#credentials = new Credentials({
      provider,
      token,
      user: me.user,
      clock,
      onRenewed: () => this.#leader?.renewed(),
    });
    this.#api = new Api({ base: http, credentials: this.#credentials, fetch, clock });
    this.#history = new History({
      api: this.#api,
      // Only a leader reads for all.
      onEntries: ({ id }, entries) =>
        this.#take({ kind: "entries", conversation: id, entries }, this.#leader !== null),
      onEarlier: (_, entries) => this.#model.directory.learnNames(entries),
      onChange: () => this.#change(),
      onError: (error, { id }) => this.#noticeRefusal(error, id),
    });
    this.#tabs = new Tabs({
      surroundings,
      name: `confab ${http} ${me.user}`,
      model: this.#model,
      wanted: () => this.#wanted,
      onLead: () => void this.#lead(),
      onLost: () => this.#follows(),
      onFact: (fact) => this.#hear(fact),
      onFollow: (id) => this.#leader?.follow(id),
      onWake: () => this.#leader?.wake(),
      onBehind: (id) => this.#catchUp(id),
      onChange: () => this.#change(),
    });
  }

  get me() {
    return this.#options.me;
  }

  /** One of `StateName`, and why. The same object until it changes. */
  get state() {
    return this.#state;
  }

  /** Grows with every change: what a framework compares. */
  get version() {
    return this.#version;
  }

  get openId() {
    return this.#openId;
  }

  get isListed() {
    return this.#model.isListed;
  }

  get directory() {
    return this.#model.directory;
  }

  /** The most recently active first. */
  get conversations() {
    return this.#model.directory.all();
  }

  /** Tells of changes, many at once only once. @param {() => void} listener @returns {() => void} ends it */
  subscribe = (listener) => {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };

  /** Comes alive, for the first time or after `stop` or `signed-out`. */
  async start() {
    if (this.#phase === "starting" || this.#phase === "running") return;
    const { watch } = this.#options.surroundings;
    const generation = (this.#generation += 1);
    const wasSignedOut = this.#phase === "signed-out";
    this.#phase = "starting";
    this.#change();
    const [hasToken] = await Promise.all([
      wasSignedOut ? this.#credentials.again() : true,
      this.#restore(),
    ]);
    if (generation !== this.#generation) return;
    if (!hasToken) return this.#end("signed-out");
    this.#phase = "running";
    this.#unwatch = watch((what) => this.#happened(what));
    this.#credentials.start();
    this.#tabs.join();
    this.#renew();
    this.#change();
  }

  /** What is unsent is kept for a later start. */
  stop() {
    this.#end("stopped");
    this.#sending.abandon(new SignedOut("The client was stopped"));
  }

  /** @param {string} id */
  conversation(id) {
    let conversation = this.#conversations.get(id);
    if (!conversation) {
      conversation = new Conversation(id, {
        client: this,
        api: this.#api,
        history: this.#history,
        replica: () => (this.directory.get(id) ? this.#model.replica(id) : this.#model.find(id)),
        listen: (onEntries) => this.#listen(id, onEntries),
        act: (fact) => this.#take(fact, true),
        write: (body) => this.#write(id, body),
        freshId: () => this.#options.surroundings.newId(),
        ask: (question) => this.#ask(id, question),
      });
      this.#conversations.set(id, conversation);
    }
    return conversation;
  }

  /** Brings a conversation to the screen, where it is read. @param {string | null} id */
  open(id) {
    if (id !== null) this.directory.read(id);
    this.#openId = id;
    if (id !== null) this.#want(id);
    this.#tabs.present();
    this.#change();
  }

  /**
   * Starts a conversation; with the same id, it is the same one. Its id.
   * @param {{id?: string, title?: string, participants: string[]}} conversation @throws {Refusal | import("./protocol.js").Unanswered}
   */
  async create(conversation) {
    const id = conversation.id ?? this.#options.surroundings.newId();
    const details = await this.#ask(null, () => this.#api.create({ ...conversation, id }));
    this.#take({ kind: "details", details }, true);
    return details.id;
  }

  get #wanted() {
    return [
      ...new Set([...(this.#openId === null ? [] : [this.#openId]), ...this.#readers.keys()]),
    ];
  }

  /** @param {string} id @param {(entries: Entry[]) => void} onEntries what became visible, in order */
  #listen(id, onEntries) {
    // The same function may listen twice.
    const reader = (/** @type {Entry[]} */ entries) => onEntries(entries);
    this.#readers.set(id, (this.#readers.get(id) ?? new Set()).add(reader));
    this.#want(id);
    this.#tabs.present();
    return () => {
      const readers = this.#readers.get(id);
      readers?.delete(reader);
      if (readers?.size === 0) this.#readers.delete(id);
      this.#tabs.present();
    };
  }

  #renew() {
    for (const id of this.#wanted) this.#want(id);
  }

  /** Has a conversation known, followed, and its history begun. @param {string} id */
  #want(id) {
    if (this.#phase !== "running") return;
    const listed = this.directory.get(id);
    if (listed) {
      const replica = this.#model.replica(id);
      if (this.#leader) this.#leader.follow(id);
      else this.#tabs.follow(id, replica.position);
      this.#history.begin(replica);
    }
    if (!listed?.complete) void this.#learn(id);
  }

  /** If nobody answers it is asked for again with the next connection. @param {string} id */
  async #learn(id) {
    if (this.#asking.has(id)) return;
    this.#asking.add(id);
    try {
      const details = await this.#api.conversation(id);
      const isNew = !this.directory.get(id);
      this.#take({ kind: "details", details }, true);
      if (isNew) this.#want(id);
    } catch (error) {
      this.#noticeRefusal(error, id);
      if (!(error instanceof Refusal) || error.retry !== Retry.later) return;
      const { clock } = this.#options.surroundings;
      clock.after(
        error.problem.retryAfterMs ?? RETRY_AFTER * clock.random(),
        () => this.#wanted.includes(id) && this.#want(id),
      );
    } finally {
      this.#asking.delete(id);
    }
  }

  async #lead() {
    const { surroundings } = this.#options;
    const generation = this.#generation;
    await this.#restore();
    if (generation !== this.#generation) return;
    const leader = new Leader({
      model: this.#model,
      api: this.#api,
      history: this.#history,
      credentials: this.#credentials,
      surroundings,
      isVisible: () => this.#tabs.isAnyVisible(),
      wanted: () => [...new Set([...this.#wanted, ...this.#tabs.wantedElsewhere()])],
      // Another may lead already.
      tell: (fact) => this.#leader === leader && this.#take(fact, true),
      onRefused: () => this.#end("signed-out"),
    });
    this.#leader = leader;
    leader.start();
    this.#tabs.lead();
  }

  #follows() {
    this.#generation += 1;
    const leader = this.#leader;
    this.#leader = null;
    leader?.end();
  }

  /** @param {"stopped" | "signed-out"} phase */
  #end(phase) {
    this.#phase = phase;
    this.#model.state = UNKNOWN;
    this.#follows();
    this.#tabs.leave();
    this.#credentials.stop();
    this.#unwatch();
    this.#change();
  }

  /** Takes what was kept, by an earlier page or a tab that is gone. A database that does not answer keeps nobody waiting. */
  #restore() {
    const { clock, outboxes, readPositions } = this.#options.surroundings;
    const restored = async () => {
      const [rows, read = []] = await Promise.all([outboxes.load(), readPositions?.load()]);
      this.directory.restoreRead(read);
      for (const { conversation, outgoing } of this.#model.restore(rows))
        outboxes.remove(conversation, outgoing.id);
      this.#leader?.restored();
    };
    return Promise.race([
      restored(),
      new Promise((resolve) => clock.after(STORAGE_PATIENCE, () => resolve(null))),
    ]);
  }

  /** @param {"visible" | "hidden" | "online" | "offline"} what */
  #happened(what) {
    if (what === "visible" && this.#openId !== null) this.directory.read(this.#openId);
    this.#tabs.present();
    if (what === "visible" || what === "online") {
      this.#leader?.wake();
      this.#tabs.wake();
    }
    if (what === "online" || what === "offline") this.#leader?.doubt();
    this.#change();
  }

  /** @param {string} id */
  #catchUp(id) {
    const replica = this.#model.find(id);
    if (replica)
      void this.#history.catchUp(replica).catch((error) => this.#noticeRefusal(error, id));
  }

  /** @param {string} id @param {string} body */
  #write(id, body) {
    const { clock, newId } = this.#options.surroundings;
    const after = this.#model.find(id)?.position ?? this.directory.get(id)?.head ?? 0;
    const writtenAt = Math.max(clock.now(), (this.#model.unsent(id).at(-1)?.writtenAt ?? 0) + 1);
    const outgoing = { id: newId(), body, after, writtenAt, failure: null };
    const sent = this.#sending.expect(id, outgoing.id);
    this.#take({ kind: "written", conversation: id, outgoing }, true);
    this.#want(id);
    return sent;
  }

  /** @template T @param {string | null} id @param {() => Promise<T>} question */
  async #ask(id, question) {
    try {
      return await question();
    } catch (error) {
      this.#noticeRefusal(error, id);
      throw error;
    }
  }

  /** @param {unknown} error @param {string | null} id */
  #noticeRefusal(error, id) {
    if (!(error instanceof Refusal)) return;
    if (error.retry === Retry.reauthenticate && this.#phase === "running") this.#end("signed-out");
    else if (id !== null && error.code === Code.notFound)
      this.#take({ kind: "gone", conversation: id }, true);
  }

  /** @param {Fact} fact */
  #hear(fact) {
    // One that led before this one, and has slept since.
    if (fact.kind === "state" && this.#leader) return;
    this.#take(fact, false);
    if ("conversation" in fact && !this.#leader && this.#model.find(fact.conversation)?.hasGap)
      this.#tabs.noticeGap(fact.conversation);
  }

  /** Everything that becomes known goes through here. @param {Fact} fact @param {boolean} isOurs to tell and to keep */
  #take(fact, isOurs) {
    const id = "conversation" in fact ? fact.conversation : null;
    const before = new Map(
      id === null ? [] : this.#model.unsent(id).map((outgoing) => [outgoing.id, outgoing.failure]),
    );
    const seen = this.#model.apply(fact);
    if (isOurs) {
      this.#tabs.tell(fact);
      if (id !== null) this.#keep(id, before);
    }
    this.#sending.heard(fact);
    if (id !== null && seen.length > 0)
      for (const reader of [...(this.#readers.get(id) ?? [])]) reader(seen);
    this.#leader?.heard(fact, before.size);
    // It may have begun anew, or this person may be in it again.
    const isBegun = id === null || this.#model.find(id)?.historyStarted;
    if (!isBegun && this.directory.get(id) && this.#wanted.includes(id)) this.#want(id);
    if (
      (fact.kind === "state" && fact.state.name === StateName.connected) ||
      (fact.kind === "listed" && fact.complete)
    )
      this.#renew();
    this.#change();
  }

  /** @param {string} id @param {Map<string, unknown>} before what was unsent, and why it failed */
  #keep(id, before) {
    const { outboxes } = this.#options.surroundings;
    const unsent = this.#model.unsent(id);
    for (const gone of before.keys())
      if (!unsent.some((outgoing) => outgoing.id === gone)) outboxes.remove(id, gone);
    for (const outgoing of unsent)
      if (before.get(outgoing.id) !== outgoing.failure) outboxes.put(id, outgoing);
  }

  #change() {
    this.#state = this.#nextState();
    if (this.#isChanging) return;
    this.#isChanging = true;
    queueMicrotask(() => {
      this.#isChanging = false;
      this.#version += 1;
      // Each by itself: what goes wrong in one keeps nothing from the others.
      for (const listener of this.#listeners)
        queueMicrotask(() => this.#listeners.has(listener) && listener());
    });
  }

  /** @returns {State} */
  #nextState() {
    if (this.#phase === "running") return this.#model.state;
    const name = this.#phase === "starting" ? StateName.connecting : this.#phase;
    if (this.#state.name === name) return this.#state;
    return { name, reason: this.#phase === "signed-out" ? "expired" : null, retryAt: null };
  }
}
