/**
 * The work of one tab for all: it holds the socket, keeps logs complete, sends the outboxes, and
 * polls over HTTP while there is no socket.
 */

import { Connection, Poller } from "./connection.js";
import { StateName } from "./model.js";
import { Action, Code, MAX_POSITIONS, parseFrame, Rejection, Retry } from "./protocol.js";
import { Subscriptions } from "./subscriptions.js";

/** @import { Change, LeaderOptions, Replica, Sender, Sharing, State } from "./types.js" */

const POLL_AFTER_MS = 5_000;
const POLL_EVERY_MS = 5_000;
const LOAD_AGAIN_MS = 5_000;
/** The most pages of the list, with 25 conversations each. */
const MAX_PAGES = 10;

export class Leader {
  /** @type {Sharing | null} loaded when there is something to tell */
  sharing = null;
  /** @type {LeaderOptions} */
  #options;
  #isLeading = true;
  #isRunning = false;
  #wasConnected;
  #offeredToken = "";
  #acceptedToken = "";
  /** @type {Connection} */
  #connection;
  /** @type {Subscriptions} */
  #subscriptions;
  /** @type {Sender | null} loaded when a conversation is shown, or with the first message */
  #sender = null;
  /** @type {Poller} */
  #listing;
  /** @type {Poller} */
  #polling;

