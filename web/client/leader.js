/** The work of one tab for all: it holds the socket, and keeps logs complete. */

import { backoff, Connection, spread } from "./connection.js";
import { StateName } from "./model.js";
import { Action, Code, MAX_POSITIONS, parseFrame, Rejection, Retry } from "./protocol.js";
import { Subscriptions } from "./subscriptions.js";

/** @import { Background, Change, LeaderOptions, Replica, State } from "./types.js" */

const POLL_AFTER_MS = 5_000;
const LOAD_AGAIN_MS = 5_000;
const LIST_SPREAD_MS = 60_000;
const LISTED_PAGES = 10;

export class Leader {
  /** @type {LeaderOptions} */
  #options;
  #isLeading = true;
  #isRunning = false;
  #wasConnected;
  #over = "";
  #offeredToken = "";
  #acceptedToken = "";
  /** @type {Connection} */
  #connection;
  /** @type {Subscriptions} */
  #subscriptions;
  /** @type {Background | null} loaded with the first conversation or message */
  #background = null;
  /** @type {{cancel: () => void} | null} */
  #listing = null;
  /** @type {(() => void) | null} */
  #cancelPolling = null;
  /** Written while this tab leads, and never sent. @type {Set<string>} */
  unsent = new Set();

  /** @param {LeaderOptions} options */
  constructor(options) {
    const { apply, environment, isVisible, model } = options;
    const { clock, dial } = environment;
    this.#options = options;
    this.#wasConnected = model.state.name !== StateName.connecting;
    this.#subscriptions = new Subscriptions({
      request: (frame) => this.#connection.request(frame),
      clock,
      onReady: (replica) => this.#send(replica, true),
      onGone: ({ id }) => apply({ kind: "gone", conversation: id }),
      onForeignPosition: ({ id }) => this.#restart(id),
      onExpired: () => void this.#refused(this.#acceptedToken),
    });
    this.#connection = new Connection({
      clock,
      dial: () => {
        this.#offeredToken = options.credentials.token;
        return dial(this.#offeredToken);
      },
      isVisible,
      diagnose: async () => (await this.#prepared())?.diagnose() ?? "away",
      isTokenOver: () => {
        const token = this.#offeredToken;
        if (token === this.#over || !options.credentials.hasEnded(token)) return false;
        this.#over = token;
        return true;
      },
      ping: () => this.#ping(),
      onOpen: () => this.#connected(),
      onFrame: (text) => this.#received(text),
      onDown: () => this.#disconnected(),
      onWait: () => this.#reportState(),
      onSignedOut: () => options.onSignedOut(),
    });
  }

  start() {
    this.#isRunning = true;
    this.#connection.start();
    this.#pollLater();
    this.#reportState();
  }

  end() {
    this.#isLeading = false;
    this.#rest();
  }

  #rest() {
    this.#isRunning = false;
    this.#connection.stop();
    this.#disconnected();
    this.#stopPolling();
    this.#background?.sender.stop();
  }

  wake() {
    this.#connection.wake();
    this.#background?.polling.hurry();
    this.#reportState();
  }

  doubt() {
    this.#connection.doubt();
    this.#reportState();
  }

  restored() {
    this.#followListed();
    for (const { id, outbox } of this.#options.model.replicas) {
      if (outbox.length > 0) this.#subscriptions.catchUp(id);
    }
  }

  renewed() {
    if (this.#connection.isOpen) this.#connection.replace();
  }

  /** @param {string} id */
  follow(id) {
    this.#subscriptions.follow(this.#options.model.replica(id), { now: true });
  }

  /**
   * @param {Change} change
   * @param {number} unsent how many messages of its conversation were unsent before
   */
  applied(change, unsent) {
    this.sharing?.applied(change);
    if (!("conversation" in change)) return;
    const replica = this.#options.model.find(change.conversation);
    if (change.kind === "gone") this.#subscriptions.unfollow(change.conversation);
    if (change.kind === "read") this.read(change.conversation);
    if (change.kind === "added") this.#resubscribe(change.conversation);
    if (!replica) return;
    if (replica.hasGap) this.#subscriptions.noticeGap(replica.id);
    if (change.kind === "written") this.unsent.add(change.outgoing.id);
    const isNew = change.kind === "written" || change.kind === "retried";
    if (isNew) this.#background?.polling.hurry();
    if (isNew || replica.outbox.length !== unsent) this.#send(replica, false);
  }

  /** @param {Replica} replica @param {boolean} isReconnected */
  #send(replica, isReconnected) {
    const { sender } = this.#background ?? {};
    if (sender && isReconnected) sender.reconnected(replica);
    else if (sender) sender.flush(replica);
    else if (replica.nextOutgoing()) void this.prepare();
  }

  async #prepared() {
    const module = await import("./background.js").catch(() => null);
    if (!module || !this.#isLeading) return null;
    this.#background ??= new module.Background({
      ...this.#options,
      connection: this.#connection,
      leader: this,
      subscriptions: this.#subscriptions,
    });
    return this.#background;
  }

  async prepare() {
    const isReady = this.#background !== null;
    if (!(await this.#prepared())) {
      const { clock } = this.#options.environment;
      if (this.#isLeading) clock.after(LOAD_AGAIN_MS, () => void this.prepare());
    } else if (!isReady) this.flush();
  }

  /** @param {string} id */
  read(id) {
    const { confirmed = null, readTo = 0 } = this.#options.model.directory.get(id) ?? {};
    if (confirmed !== null && readTo > confirmed) void this.share();
  }

  async share() {
    (await this.#prepared())?.share();
  }

  get sharing() {
    return this.#background?.sharing;
  }

  /** @param {Record<string, unknown>} frame that has no answer */
  tell(frame) {
    return this.#connection.tell(frame);
  }

  expired() {
    const { isOpen } = this.#connection;
    void this.#refused(isOpen ? this.#acceptedToken : this.#options.credentials.token);
  }

  #ping() {
    const { isVisible, model } = this.#options;
    // The list reports on those that are not subscribed.
    if (model.directory.all().length > MAX_POSITIONS && isVisible()) this.#listLater(0);
    const positions = this.#subscriptions.unheard();
    const { ping } = Action;
    return JSON.stringify({ action: ping, ref: ping, positions, ...this.sharing?.ping() });
  }

  /** A removal ends the subscription, and makes earlier answers meaningless. @param {string} id */
  #resubscribe(id) {
    this.#subscriptions.unfollow(id);
    this.follow(id);
  }

  #connected() {
    this.#wasConnected = true;
    this.#acceptedToken = this.#offeredToken;
    this.#stopPolling();
    this.#subscriptions.connected(this.#options.wanted()[0] ?? null);
    const { environment, model } = this.#options;
    this.#listLater(model.isLoaded ? LIST_SPREAD_MS * environment.clock.random() : 0);
    this.#reportState();
    this.sharing?.connected();
  }

  #disconnected() {
    this.#listing?.cancel();
    this.#listing = null;
    this.#subscriptions.disconnected();
    this.#pollLater();
    this.#reportState();
  }

  #pollLater() {
    const { clock } = this.#options.environment;
    if (!this.#isRunning) return;
    this.#cancelPolling ??= clock.after(spread(POLL_AFTER_MS, clock), async () => {
      const background = await this.#prepared();
      if (!this.#cancelPolling) return;
      if (background) return background.polling.start();
      this.#cancelPolling = null;
      this.#pollLater();
    });
  }

  #stopPolling() {
    this.#cancelPolling?.();
    this.#cancelPolling = null;
    this.#background?.polling.stop();
  }

  /** @param {string} token */
  async #refused(token) {
    if (!this.#isRunning) return;
    this.#rest();
    this.#reportState();
    const isRenewed = await this.#options.credentials.refused(token);
    if (!this.#isLeading) return;
    if (isRenewed) this.start();
    else this.#options.onSignedOut();
  }

  /** @param {unknown} error @param {string} [id] */
  #noticeRejection(error, id) {
    if (!(error instanceof Rejection)) return;
    // The API has asked for another token.
    if (error.retry === Retry.reauthenticate) this.#options.onSignedOut();
    else if (id !== undefined && error.code === Code.notFound)
      this.#options.apply({ kind: "gone", conversation: id });
    else if (id !== undefined && error.code === Code.unknownPosition) void this.#restart(id);
  }

  /** @param {unknown} text */
  #received(text) {
    const { apply, model } = this.#options;
    const frame = parseFrame(text);
    if (frame === null) return;
    switch (frame.event) {
      case "entry":
        this.#subscriptions.heard(frame.entry.conversation);
        return apply({
          kind: "entries",
          conversation: frame.entry.conversation,
          entries: [frame.entry],
        });
      case "notice":
        return void this.#prepared().then((background) => background?.noticed(frame.frame));
      case "removed":
        // The user may be a participant again. Subscribing finds out.
        if (model.directory.get(frame.conversation)) this.#resubscribe(frame.conversation);
        return;
      case "entries":
        for (const { conversation = "", page } of frame.outcomes) {
          if (!page) continue;
          if (frame.ref === undefined) this.#subscriptions.heard(conversation);
          apply({ kind: "entries", conversation, entries: page.events });
          if (page.messages !== undefined)
            this.#position(conversation, page.read, [page.head, page.messages]);
        }
        break;
      case "sent":
        this.#subscriptions.heard(frame.sent.conversation);
        this.#background?.sender.acknowledged(frame.sent);
        break;
      case "pong":
        this.#subscriptions.catchUp(
          ...[...frame.heads]
            .filter(([id, head]) => head > (model.find(id)?.position ?? head))
            .map(([id]) => id),
        );
        for (const [id, read] of frame.read ?? []) this.#position(id, read);
        if (frame.presence) apply({ kind: "presence", people: frame.presence });
        this.sharing?.update();
        break;
      case "error":
        if (frame.problem.retry === Retry.reauthenticate)
          return void this.#refused(this.#acceptedToken);
    }
    this.#connection.answered(frame);
  }

  /**
   * @param {string} conversation
   * @param {Map<string, number>} [read]
   * @param {[seq: number, messages: number]} [counted]
   */
  #position(conversation, read = new Map(), counted) {
    this.#options.apply({ kind: "positions", conversation, read: [...read], counted });
  }

  /** @param {string} id */
  async #restart(id) {
    try {
      const { head } = await this.#options.api.events(id, 0, 1);
      this.#options.apply({ kind: "restarted", conversation: id, position: head });
      return true;
    } catch (error) {
      this.#noticeRejection(error, id);
      return false;
    }
  }

  /** Subscribes to conversations on screen first, then to those with unsent messages. */
  #followListed() {
    const { model, wanted } = this.#options;
    const listed = model.directory.all().map(({ id }) => id);
    const unsent = listed.filter((id) => model.unsent(id).length > 0);
    const watched = wanted().filter((id) => model.directory.get(id));
    const ids = [...new Set([...watched, ...unsent, ...listed])].slice(0, MAX_POSITIONS);
    // The last one is subscribed first.
    for (const id of ids.reverse()) this.#subscriptions.follow(model.replica(id), { now: false });
  }

  /** @param {number} pages */
  async list(pages) {
    const { api, apply } = this.#options;
    for (let page = 1, from; ; page += 1) {
      const { conversations, next } = await api.conversations(from);
      const complete = next === null || page === pages;
      apply({ kind: "listed", summaries: conversations, complete });
      if (complete) return this.#followListed();
      from = next;
    }
  }

  /** @param {number} wait @param {number} [failures] */
  #listLater(wait, failures = 0) {
    const { clock } = this.#options.environment;
    if (this.#listing) return;
    const listing = {
      cancel: clock.after(wait, async () => {
        const isAnswered = await this.isAnswered(() => this.list(LISTED_PAGES));
        if (this.#listing !== listing) return;
        this.#listing = null;
        if (isAnswered) return;
        const { isLoaded } = this.#options.model;
        const pause = isLoaded ? spread(LIST_SPREAD_MS, clock) : backoff(failures + 1, clock);
        this.#listLater(pause, failures + 1);
      }),
    };
    this.#listing = listing;
  }

  /** @param {() => Promise<void>} question @param {string} [id] */
  async isAnswered(question, id) {
    try {
      await question();
      return true;
    } catch (error) {
      this.#noticeRejection(error, id);
      return (
        error instanceof Rejection && error.retry !== Retry.later && error.code !== Code.forbidden
      );
    }
  }

  flush() {
    for (const replica of this.#options.model.replicas) this.#send(replica, false);
    this.#reportState();
  }

  #reportState() {
    const { apply, environment, model } = this.#options;
    const { isOpen, reason, retryAt } = this.#connection;
    const name = this.#stateName(environment.isOnline());
    /** @type {State} */
    const state = { name, reason, retryAt: isOpen ? null : retryAt };
    if (JSON.stringify(state) !== JSON.stringify(model.state)) apply({ kind: "state", state });
  }

  /** @param {boolean} isOnline */
  #stateName(isOnline) {
    if (this.#connection.isOpen) return StateName.connected;
    if (!isOnline) return StateName.offline;
    if (this.#background?.polling.works) return StateName.polling;
    return this.#wasConnected ? StateName.reconnecting : StateName.connecting;
  }
}
