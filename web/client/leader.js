/**
 * What only one tab of a person does: it holds the socket, keeps the followed logs caught up, brings the outboxes to the
 * server, and asks over HTTP while there is no socket. What it learns it tells as facts; it changes nothing itself.
 */

import { httpCarrier, socketCarrier } from "./carriers.js";
import { Connection } from "./connection.js";
import { Courier } from "./courier.js";
import { Code, Refusal } from "./errors.js";
import { Listing } from "./listing.js";
import { Polling } from "./polling.js";
import { Action, MAX_POSITIONS, parseFrame, Retry } from "./protocol.js";
import { Requests } from "./requests.js";
import { isSameState, StateName } from "./state.js";
import { Subscriptions } from "./subscriptions.js";

/** @import { Api } from "./api.js" */
/** @import { Credentials } from "./credentials.js" */
/** @import { Fact } from "./facts.js" */
/** @import { History } from "./history.js" */
/** @import { Model } from "./model.js" */
/** @import { Replica } from "./replica.js" */
/** @import { State } from "./state.js" */
/** @import { Surroundings } from "./surroundings.js" */

/**
 * @typedef {object} LeaderOptions
 * @property {Model} model
 * @property {Api} api
 * @property {History} history
 * @property {Credentials} credentials
 * @property {Surroundings} surroundings
 * @property {() => boolean} isVisible whether somebody can see one of the tabs
 * @property {() => string[]} wanted the conversations that are on the screen or listened to in one of the tabs
 * @property {(fact: Fact) => void} tell
 * @property {() => void} onRefused the token is refused, and there is no other
 */

export class Leader {
  /** @type {LeaderOptions} */ #options;
  #isRunning = false;
  #wasConnected;
  /** The tokens of the handshake under way and of the connection that stands. */ #tokens = { offered: "", taken: "" };
  /** @type {Listing} */ #listing;
  /** @type {Connection} */ #connection;
  /** @type {Requests} */ #requests;
  /** @type {Subscriptions} */ #subscriptions;
  /** @type {Courier} */ #courier;
  /** @type {Polling} */ #polling;