  /** @param {LeaderOptions} options */
  constructor(options) {
    const { api, apply, environment, isVisible, model } = options;
    const { clock, dial } = environment;
    this.#options = options;
    this.#wasConnected = model.state.name !== StateName.connecting;
    this.#listing = new Poller({
      clock,
      interval: null,
      poll: () => this.#isAnswered(() => this.#list(MAX_PAGES)),
      onSuccess: () => {},
    });
    this.#polling = new Poller({
      clock,
      interval: POLL_EVERY_MS,
      poll: () => this.#poll(),
      onSuccess: () => this.#flush(),
    });
    /** @type {Connection["request"]} */
    const request = (frame) => this.#connection.request(frame);
    this.#subscriptions = new Subscriptions({
      request,
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
      diagnose: () => api.diagnose(),
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
    this.#polling.start(POLL_AFTER_MS);
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
    this.#polling.stop();
    this.#sender?.stop();
  }

  wake() {
    this.#connection.wake();
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
    const isNew = change.kind === "written" || change.kind === "retried";
    if (isNew || replica.outbox.length !== unsent) this.#send(replica, false);
  }

  /** @param {Replica} replica @param {boolean} isReconnected */
  #send(replica, isReconnected) {
    if (this.#sender && isReconnected) this.#sender.reconnected(replica);
    else if (this.#sender) this.#sender.flush(replica);
    else if (replica.nextOutgoing()) void this.prepare();
  }

  /** Loads what sends messages, so that the first one does not wait for it. */
  async prepare() {
    const { environment } = this.#options;
    const module = await import("./sending.js").catch(() => null);
    if (this.#sender || !this.#isRunning) return;
    if (module === null) {
      environment.clock.after(LOAD_AGAIN_MS, () => void this.prepare());
      return;
    }
    this.#sender = new module.Sender({
      ...this.#options,
      request: (frame) => this.#connection.request(frame),
      transport: ({ id }) => {
        if (this.#connection.isOpen) return this.#subscriptions.isReady(id) ? "socket" : null;
        return this.#polling.works ? "http" : null;
      },
      onResync: (replica) => this.#resync(replica),
      onExpired: () => void this.#refused(this.#currentToken()),
    });
    this.#flush();
  }

  /** Tells the server how far the user has read, if it does not know. @param {string} id */
  read(id) {
    const { confirmed = null, readTo = 0 } = this.#options.model.directory.get(id) ?? {};
    if (confirmed !== null && readTo > confirmed) void this.share();
  }

  /** Tells the server what the user has read, and whether they are here. */
  async share() {
    const { clock } = this.#options.environment;
    const module = await import("./sharing.js").catch(() => null);
    if (!this.#isLeading || module === null) return;
    this.sharing ??= new module.Sharing({
      ...this.#options,
      clock,
      tell: (frame) => this.tell(frame),
      isPolling: () => this.#polling.works,
      ping: () => this.#connection.doubt(),
    });
    this.sharing.update();
  }

  /** @param {Record<string, unknown>} frame that has no answer */
  tell(frame) {
    return this.#connection.tell(frame);
  }

  #currentToken() {
    return this.#connection.isOpen ? this.#acceptedToken : this.#options.credentials.token;
  }

  #ping() {
    const { isVisible, model } = this.#options;
    // The list reports on conversations that are not subscribed.
    if (model.directory.all().length > MAX_POSITIONS && isVisible()) this.#listing.start(0);
    const positions = this.#subscriptions.positions();
    return JSON.stringify({ action: Action.ping, positions, ...this.sharing?.ping() });
  }

  /** A removal ends the subscription, and makes earlier answers meaningless. @param {string} id */
  #resubscribe(id) {
    this.#subscriptions.unfollow(id);
    this.follow(id);
  }

  #connected() {
    this.#wasConnected = true;
    this.#acceptedToken = this.#offeredToken;
    this.#polling.stop();
    this.#subscriptions.connected(this.#options.wanted()[0] ?? null);
    this.#listing.start(0);
    this.#reportState();
    this.sharing?.connected();
  }

  #disconnected() {
    this.#listing.stop();
    this.#subscriptions.disconnected();
    this.#polling.start(POLL_AFTER_MS);
    this.#reportState();
  }

  /** @param {Replica} replica */
  #resync(replica) {
    if (this.#connection.isOpen) this.#subscriptions.catchUp(replica.id);
    else
      void this.#options.history
        .catchUp(replica)
        .catch((error) => this.#noticeRejection(error, replica.id));
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
    if (error.retry === Retry.reauthenticate) void this.#refused(this.#options.credentials.token);
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
      case "entry": {
        const { entry } = frame;
        return apply({ kind: "entries", conversation: entry.conversation, entries: [entry] });
      }
      case "added": {
        const { conversation, title, head, by } = frame;
        return apply({ kind: "added", conversation, title, head, by });
      }
      case "removed":
        // The notice may be late: the user may be a participant again. Subscribing finds out.
        if (model.directory.get(frame.conversation)) this.#resubscribe(frame.conversation);
        return;
      case "subscribed": {
        const { conversation, page } = frame;
        apply({ kind: "entries", conversation, entries: page.events });
        if (page.messages !== undefined)
          this.#position(conversation, page.read, [page.head, page.messages]);
        break;
      }
      case "sent":
        this.#sender?.acknowledged(frame.sent);
        break;
      case "pong":
        for (const [id, head] of frame.heads) {
          if (head > (model.find(id)?.position ?? head)) this.#subscriptions.catchUp(id);
        }
        for (const [id, read] of frame.read ?? []) this.#position(id, read);
        if (frame.presence) apply({ kind: "presence", people: frame.presence });
        break;
      case "read": {
        const { conversation, user, readTo, messages } = frame;
        return apply({
          kind: "positions",
          conversation,
          read: [[user, readTo]],
          ...(messages !== undefined && { counted: [readTo, messages] }),
          isNow: true,
        });
      }
      case "typing": {
        const { conversation, user, name, after, forMs } = frame;
        return apply({ kind: "typing", conversation, user, name, after, forMs });
      }
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
  async #list(pages) {
    const { api, apply } = this.#options;
    for (let page = 1, from; ; page += 1) {
      const { conversations, next } = await api.conversations(from);
      const complete = next === null || page === pages;
      apply({ kind: "listed", summaries: conversations, complete });
      if (complete) return this.#followListed();
      from = next;
    }
  }

  async #poll() {
    const { history, isVisible, model, wanted } = this.#options;
    const unsent = model.replicas.filter(({ outbox }) => outbox.length > 0);
    if (!isVisible() && unsent.length === 0) return this.#polling.works;
    if (!(await this.#isAnswered(() => this.#list(1)))) return false;
    const watched = wanted().filter((id) => model.directory.get(id));
    const replicas = new Set([...watched.map((id) => model.replica(id)), ...unsent]);
    for (const replica of replicas) {
      if (!(await this.#isAnswered(() => history.catchUp(replica), replica.id))) return false;
    }
    return true;
  }

  /** @param {() => Promise<void>} question @param {string} [id] */
  async #isAnswered(question, id) {
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

  #flush() {
    for (const replica of this.#options.model.replicas) this.#send(replica, false);
    this.#reportState();
  }

  #reportState() {
    const { apply, environment, model } = this.#options;
    const { isOpen, reason, retryAt } = this.#connection;
    const name = this.#stateName(environment.isOnline());
    /** @type {State} */
    const state = { name, reason, retryAt: isOpen ? null : retryAt };
    const isSame =
      state.name === model.state.name &&
      state.reason === model.state.reason &&
      state.retryAt === model.state.retryAt;
    if (!isSame) apply({ kind: "state", state });
  }

  /** @param {boolean} isOnline */
  #stateName(isOnline) {
    if (this.#connection.isOpen) return StateName.connected;
    if (!isOnline) return StateName.offline;
    if (this.#polling.works) return StateName.polling;
    return this.#wasConnected ? StateName.reconnecting : StateName.connecting;
  }
}
