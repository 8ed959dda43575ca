/** Reads what a token says of itself. Whether it is valid is the server's to say. */

import { isText, parseObject } from "./protocol.js";

/**
 * @typedef {object} Claims
 * @property {string} user
 * @property {string} name
 * @property {number | null} expiresAt milliseconds since 1970; `null` if it does not say
 */

/**
 * Reads user, name and end out of a token; `null` if it is no JSON Web Token.
 * @param {unknown} token
 * @returns {Claims | null}
 */
export function readClaims(token) {
  if (typeof token !== "string" || !/^[\w.-]+$/.test(token)) return null;
  const [, payload] = token.split(".");
  if (payload === undefined) return null;
  try {
    const bytes = Uint8Array.from(atob(payload.replace(/-/g, "+").replace(/_/g, "/")), (character) => character.charCodeAt(0));
    const claims = parseObject(new TextDecoder().decode(bytes));
    if (!claims || !isText(claims.sub)) return null;
    const expiresAt = typeof claims.exp === "number" && Number.isFinite(claims.exp) ? claims.exp * 1_000 : null;
    return { user: claims.sub, name: isText(claims.name) ? claims.name : claims.sub, expiresAt };
  } catch {
    return null;
  }
}