  /** @param {LeaderOptions} options */
  constructor(options) {
    const { api, credentials, history, isVisible, surroundings, tell } = options;
    const { clock, dial } = surroundings;
    this.#options = options;
    this.#wasConnected = options.model.state.name !== StateName.connecting;
    this.#listing = new Listing({
      api,
      clock,
      onPage: (summaries, complete) => {
        tell({ kind: "listed", summaries, complete });
        if (complete) this.#listed();
      },
      onError: (error) => this.#noticeRefusal(error),
    });
    this.#requests = new Requests((text) => this.#connection.send(text), clock);
    this.#subscriptions = new Subscriptions({
      requests: this.#requests,
      clock,
      onReady: (replica) => this.#courier.reconnected(replica),
      onGone: ({ id }) => tell({ kind: "gone", conversation: id }),
      onForeignPosition: (replica) => this.#restart(replica),
      onRefused: () => void this.#refused(this.#tokens.taken),
    });
    const bySocket = socketCarrier(this.#requests);
    const byHttp = httpCarrier(api, (sent) => this.#acknowledged(sent));
    this.#courier = new Courier({
      clock,
      carrier: ({ id }) => {
        if (this.#connection.isOpen) return this.#subscriptions.isReady(id) ? bySocket : null;
        return this.#polling.works ? byHttp : null;
      },
      onFailed: (replica, id, problem) => tell({ kind: "failed", conversation: replica.id, id, problem }),
      onResync: (replica) => {
        if (this.#connection.isOpen) this.#subscriptions.catchUp(replica.id);
        else void history.catchUp(replica).catch((error) => this.#noticeRefusal(error, replica.id));
      },
      onRefused: () => void this.#refused(this.#connection.isOpen ? this.#tokens.taken : credentials.token),
    });
    this.#polling = new Polling(() => this.#poll(), () => this.#served(), clock);
    this.#connection = new Connection({
      clock,
      dial: () => dial((this.#tokens.offered = credentials.token)),
      isVisible,
      diagnose: () => api.diagnose(),
      ping: () => JSON.stringify({ action: Action.ping, positions: this.#subscriptions.positions() }),
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
    this.#polling.start();
    this.#report();
  }

  /** Ends all that runs. The outboxes stay where a later start finds them. */
  stop() {
    this.#isRunning = false;
    this.#connection.stop();
    this.#disconnected();
    this.#polling.stop();
    this.#courier.stop();
  }

  /** Something changed for the better: the network is back, or somebody looks again. */
  wake() {
    this.#connection.wake();
    this.#report();
  }

  /** The network may be gone, or another one: see whether the connection still lives. */
  doubt() {
    this.#connection.doubt();
    this.#report();
  }

  /** There is a new token while the old one is still good. */
  renewed() {
    if (this.#connection.isOpen) this.#connection.replace();
  }

  /** Somebody looks at a conversation that is listed, or listens to it. @param {string} id */
  follow(id) {
    this.#subscriptions.follow(this.#options.model.replica(id), { now: true });
  }

  /**
   * A fact has been told, here or in another tab: what is to be done about it.
   * @param {Fact} fact
   * @param {number} unsent how many messages of its conversation were unsent before
   */
  heard(fact, unsent) {
    if (!("conversation" in fact)) return;
    const replica = this.#options.model.find(fact.conversation);
    if (fact.kind === "gone") this.#subscriptions.unfollow(fact.conversation);
    if (fact.kind === "added") this.follow(fact.conversation);
    if (!replica) return;
    if (replica.hasGap) this.#subscriptions.noticeGap(replica.id);
    if (fact.kind === "written" || fact.kind === "revived" || replica.outbox.length !== unsent) this.#courier.flush(replica);
  }

  #connected() {
    this.#wasConnected = true;
    this.#tokens.taken = this.#tokens.offered;
    this.#polling.stop();
    this.#requests.disconnected();
    this.#subscriptions.connected(this.#options.wanted()[0] ?? null);
    void this.#listing.refresh();
    this.#report();
  }

  #disconnected() {
    this.#listing.stop();
    this.#requests.disconnected();
    this.#subscriptions.disconnected();
    this.#polling.start();
    this.#report();
  }

  /** Everything rests until there is another token. @param {string} token the one that is refused */
  async #refused(token) {
    // Several requests may learn it at the same time; one of them is enough.
    if (!this.#isRunning) return;
    this.stop();
    this.#report();
    if (await this.#options.credentials.refused(token)) this.start();
    else this.#options.onRefused();
  }

  /** @param {unknown} error @param {string} [id] the conversation that was asked for */
  #noticeRefusal(error, id) {
    if (!(error instanceof Refusal)) return;
    if (error.retry === Retry.reauthenticate) void this.#refused(this.#options.credentials.token);
    else if (id !== undefined && error.code === Code.notFound) this.#options.tell({ kind: "gone", conversation: id });
  }

  /** @param {unknown} text */
  #frame(text) {
    const { model, tell } = this.#options;
    const frame = parseFrame(text);
    if (frame === null) return;
    switch (frame.event) {
      case "entry":
        return tell({ kind: "entries", conversation: frame.entry.conversation, entries: [frame.entry] });
      case "added": {
        const { conversation, title, head, by } = frame;
        return tell({ kind: "added", conversation, title, head, by });
      }
      case "removed":
        return tell({ kind: "gone", conversation: frame.conversation });
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
        if (frame.problem.retry === Retry.reauthenticate) return void this.#refused(this.#tokens.taken);
    }
    this.#requests.answered(frame);
  }

  /** @param {import("./wire.js").Sent} sent */
  #acknowledged(sent) {
    const entries = this.#options.model.find(sent.conversation)?.acknowledged(sent) ?? [];
    if (entries.length > 0) this.#options.tell({ kind: "entries", conversation: sent.conversation, entries });
  }

  /** The log is not the one that was known: begins at its end. @param {Replica} replica */
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

  /** The list is known: follows what is at its top, what has something unsent, and what somebody looks at. */
  #listed() {
    const { model, wanted } = this.#options;
    const listed = model.directory.all().map(({ id }) => id);
    const unsent = listed.filter((id) => model.unsent(id).length > 0);
    const looked = wanted().filter((id) => model.directory.get(id));
    // The last one followed is asked for first, and should be the one on the screen or the most recent.
    const followed = [...new Set([...looked, ...unsent, ...listed])].slice(0, MAX_POSITIONS).reverse();
    for (const id of followed) this.#subscriptions.follow(model.replica(id), { now: false });
  }

  /** A round without a socket: what is new in the list, on the screen and where something is unsent. */
  async #poll() {
    const { history, isVisible, model, wanted } = this.#options;
    const unsent = model.replicas.filter(({ outbox }) => outbox.length > 0);
    if (!isVisible() && unsent.length === 0) return this.#polling.works;
    try {
      await this.#listing.read(1);
      const looked = wanted().flatMap((id) => (model.directory.get(id) ? [model.replica(id)] : []));
      for (const replica of new Set([...looked, ...unsent])) await history.catchUp(replica);
      return true;
    } catch (error) {
      this.#noticeRefusal(error);
      return error instanceof Refusal && error.code !== Code.forbidden;
    }
  }

  /** HTTP answers while the socket is away. */
  #served() {
    for (const replica of this.#options.model.replicas) this.#courier.flush(replica);
    this.#report();
  }

  #report() {
    const { model, surroundings, tell } = this.#options;
    const { isOpen, reason, retryAt } = this.#connection;
    /** @type {State} */
    const state = { name: this.#stateName(surroundings.isOnline()), reason: isOpen ? null : reason, retryAt: isOpen ? null : retryAt };
    if (!isSameState(state, model.state)) tell({ kind: "state", state });
  }

  /** @param {boolean} isOnline */
  #stateName(isOnline) {
    if (this.#connection.isOpen) return StateName.connected;
    if (!isOnline) return StateName.offline;
    if (this.#polling.works) return StateName.polling;
    return this.#wasConnected ? StateName.reconnecting : StateName.connecting;
  }
}
