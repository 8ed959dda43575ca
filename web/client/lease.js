/** Whether the user is here, and what they want to know of others: the members of pings for it. */

/** @import { SharingOptions } from "./types.js" */

/** The server forgets who has not been active for five minutes and a half. */
const RENEW_AFTER_MS = 4 * 60_000;
const MAX_WATCHED = 5;

export class Lease {
  /** @type {SharingOptions} */
  #options;
  /** @type {"active" | "away"} */
  #said = "away";
  #saidAt = 0;
  #asked = "";
  #cancel = () => {};

  #unconfirmed;

  /**
   * @param {SharingOptions} options
   * @param {() => string[]} unconfirmed conversations whose positions the server has to say
   */
  constructor(options, unconfirmed) {
    this.#options = options;
    this.#unconfirmed = unconfirmed;
  }

  members() {
    const { clock } = this.#options;
    const state = this.#state();
    const watched = this.#watched();
    const watch = [...new Set([...watched, ...this.#unconfirmed()])].slice(0, MAX_WATCHED);
    const isDue =
      state !== this.#said || (state === "active" && clock.now() - this.#saidAt >= RENEW_AFTER_MS);
    this.#asked = watched.join();
    if (isDue) {
      this.#said = state;
      this.#saidAt = clock.now();
    }
    return { ...(isDue && { presence: state }), ...(watch.length > 0 && { watch }) };
  }

  /** Something that `members` depends on may have changed. */
  update() {
    const { activeUntil, clock, ping } = this.#options;
    this.#cancel();
    const left = activeUntil() - clock.now();
    if (left > 0) this.#cancel = clock.after(left, () => this.update());
    const watched = this.#watched().join();
    if (this.#state() !== this.#said || (watched !== "" && watched !== this.#asked)) ping();
  }

  /** The server knows the state by connection. */
  connected() {
    this.#said = "away";
    this.update();
  }

  #state() {
    const { activeUntil, clock } = this.#options;
    return clock.now() < activeUntil() ? "active" : "away";
  }

  #watched() {
    const { isVisible, wanted } = this.#options;
    return isVisible() ? wanted().slice(0, MAX_WATCHED) : [];
  }
}
