/**
 * What this window keeps in its session storage, so that two windows can be two people and a closed one is nobody: who is
 * logged in, and what is half written. A token is read here only to know whose it is: whether it is valid is the
 * server's to say.
 */

import { readClaims } from "./client/index.js";
import { isObject, isText, parseObject } from "./client/protocol.js";

const TOKEN_KEY = "confab.token";
const DRAFTS_KEY = "confab.drafts";

/** @typedef {{token: string, user: string, name: string}} Session */

/**
 * Reads user and name out of a token; `null` if it is no JSON Web Token.
 * @param {string} token
 * @returns {Session | null}
 */
export function readToken(token) {
  const claims = readClaims(token);
  return claims && { token, user: claims.user, name: claims.name };
}

/** The session of this window, if there is one. @param {Storage} storage */
export function loadSession(storage) {
  return readToken(storage.getItem(TOKEN_KEY) ?? "");
}

/** @param {Storage} storage @param {Session | null} session */
export function saveSession(storage, session) {
  if (session) storage.setItem(TOKEN_KEY, session.token);
  else storage.removeItem(TOKEN_KEY);
}

/**
 * Takes a token from the page that Confab is built into. Such a page sets `window.confabToken` to a function that
 * answers with a token, or a promise of one, before `app.js` is loaded; it is called at the start and whenever a token
 * ends.
 * @returns {Promise<Session | null>} `null` if there is no such function, or it has none that is one
 */
export async function askPage() {
  const provider = /** @type {{confabToken?: unknown}} */ (/** @type {unknown} */ (globalThis))
    .confabToken;
  if (typeof provider !== "function") return null;
  try {
    return readToken(String(await provider()));
  } catch {
    return null;
  }
}

/** A login that did not come about, with words for the person who tried. */
export class LoginFailed extends Error {}

/**
 * Logs in at the local stack's issuer, which takes anybody.
 * @param {string} url
 * @param {{user: string, name?: string}} person
 * @returns {Promise<Session>}
 * @throws {LoginFailed}
 */
export async function logIn(url, person) {
  let answer;
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(person),
    });
    answer = parseObject(await response.text());
  } catch {
    throw new LoginFailed("The server cannot be reached. Is it running?");
  }
  const session = isText(answer?.token) ? readToken(answer.token) : null;
  if (session) return session;
  const reason = answer?.message ?? answer?.detail ?? answer?.title;
  throw new LoginFailed(isText(reason) ? reason : "That did not work.");
}

/**
 * What is half written, by conversation: a reload loses nothing, and another window is another desk. It is somebody's
 * own and ends with logging out.
 */
export class Drafts {
  /** @type {Map<string, string>} */ #texts;
  #storage;
  #user;

  /** @param {Storage} storage @param {string} user whose drafts these are; what somebody else left behind is thrown away */
  constructor(storage, user) {
    this.#storage = storage;
    this.#user = user;
    const kept = parseObject(storage.getItem(DRAFTS_KEY) ?? "");
    const texts = kept?.user === user && isObject(kept.texts) ? Object.entries(kept.texts) : [];
    this.#texts = new Map(
      texts.flatMap(([conversation, text]) => (isText(text) ? [[conversation, text]] : [])),
    );
    this.#keep();
  }

  /** @param {string} conversation */
  get(conversation) {
    return this.#texts.get(conversation) ?? "";
  }

  /** @param {string} conversation @param {string} text empty: there is none any more */
  set(conversation, text) {
    if (text === this.get(conversation)) return;
    if (text === "") this.#texts.delete(conversation);
    else this.#texts.set(conversation, text);
    this.#keep();
  }

  /** Throws all away. */
  clear() {
    this.#texts.clear();
    this.#keep();
  }

  #keep() {
    if (this.#texts.size === 0) return this.#storage.removeItem(DRAFTS_KEY);
    try {
      this.#storage.setItem(
        DRAFTS_KEY,
        JSON.stringify({ user: this.#user, texts: Object.fromEntries(this.#texts) }),
      );
    } catch {
      // A full storage: what is on the screen stays there, and only a reload would lose it.
    }
  }
}
