/** The user's token, and how it is renewed. */

import { backoff } from "./clock.js";
import { isText, parseObject } from "./protocol.js";

/** @import { CredentialsOptions } from "./types.js" */

/** A token is renewed this long before it ends, if it lives long enough. */
const MARGIN_MS = 60_000;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export class Credentials {
  /** @type {CredentialsOptions} */
  #options;
  #token;
  /** Whether the server has not accepted the token yet. Prevents endless renewals. */
  #isUnproven = false;
  /** @type {Promise<void> | null} */
  #renewal = null;
  #cancel = () => {};

  /** @param {CredentialsOptions} options */
  constructor(options) {
    this.#options = options;
    this.#token = options.token;
  }

  get token() {
    return this.#token;
  }

  /** Schedules the renewal. A wrong clock is harmless: only the server rejects tokens. */
  start() {
    this.#cancel();
    const { clock } = this.#options;
    const left = (readClaims(this.#token)?.expiresAt ?? 0) - clock.now();
    if (left <= 0) return;
    const wait = Math.min(LONGEST_TIMER_MS, Math.max(left - MARGIN_MS, left / 2));
    this.#cancel = clock.after(wait, () => void this.#renewOnce(null));
  }

  stop() {
    this.#cancel();
  }

  /** @param {string} token */
  accepted(token) {
    if (token === this.#token) this.#isUnproven = false;
  }

  /** Whether a token that the server accepted has ended. @param {string} token */
  hasEnded(token) {
    const end = readClaims(token)?.expiresAt;
    return !this.#isUnproven && !!end && end <= this.#options.clock.now();
  }

  /** @param {string} token */
  async refused(token) {
    if (token !== this.#token) return true;
    if (this.#isUnproven) return false;
    // A renewal under way was asked without `refused`, and may return the same token.
    await this.#renewal;
    if (token === this.#token) await this.#renewOnce(token);
    return token !== this.#token;
  }

  /** Asks for a token after the user was signed out. The previous token is acceptable, too. */
  async signIn() {
    const given = await this.#ask(null);
    this.#isUnproven = false;
    this.#token = given ?? this.#token;
    return given !== null;
  }

  /** @param {string | null} refused */
  #renewOnce(refused) {
    this.#renewal ??= this.#renew(refused).finally(() => {
      this.#renewal = null;
    });
    return this.#renewal;
  }

  /** @param {string | null} refused */
  async #renew(refused) {
    const given = await this.#ask(refused);
    if (given === null || given === this.#token) return;
    this.#token = given;
    this.#isUnproven = true;
    this.start();
    this.#options.onRenewed();
  }

  /** @param {string | null} refused */
  async #ask(refused) {
    const { clock, provider, user } = this.#options;
    for (let failures = 1; ; failures += 1) {
      try {
        const given = await provider({ refused });
        return readClaims(given)?.user === user ? given : null;
      } catch {
        await new Promise((resolve) => clock.after(backoff(failures, clock), () => resolve(null)));
      }
    }
  }
}

/**
 * Reads a JSON Web Token without verifying it. Returns `null` for anything else.
 * @param {unknown} token
 */
export function readClaims(token) {
  if (typeof token !== "string" || !/^[\w.-]+$/.test(token)) return null;
  try {
    const payload = atob((token.split(".")[1] ?? "").replace(/-/g, "+").replace(/_/g, "/"));
    const bytes = Uint8Array.from(payload, (character) => character.charCodeAt(0));
    const { sub, name, exp } = parseObject(new TextDecoder().decode(bytes)) ?? {};
    if (!isText(sub)) return null;
    return {
      user: sub,
      name: isText(name) ? name : sub,
      expiresAt: Number.isFinite(exp) ? Number(exp) * 1_000 : null,
    };
  } catch {
    return null;
  }
}
