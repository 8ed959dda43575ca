/**
 * What the leading tab does besides keeping logs complete: it sends the outboxes, polls while there
 * is no socket, and tells the server about its user. Loaded a moment after the start.
 */

import { changeOf } from "./notices.js";
import { diagnose, Polling } from "./polling.js";
import { Sender } from "./sending.js";
import { Sharing } from "./sharing.js";

/** @import { BackgroundOptions } from "./types.js" */

export class Background {
  /** @type {Sharing | null} */
  sharing = null;
  /** @type {BackgroundOptions} */
  #options;

  /** @param {BackgroundOptions} options */
  constructor(options) {
    const { connection, environment, history, leader, subscriptions } = options;
    const { clock } = environment;
    this.#options = options;
    this.sender = new Sender({
      ...options,
      unsent: leader.unsent,
      request: (frame) => connection.request(frame),
      transport: ({ id }) => {
        if (connection.isOpen) return subscriptions.isReady(id) ? "socket" : null;
        return this.polling.works ? "http" : null;
      },
      onResync: (replica) => {
        if (connection.isOpen) subscriptions.catchUp(replica.id);
        else void leader.isAnswered(() => history.catchUp(replica), replica.id);
      },
      onExpired: () => leader.expired(),
    });
    this.polling = new Polling({
      ...options,
      clock,
      list: () => leader.isAnswered(() => leader.list(1)),
      catchUp: (replica) => leader.isAnswered(() => history.catchUp(replica), replica.id),
      onSuccess: () => leader.flush(),
    });
  }

  share() {
    const { connection, environment } = this.#options;
    this.sharing ??= new Sharing({
      ...this.#options,
      clock: environment.clock,
      tell: (frame) => connection.tell(frame),
      isPolling: () => this.polling.works,
      ping: () => connection.doubt(),
    });
    this.sharing.update();
  }

  /** Finds out over HTTP why there is no socket. */
  async diagnose() {
    const { api, credentials } = this.#options;
    return this.polling.works ? "blocked" : diagnose(api, credentials);
  }

  /** @param {Record<string, unknown>} frame that is neither an entry nor an answer */
  noticed(frame) {
    const change = changeOf(frame);
    if (change) this.#options.apply(change);
  }
}
