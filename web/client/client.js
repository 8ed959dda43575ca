/**
 * A user's chat in this tab. It applies changes, and publishes its own to the other tabs. Work that
 * must happen once runs in the leading tab.
 */

import { Api, Credentials, History, load } from "./api.js";
import { Conversation } from "./conversation.js";
import { Leader } from "./leader.js";
import { Listeners, PendingSends, Rows, Watchlist } from "./listeners.js";
import { INITIAL_STATE, Model, Replica, StateName } from "./model.js";
import { Code, Rejection, Retry, SignedOut } from "./protocol.js";
import { Tabs } from "./tabs.js";

/** @import { Attention, Change, ClientOptions, Entry, HostEvent } from "./types.js" */
/** @import { State, TabEvent } from "./types.js" */

/** What is not needed to show messages is loaded this long after a conversation is on screen. */
const ATTEND_AFTER_MS = 1_000;
const ATTEND_LATEST_MS = 10_000;

export class Client {
  /** @type {ClientOptions} */
  #options;
  /** @type {"stopped" | "starting" | "running" | "signed-out"} */
  #phase = "stopped";
  /** @type {State} */
  #state = { name: StateName.stopped, reason: null, retryAt: null };
  /** Grows with each start and stop. Results of earlier generations are ignored. */
  #generation = 0;
  /** @type {Map<string, Conversation>} */
  #conversations = new Map();
  /** @type {Leader | null} */
  #leader = null;
  #unwatch = () => {};
  #listeners = new Listeners();
  #pendingSends;
  /** @type {Model} */
  #model;
  #rows;
  /** @type {Credentials} */
  #credentials;
  #api;
  /** @type {History} */
  #history;
  /** @type {Tabs} */
  #tabs;
  /** @type {Watchlist} */
  #watchlist;
  /** @type {Attention | null} loaded a moment after a conversation is on screen */
  #attention = null;
  #isAttending = false;

