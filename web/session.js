/** What a window keeps in its session storage, so that two windows can be two users. */

import { isObject, isText, parseObject, readClaims } from "./client/index.js";

const TOKEN_KEY = "confab.token";
const DRAFTS_KEY = "confab.drafts";

/** @typedef {{token: string, user: string, name: string}} Session */

/** @param {string} token @returns {Session | null} */
export function readToken(token) {
  const claims = readClaims(token);
  return claims && { token, user: claims.user, name: claims.name };
}

/** @param {Storage} storage */
export function loadSession(storage) {
  return readToken(storage.getItem(TOKEN_KEY) ?? "");
}

/** @param {Storage} storage @param {Session | null} session */
export function saveSession(storage, session) {
  if (session) storage.setItem(TOKEN_KEY, session.token);
  else storage.removeItem(TOKEN_KEY);
}

/**
 * Asks `window.confabToken` for a token, if the surrounding page has set it. See the README.
 * @param {string | null} refused
 * @returns {Promise<Session | null>}
 */
export async function askPage(refused) {
  const provider = Reflect.get(globalThis, "confabToken");
  return typeof provider === "function" ? readToken(String(await provider({ refused }))) : null;
}

/** The user's drafts, by conversation. They survive a reload, but not a logout. */
export class Drafts {
  /** @type {Map<string, string>} */
  #texts;
  #storage;
  #user;

  /**
   * @param {Storage} storage
   * @param {string} user the owner of the drafts; those of other users are deleted
   */
  constructor(storage, user) {
    this.#storage = storage;
    this.#user = user;
    const stored = parseObject(storage.getItem(DRAFTS_KEY) ?? "");
    const isOwn = stored?.user === user && isObject(stored.texts);
    const texts = isOwn ? Object.entries(stored.texts ?? {}) : [];
    this.#texts = new Map(texts.filter(([, text]) => isText(text)));
    this.#store();
  }

  /** @param {string} conversation */
  get(conversation) {
    return this.#texts.get(conversation) ?? "";
  }

  /** @param {string} conversation @param {string} text empty to delete the draft */
  set(conversation, text) {
    if (text === this.get(conversation)) return;
    if (text === "") this.#texts.delete(conversation);
    else this.#texts.set(conversation, text);
    this.#store();
  }

  clear() {
    this.#texts.clear();
    this.#store();
  }

  #store() {
    if (this.#texts.size === 0) return this.#storage.removeItem(DRAFTS_KEY);
    const texts = Object.fromEntries(this.#texts);
    try {
      this.#storage.setItem(DRAFTS_KEY, JSON.stringify({ user: this.#user, texts }));
    } catch {}
  }
}
