/**
 * The token in use, and where the next one comes from. The provider is asked once however many find out at the same
 * moment that a token has ended.
 */

import { backoff } from "./clock.js";
import { readClaims } from "./token.js";

/** @import { Clock } from "./clock.js" */

/**
 * Answers with a token, or `null` if nobody is logged in. It is asked at the start, shortly before a token ends, and when
 * the server has refused one, which is then given, so that a provider that keeps tokens does not give the same again.
 * Throwing means "not now": it is asked again, after a while.
 * @typedef {(context: {refused: string | null}) => Promise<string | null> | string | null} TokenProvider
 */

/** How long before its end a token is replaced, in milliseconds, if it lives long enough for that. */
const MARGIN = 60_000;
/** The longest that a browser's timer can wait. */
const LONGEST_TIMER = 2 ** 31 - 1;

export class Credentials {
  #provider;
  #clock;
  #user;
  #onRenewed;
  #token;
  /** Whether the token was given in the place of a refused one, and has not been accepted by anybody since. */ #unproven = false;
  /** @type {Promise<boolean> | null} */ #renewal = null;
  /** @type {() => void} */ #cancel = () => {};

  /**
   * @param {object} options
   * @param {TokenProvider} options.provider
   * @param {string} options.token the first one
   * @param {string} options.user whose tokens these are; one of somebody else is none
   * @param {Clock} options.clock
   * @param {() => void} options.onRenewed there is a new token, before or after the end of the old one
   */
  constructor({ provider, token, user, clock, onRenewed }) {
    this.#provider = provider;
    this.#token = token;
    this.#user = user;
    this.#clock = clock;
    this.#onRenewed = onRenewed;
  }

  get token() {
    return this.#token;
  }

  /** Watches over the token's end. */
  start() {
    this.#cancel();
    const { expiresAt } = readClaims(this.#token) ?? { expiresAt: null };
    if (expiresAt === null) return;
    const left = expiresAt - this.#clock.now();
    // A clock that is wrong asks too early or too late; neither harms, and the server's no is what counts.
    if (left > 0) this.#cancel = this.#clock.after(Math.min(LONGEST_TIMER, Math.max(left - MARGIN, left / 2)), () => void this.#ask(null));
  }

  stop() {
    this.#cancel();
  }

  /** Somebody was let in with a token. @param {string} token */
  accepted(token) {
    if (token === this.#token) this.#unproven = false;
  }

  /**
   * The server has refused a token: whether there is another one now.
   * @param {string} token
   * @returns {Promise<boolean>} never rejects
   */
  async refused(token) {
    if (token !== this.#token) return true;
    // A provider whose fresh tokens are refused as well would be asked without end.
    if (this.#unproven) return false;
    // One that was asked for in good time may be on its way, and is another question: it may be answered by the old one.
    await this.#renewal;
    if (token !== this.#token) return true;
    await this.#ask(token);
    return token !== this.#token;
  }

  /**
   * Asks once more, after nobody was logged in. Any token will do, the last one too.
   * @returns {Promise<boolean>} whether there is one; never rejects
   */
  async again() {
    const given = await this.#given(null);
    this.#unproven = false;
    if (given === null) return false;
    this.#token = given;
    return true;
  }

  /** @param {string | null} refused */
  #ask(refused) {
    this.#renewal ??= this.#renew(refused).finally(() => (this.#renewal = null));
    return this.#renewal;
  }

  /** @param {string | null} refused */
  async #renew(refused) {
    const given = await this.#given(refused);
    if (given === null || given === this.#token) return false;
    this.#token = given;
    this.#unproven = true;
    this.start();
    this.#onRenewed();
    return true;
  }

  /** What the provider answers, however often it has to be asked; `null` if that is no token of this person. @param {string | null} refused */
  async #given(refused) {
    for (let failures = 1; ; failures += 1) {
      try {
        const given = await this.#provider({ refused });
        return readClaims(given)?.user === this.#user ? given : null;
      } catch {
        await new Promise((resolve) => this.#clock.after(backoff(failures, this.#clock), () => resolve(null)));
      }
    }
  }
}
