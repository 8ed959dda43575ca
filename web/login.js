/** Logging in where anybody may, as on the local stack. */

import { isText, parseObject } from "./client/protocol.js";
import { readToken } from "./session.js";

/** @import { Session } from "./session.js" */

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