  /** @param {ClientOptions} options */
  constructor(options) {
    const { environment, http, me, provider, token } = options;
    const { clock, fetch } = environment;
    this.#options = options;
    this.#pendingSends = new PendingSends(me.user);
    this.#model = new Model({
      me,
      now: clock.now,
      onRead: (conversation, seq) => {
        environment.readPositions?.set(conversation, seq);
        this.#tabs.publish({ kind: "read", conversation, seq });
        this.#leader?.read(conversation);
      },
    });
    this.#rows = new Rows(environment, this.#model);
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
      onEntries: ({ id }, entries) =>
        this.#apply({ kind: "entries", conversation: id, entries }, this.#leader !== null),
      onEarlier: (_, entries) => {
        this.#model.directory.learnNames(entries);
        this.#revise(entries);
      },
      onChange: () => this.#changed(),
      onError: (error, { id }) => this.#noticeRejection(error, id),
    });
    this.#watchlist = new Watchlist({
      model: this.#model,
      clock,
      isRunning: () => this.#phase === "running",
      follow: (replica) => {
        if (this.#leader) this.#leader.follow(replica.id);
        else this.#tabs.follow(replica.id, replica.position);
        this.#history.begin(replica);
      },
      load: (id) => this.#loadDetails(id),
      onChange: () => this.#tabs.announce(),
    });
    this.#tabs = new Tabs({
      environment,
      lock: `confab.3 ${http} ${me.user}`,
      model: this.#model,
      wanted: () => this.#watchlist.ids,
      activeUntil: () => this.#attention?.activeUntil ?? 0,
      leader: () => this.#leader,
      onBehind: (id) => this.#catchUp(id),
      onChange: () => this.#changed(),
      onEvent: (event) => this.#receivedTabEvent(event),
    });
  }

  get me() {
    return this.#options.me;
  }

  /** The name of the state, and its reason. The same object until it changes. */
  get state() {
    return this.#state;
  }

  /** Grows with each change, for frameworks that compare snapshots. */
  get version() {
    return this.#listeners.version;
  }

  /** The conversation on screen, as set by `open`. */
  get currentConversation() {
    const { currentId } = this.#watchlist;
    return currentId === null ? null : this.conversation(currentId);
  }

  get isLoaded() {
    return this.#model.isLoaded;
  }

  get conversations() {
    return this.#model.directory.all();
  }

  get unread() {
    return this.#model.directory.unread;
  }

  /** @param {string} user */
  nameOf(user) {
    return this.#model.directory.nameOf(user);
  }

  /**
   * Calls `listener` after changes.
   * @param {() => void} listener
   * @returns {() => void} unsubscribes
   */
  subscribe = (listener) => this.#listeners.onChange(listener);

  /**
   * Calls `listener` with each new message of the followed conversations, once and in order.
   * @param {"message"} event
   * @param {(entry: Entry) => void} listener
   * @returns {() => void} unsubscribes
   */
  on(event, listener) {
    if (event !== "message") throw new TypeError(`There is no event "${event}".`);
    return this.#listeners.onMessage(listener);
  }

  /** Starts, or starts again after `stop` or in the state `signed-out`. */
  async start() {
    if (this.#phase === "starting" || this.#phase === "running") return;
    this.#generation += 1;
    const generation = this.#generation;
    const wasSignedOut = this.#phase === "signed-out";
    this.#phase = "starting";
    this.#changed();
    const [hasToken] = await Promise.all([
      wasSignedOut ? this.#credentials.signIn() : true,
      this.#restore(),
    ]);
    if (generation !== this.#generation) return;
    if (!hasToken) return this.#end("signed-out");
    this.#phase = "running";
    this.#unwatch = this.#options.environment.watch((event) => this.#environmentChanged(event));
    this.#credentials.start();
    this.#tabs.join();
    this.#watchlist.followAll();
    this.#options.environment.clock.after(ATTEND_LATEST_MS, () => void this.#attend());
    this.#changed();
  }

  /** Stops. Unsent messages are kept for a later start. */
  stop() {
    this.#end("stopped");
    this.#pendingSends.abandon(new SignedOut("The client was stopped."));
  }

  /**
   * Returns the conversation with this id, whether the user is a participant or not.
   * @param {string} id
   */
  conversation(id) {
    const existing = this.#conversations.get(id);
    if (existing) return existing;
    const conversation = new Conversation(id, {
      client: this,
      model: this.#model,
      history: this.#history,
      listen: (onEntries) => this.#watchlist.listen(id, onEntries),
      apply: (change) => this.#apply(change, true),
      changed: () => this.#changed(),
      write: (content) => this.#write(id, content),
      newId: () => this.#options.environment.newId(),
      attention: () => this.#attention,
      attend: (then) => void this.#attend().then((attention) => attention && then(attention)),
      request: (call) => this.#request(id, call),
    });
    this.#conversations.set(id, conversation);
    return conversation;
  }

  /**
   * Makes a conversation the one on screen, which is followed and counts as read.
   * @param {string | null} id `null`: no conversation is on screen
   */
  open(id) {
    this.#watchlist.open(id);
    this.#changed();
  }

  /** Whether a person of a conversation on screen is here, if they show it. @param {string} user */
  presence(user) {
    return this.#attention?.presence.of(user) ?? null;
  }

  /** `false` hides whether this user is here, and from them whether others are. @param {boolean} shown */
  async showPresence(shown) {
    const { showPresence } = await load(import("./attention.js"));
    await this.#request(null, (api) => showPresence(api, shown));
  }

  /** Finds known people, and those of the option `people`, by a part of a name. @param {string} text */
  async findPeople(text) {
    const { findPeople } = await load(import("./finding.js"));
    return findPeople(text, this.me.user, this.#model.directory, this.#options.people);
  }

  /**
   * Creates a conversation, once for the same id, and returns its id.
   * @param {{id?: string, title?: string, participants: string[]}} conversation
   */
  async create(conversation) {
    const id = conversation.id ?? this.#options.environment.newId();
    const { create } = await load(import("./membership.js"));
    const details = await this.#request(null, (api) => create(api, { ...conversation, id }));
    this.#apply({ kind: "details", details }, true);
    return details.id;
  }

  /** @param {string} id */
  async #loadDetails(id) {
    const details = await this.#request(id, (api) => api.conversation(id));
    const isNew = !this.#model.directory.get(id);
    this.#apply({ kind: "details", details }, true);
    return isNew;
  }

  /** @param {TabEvent} event */
  #receivedTabEvent(event) {
    switch (event.kind) {
      case "lead":
        return void this.#lead();
      case "lost":
        return this.#endLead();
      case "change":
        this.#receivedChange(event.change);
    }
  }

  async #lead() {
    const { environment } = this.#options;
    const generation = this.#generation;
    await this.#restore();
    if (generation !== this.#generation) return;
    const leader = new Leader({
      model: this.#model,
      api: this.#api,
      history: this.#history,
      credentials: this.#credentials,
      environment,
      me: this.me.user,
      receipts: this.#options.receipts ?? "public",
      isVisible: () => this.#tabs.isAnyVisible(),
      activeUntil: () => this.#tabs.activeUntil(),
      wanted: () => [...new Set([...this.#watchlist.ids, ...this.#tabs.wantedElsewhere()])],
      apply: (change) => {
        if (this.#leader === leader) this.#apply(change, true);
      },
      onSignedOut: () => this.#end("signed-out"),
    });
    this.#leader = leader;
    leader.start();
    this.#tabs.lead();
    if (this.#attention) void leader.share();
  }

  #endLead() {
    this.#generation += 1;
    const leader = this.#leader;
    this.#leader = null;
    leader?.end();
  }

  /** @param {"stopped" | "signed-out"} phase */
  #end(phase) {
    this.#phase = phase;
    this.#model.state = INITIAL_STATE;
    this.#endLead();
    this.#tabs.leave();
    this.#credentials.stop();
    this.#unwatch();
    this.#changed();
  }

  #restore() {
    return this.#rows.restore(() => this.#leader?.restored());
  }

  /** @param {HostEvent} event */
  #environmentChanged(event) {
    this.#attention?.happened(event);
    this.#tabs.announce();
    this.#leader?.sharing?.looked();
    if (event === "visible" || event === "online") {
      this.#leader?.wake();
      this.#tabs.wake();
    }
    if (event === "online" || event === "offline") this.#leader?.doubt();
    this.#changed();
  }

  #attendSoon() {
    if (this.#isAttending) return;
    this.#isAttending = true;
    this.#options.environment.clock.after(ATTEND_AFTER_MS, () => void this.#attend());
  }

  /** Waits for what is not needed to show messages. */
  async #attend() {
    const { environment, me, typing = true } = this.#options;
    const module = await import("./attention.js").catch(() => null);
    this.#isAttending = module !== null;
    if (module === null || this.#attention) return this.#attention;
    this.#attention = new module.Attention({
      clock: environment.clock,
      environment,
      model: this.#model,
      me: me.user,
      isTold: typing,
      tell: (frame) => (this.#leader ?? this.#tabs).tell(frame),
      currentId: () => this.#watchlist.currentId,
      onChange: () => this.#changed(),
      onLook: () => this.#leader?.sharing?.looked(),
    });
    this.#changed();
    void this.#leader?.prepare();
    void this.#leader?.share();
    return this.#attention;
  }

  /** @param {string} id */
  #catchUp(id) {
    const replica = this.#model.find(id);
    if (!replica) return;
    void this.#history.catchUp(replica).catch((error) => this.#noticeRejection(error, id));
  }

  /** @param {string} id @param {import("./options.js").Content} content */
  #write(id, content) {
    const { clock, newId } = this.#options.environment;
    const head = this.#model.directory.get(id)?.head ?? 0;
    const after = this.#model.find(id)?.position ?? head;
    const lastWrittenAt = this.#model.unsent(id).at(-1)?.writtenAt ?? 0;
    const writtenAt = Math.max(clock.now(), lastWrittenAt + 1);
    const outgoing = { id: newId(), ...content, after, writtenAt, failure: null };
    const sent = this.#pendingSends.expect(id, outgoing.id);
    if ("body" in content) this.#attention?.typing.sent(id);
    this.#apply({ kind: "written", conversation: id, outgoing }, true);
    this.#watchlist.follow(id);
    return sent;
  }

  /** @template T @param {string | null} id @param {(api: Api) => Promise<T>} call */
  async #request(id, call) {
    try {
      return await call(this.#api);
    } catch (error) {
      this.#noticeRejection(error, id);
      throw error;
    }
  }

  /** @param {unknown} error @param {string | null} id */
  #noticeRejection(error, id) {
    if (!(error instanceof Rejection)) return;
    if (error.retry === Retry.reauthenticate && this.#phase === "running") this.#end("signed-out");
    else if (id !== null && error.code === Code.notFound)
      this.#apply({ kind: "gone", conversation: id }, true);
  }

  /** @param {Change} change of another tab */
  #receivedChange(change) {
    // An earlier leader that was asleep may still publish its state.
    if (change.kind === "state" && this.#leader) return;
    this.#apply(change, false);
    if (!("conversation" in change) || this.#leader) return;
    if (this.#model.find(change.conversation)?.hasGap) this.#tabs.noticeGap(change.conversation);
  }

  /**
   * Applies a change. All changes go through here.
   * @param {Change} change
   * @param {boolean} isOwn whether this tab publishes and stores it
   */
  #apply(change, isOwn) {
    const id = "conversation" in change ? change.conversation : null;
    const before = this.#rows.unsent(id);
    const seen = this.#model.apply(change);
    if (isOwn) {
      this.#tabs.publish(change);
      this.#rows.update(id, before);
    }
    this.#pendingSends.applied(change);
    this.#revise(seen);
    if (id !== null) this.#watchlist.deliver(id, seen);
    if (change.kind === "restarted") this.#listeners.restarted(change.conversation);
    this.#listeners.announce(seen);
    this.#leader?.applied(change, before.size);
    const isOfOthers = change.kind === "typing" || change.kind === "presence";
    if (this.#attention) this.#attention.applied(change);
    else if (isOfOthers) void this.#attend().then((attention) => attention?.applied(change));
    // The replica may have been restarted, or the user may be a participant again.
    const isBegun = id === null || this.#model.find(id)?.historyStarted;
    const isListed = id !== null && this.#model.directory.get(id);
    if (!isBegun && isListed && this.#watchlist.ids.includes(id)) this.#watchlist.follow(id);
    const isConnected = change.kind === "state" && change.state.name === StateName.connected;
    if (isConnected || (change.kind === "listed" && change.complete)) this.#watchlist.followAll();
    this.#changed();
  }

  /** @param {{target?: number}[]} entries */
  #revise(entries) {
    if (Replica.revise || !entries.some(({ target }) => target)) return;
    void import("./revisions.js").then(
      () => this.#changed(),
      () => {},
    );
  }

  #changed() {
    if (this.#attention) this.#attention.look();
    else if ((this.currentConversation?.history ?? "loading") !== "loading") this.#attendSoon();
    this.#state = this.#nextState();
    this.#listeners.changed();
  }

  /** @returns {State} */
  #nextState() {
    if (this.#phase === "running") return this.#model.state;
    const name = this.#phase === "starting" ? StateName.connecting : this.#phase;
    if (this.#state.name === name) return this.#state;
    return { name, reason: this.#phase === "signed-out" ? "expired" : null, retryAt: null };
  }
}
