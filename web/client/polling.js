/**
 * Reads over HTTP while there is no socket. Loaded when there has been none for some seconds.
 */

import { spread } from "./connection.js";
import { Code, Rejection, Retry } from "./protocol.js";

/** @import { Api, Credentials, PollingOptions, Reason } from "./types.js" */

/** The mean pause between polls. It doubles with each poll, so that an outage does not grow. */
const FIRST_PAUSE_MS = 5_000;
/** Spread, this is 20 to 60 s. */
const LONGEST_PAUSE_MS = 40_000;
/** The list costs the server as much as all conversations of the user together. */
const LIST_EVERY_MS = 60_000;

export class Polling {
  /** Whether the last poll was answered. */
  works = false;
  /** @type {PollingOptions} */
  #options;
  #isRunning = false;
  /** Grows with each `stop`. Answers to earlier polls are ignored. */
  #generation = 0;
  #pause = FIRST_PAUSE_MS;
  #dueAt = 0;
  #listAt = 0;
  #cancel = () => {};

  /** @param {PollingOptions} options */
  constructor(options) {
    this.#options = options;
  }

  start() {
    if (this.#isRunning) return;
    const { clock, model } = this.#options;
    this.#isRunning = true;
    this.#pause = FIRST_PAUSE_MS;
    this.#listAt = model.isLoaded ? clock.now() + LIST_EVERY_MS * clock.random() : 0;
    void this.#poll();
  }

  stop() {
    this.#generation += 1;
    this.#cancel();
    this.#isRunning = false;
    this.works = false;
  }

  /** The user has written or come back: they expect an answer soon. */
  hurry() {
    this.#pause = FIRST_PAUSE_MS;
    const dueAt = this.#dueAt;
    if (this.#isRunning && dueAt > this.#options.clock.now() + this.#pause * 1.5) this.#schedule();
  }

  #schedule() {
    const { clock } = this.#options;
    const wait = spread(this.#pause, clock);
    this.#pause = Math.min(LONGEST_PAUSE_MS, 2 * this.#pause);
    this.#dueAt = clock.now() + wait;
    this.#cancel();
    this.#cancel = clock.after(wait, () => void this.#poll());
  }

  async #poll() {
    const generation = this.#generation;
    this.#dueAt = 0;
    const isAnswered = await this.#read();
    if (generation !== this.#generation) return;
    this.works = isAnswered;
    this.#schedule();
    if (isAnswered) this.#options.onSuccess();
  }

  /** Returns whether the server answered. */
  async #read() {
    const { catchUp, clock, isVisible, list, model, wanted } = this.#options;
    const unsent = model.replicas.filter(({ outbox }) => outbox.length > 0);
    if (!isVisible() && unsent.length === 0) return this.works;
    if (clock.now() >= this.#listAt || wanted().length + unsent.length === 0) {
      if (!(await list())) return false;
      this.#listAt = clock.now() + LIST_EVERY_MS;
    }
    const watched = wanted().filter((id) => model.directory.get(id));
    for (const replica of new Set([...watched.map((id) => model.replica(id)), ...unsent]))
      if (!(await catchUp(replica))) return false;
    return true;
  }
}

/**
 * Asks why a handshake failed, because a browser does not say. `renewed`: there is a new token.
 * @param {Api} api
 * @param {Pick<Credentials, "token">} credentials
 * @returns {Promise<Reason | "renewed">}
 */
export async function diagnose(api, credentials) {
  const used = credentials.token;
  try {
    await api.conversations();
    return used === credentials.token ? "blocked" : "renewed";
  } catch (error) {
    if (!(error instanceof Rejection)) return "away";
    if (error.retry === Retry.reauthenticate) return "expired";
    return error.code === Code.forbidden ? "forbidden" : "away";
  }
}
