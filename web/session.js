/**
 * Who is logged in in this window. The token lives in the session storage, so that two windows can be two people and a
 * closed one is nobody. It is read here only to know whose it is: whether it is valid is the server's to say.
 */

import { readClaims } from "./client/index.js";

const TOKEN_KEY = "confab.token";

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
  const provider = /** @type {{confabToken?: unknown}} */ (/** @type {unknown} */ (globalThis)).confabToken;
  if (typeof provider !== "function") return null;
  try {
    return readToken(String(await provider()));
  } catch {
    return null;
  }
}
