/**
 * What only one tab of a person does: it holds the socket, keeps logs caught up, brings the outboxes to the server, and
 * asks over HTTP while there is no socket. What it learns it tells as facts.
 */

import { backoff } from "./clock.js";
import { Connection } from "./connection.js";
import { StateName } from "./model.js";
import { Action, Code, MAX_POSITIONS, parseFrame, Refusal, Retry } from "./protocol.js";
import { Courier, httpCarrier, socketCarrier, Subscriptions } from "./sync.js";

/** @import { Fact, State } from "./facts.js" */
/** @import { LeaderOptions, RoundsOptions } from "./parts.js" */

/** Most cuts are shorter. */
const PATIENCE = 5_000;
const INTERVAL = 5_000;
/** Of the list: 250 conversations. */
const PAGES = 10;

export class Leader {
  /** @type {LeaderOptions} */ #options;
  #isLeading = true;
  #isRunning = false;
  #wasConnected;
  /** Of the handshake under way, and of the connection that stands. */ #tokens = {
    offered: "",
    taken: "",
  };
  /** @type {Rounds} */ #listing;
  /** @type {Connection} */ #connection;
  /** @type {Subscriptions} */ #subscriptions;
  /** @type {Courier} */ #courier;
  /** @type {Rounds} */ #polling;

  /** @param {LeaderOptions} options */
  constructor(options) {
    const { api, credentials, history, isVisible, surroundings, tell } = options;
    const { clock, dial } = surroundings;
    this.#options = options;
    this.#wasConnected = options.model.state.name !== StateName.connecting;
    this.#listing = new Rounds({
      clock,
      every: null,
      round: () => this.#answers(() => this.#list(PAGES)),
      onAnswered: () => {},
    });
    const ask = (/** @type {Parameters<Connection["ask"]>[0]} */ request) =>
      this.#connection.ask(request);
    this.#subscriptions = new Subscriptions({
      ask,
      clock,
      onReady: (replica) => this.#courier.reconnected(replica),
      onGone: ({ id }) => tell({ kind: "gone", conversation: id }),
      onForeignPosition: (replica) => this.#restart(replica),
      onRefused: () => void this.#refused(this.#tokens.taken),
    });
    const bySocket = socketCarrier(ask);
    const byHttp = httpCarrier(api, (sent) => this.#acknowledged(sent));
    this.#courier = new Courier({
      clock,
      carrier: ({ id }) => {
        if (this.#connection.isOpen) return this.#subscriptions.isReady(id) ? bySocket : null;
        return this.#polling.works ? byHttp : null;
      },
      onFailed: (replica, id, problem) =>
        tell({ kind: "failed", conversation: replica.id, id, problem }),
      onResync: (replica) => {
        if (this.#connection.isOpen) this.#subscriptions.catchUp(replica.id);
        else void history.catchUp(replica).catch((error) => this.#noticeRefusal(error, replica.id));
      },
      onRefused: () =>
        void this.#refused(this.#connection.isOpen ? this.#tokens.taken : credentials.token),
    });
    this.#polling = new Rounds({
      clock,
      every: INTERVAL,
      round: () => this.#poll(),
      onAnswered: () => this.#flush(),
    });
    this.#connection = new Connection({
      clock,
      dial: () => dial((this.#tokens.offered = credentials.token)),
      isVisible,
      diagnose: () => api.diagnose(),
      ping: () => {
        // Of those that are not followed the list tells.
        if (options.model.directory.all().length > MAX_POSITIONS && isVisible())
          this.#listing.start(0);
        return JSON.stringify({ action: Action.ping, positions: this.#subscriptions.positions() });
      },
      onOpen: () => this.#connected(),
      onFrame: (text) => this.#frame(text),
      onDown: () => this.#disconnected(),
      onWait: () => this.#report(),
      onRefused: () => options.onRefused(),
    });
  }

  start() {
    this.#isRunning = true;
    this.#connection.start();
    this.#polling.start(PATIENCE);
    this.#report();
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
    this.#courier.stop();
  }

  wake() {
    this.#connection.wake();
    this.#report();
  }

  doubt() {
    this.#connection.doubt();
    this.#report();
  }

  /** There may be more that is unsent. */
  restored() {
    this.#listed();
    for (const { id, outbox } of this.#options.model.replicas)
      if (outbox.length > 0) this.#subscriptions.catchUp(id);
  }

  renewed() {
    if (this.#connection.isOpen) this.#connection.replace();
  }

  /** @param {string} id */
  follow(id) {
    this.#subscriptions.follow(this.#options.model.replica(id), { now: true });
  }

  /** @param {Fact} fact of any tab @param {number} unsent how many messages of its conversation were unsent before */
  heard(fact, unsent) {
    if (!("conversation" in fact)) return;
    const replica = this.#options.model.find(fact.conversation);
    if (fact.kind === "gone") this.#subscriptions.unfollow(fact.conversation);
    if (fact.kind === "added") this.#rejoin(fact.conversation);
    if (!replica) return;
    if (replica.hasGap) this.#subscriptions.noticeGap(replica.id);
    if (fact.kind === "written" || fact.kind === "revived" || replica.outbox.length !== unsent)
      this.#courier.flush(replica);
  }

  /** A subscription ends with a removal, and what was asked before it says nothing. @param {string} id */
  #rejoin(id) {
    this.#subscriptions.unfollow(id);
    this.follow(id);
  }

  #connected() {
    this.#wasConnected = true;
    this.#tokens.taken = this.#tokens.offered;
    this.#polling.stop();
    this.#subscriptions.connected(this.#options.wanted()[0] ?? null);
    this.#listing.start(0);
    this.#report();
  }

  #disconnected() {
    this.#listing.stop();
    this.#subscriptions.disconnected();
    this.#polling.start(PATIENCE);
    this.#report();
  }

  /** @param {string} token */
  async #refused(token) {
    // Several requests may learn it at once.
    if (!this.#isRunning) return;
    this.#rest();
    this.#report();
    const isRenewed = await this.#options.credentials.refused(token);
    // Another tab may lead meanwhile, or nobody.
    if (!this.#isLeading) return;
    if (isRenewed) this.start();
    else this.#options.onRefused();
  }

  /** @param {unknown} error @param {string} [id] */
  #noticeRefusal(error, id) {
    if (!(error instanceof Refusal)) return;
    if (error.retry === Retry.reauthenticate) void this.#refused(this.#options.credentials.token);
    else if (id !== undefined && error.code === Code.notFound)
      this.#options.tell({ kind: "gone", conversation: id });
    else if (id !== undefined && error.code === Code.unknownPosition) void this.#restart({ id });
  }

  /** @param {unknown} text */
  #frame(text) {
    const { model, tell } = this.#options;
    const frame = parseFrame(text);
    if (frame === null) return;
    switch (frame.event) {
      case "entry":
        return tell({
          kind: "entries",
          conversation: frame.entry.conversation,
          entries: [frame.entry],
        });
      case "added": {
        const { conversation, title, head, by } = frame;
        return tell({ kind: "added", conversation, title, head, by });
      }
      case "removed":
        // It may come late, when this person is back long since. Who is out is told so now.
        if (model.directory.get(frame.conversation)) this.#rejoin(frame.conversation);
        return;
      case "subscribed":
        tell({ kind: "entries", conversation: frame.conversation, entries: frame.page.events });
        break;
      case "sent":
        this.#acknowledged(frame.sent);
        break;
      case "pong":
        for (const [id, head] of frame.heads) {
          if (head > (model.find(id)?.position ?? head)) this.#subscriptions.catchUp(id);
        }
        break;
      case "error":
        if (frame.problem.retry === Retry.reauthenticate)
          return void this.#refused(this.#tokens.taken);
    }
    this.#connection.answered(frame);
  }

  /** @param {import("./wire.js").Sent} sent */
  #acknowledged(sent) {
    const entries = this.#options.model.find(sent.conversation)?.acknowledged(sent) ?? [];
    if (entries.length > 0)
      this.#options.tell({ kind: "entries", conversation: sent.conversation, entries });
  }

  /** Another log has taken its place: begins at its end. @param {{id: string}} replica */
  async #restart({ id }) {
    try {
      const { head } = await this.#options.api.events(id, 0, 1);
      this.#options.tell({ kind: "restarted", conversation: id, position: head });
      return true;
    } catch (error) {
      this.#noticeRefusal(error, id);
      return false;
    }
  }

  #listed() {
    const { model, wanted } = this.#options;
    const listed = model.directory.all().map(({ id }) => id);
    const unsent = listed.filter((id) => model.unsent(id).length > 0);
    const looked = wanted().filter((id) => model.directory.get(id));
    // The last one followed is asked for first.
    const followed = [...new Set([...looked, ...unsent, ...listed])]
      .slice(0, MAX_POSITIONS)
      .reverse();
    for (const id of followed) this.#subscriptions.follow(model.replica(id), { now: false });
  }

  /** @param {number} pages */
  async #list(pages) {
    const { api, tell } = this.#options;
    for (let page = 1, from; ; page += 1) {
      const { conversations, next } = await api.conversations(from);
      const complete = next === null || page === pages;
      tell({ kind: "listed", summaries: conversations, complete });
      if (complete) return this.#listed();
      from = next;
    }
  }

  /** A round without a socket. */
  async #poll() {
    const { history, isVisible, model, wanted } = this.#options;
    const unsent = model.replicas.filter(({ outbox }) => outbox.length > 0);
    if (!isVisible() && unsent.length === 0) return this.#polling.works;
    if (!(await this.#answers(() => this.#list(1)))) return false;
    const looked = wanted().flatMap((id) => (model.directory.get(id) ? [model.replica(id)] : []));
    for (const replica of new Set([...looked, ...unsent])) {
      if (!(await this.#answers(() => history.catchUp(replica), replica.id))) return false;
    }
    return true;
  }

  /** Whether the server answered, and there is no need to ask again. @param {() => Promise<void>} question @param {string} [id] */
  async #answers(question, id) {
    try {
      await question();
      return true;
    } catch (error) {
      this.#noticeRefusal(error, id);
      return (
        error instanceof Refusal && error.retry !== Retry.later && error.code !== Code.forbidden
      );
    }
  }

  #flush() {
    for (const replica of this.#options.model.replicas) this.#courier.flush(replica);
    this.#report();
  }

  #report() {
    const { model, surroundings, tell } = this.#options;
    const { isOpen, reason, retryAt } = this.#connection;
    /** @type {State} */
    const state = {
      name: this.#stateName(surroundings.isOnline()),
      reason,
      retryAt: isOpen ? null : retryAt,
    };
    const isNew =
      state.name !== model.state.name ||
      state.reason !== model.state.reason ||
      state.retryAt !== model.state.retryAt;
    if (isNew) tell({ kind: "state", state });
  }

  /** @param {boolean} isOnline */
  #stateName(isOnline) {
    if (this.#connection.isOpen) return StateName.connected;
    if (!isOnline) return StateName.offline;
    if (this.#polling.works) return StateName.polling;
    return this.#wasConnected ? StateName.reconnecting : StateName.connecting;
  }
}

/** Asks by the clock: once until there is an answer, or again and again. */
class Rounds {
  /** @type {RoundsOptions} */ #options;
  /** @type {(() => void) | null} */ #cancel = null;
  #generation = 0;
  works = false;

  /** @param {RoundsOptions} options */
  constructor(options) {
    this.#options = options;
  }

  /** @param {number} wait before the first one, in milliseconds */
  start(wait) {
    if (this.#cancel === null) this.#schedule(wait, 0);
  }

  stop() {
    this.#generation += 1;
    this.#cancel?.();
    this.#cancel = null;
    this.works = false;
  }

  /** @param {number} wait @param {number} failures in a row */
  #schedule(wait, failures) {
    const { clock, every, onAnswered, round } = this.#options;
    const generation = this.#generation;
    this.#cancel = clock.after(wait, async () => {
      const answered = await round();
      if (generation !== this.#generation) return;
      this.works = answered;
      if (!answered)
        return this.#schedule((every ?? 0) + backoff(failures + 1, clock), failures + 1);
      this.#cancel = null;
      onAnswered();
      if (every !== null && generation === this.#generation) this.#schedule(every, 0);
    });
  }
}
