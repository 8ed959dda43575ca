/**
 * Confab's client for browsers. Everything that a page needs is here; other modules may change without notice.
 */

import { browserSurroundings } from "./browser.js";
import { Client } from "./client.js";
import { SignedOut } from "./errors.js";
import { readClaims } from "./token.js";

export { Client } from "./client.js";
export { Conversation } from "./conversation.js";
export { Code, Refusal, SignedOut, Unanswered } from "./errors.js";
export { cleanBody, encodedBytes, MAX_BODY_BYTES, MAX_PARTICIPANTS, MAX_TITLE_BYTES, MAX_USER_BYTES } from "./protocol.js";
export { StateName } from "./state.js";
export { readClaims } from "./token.js";

/** @typedef {import("./conversation.js").Message} Message */
/** @typedef {import("./credentials.js").TokenProvider} TokenProvider */
/** @typedef {import("./directory.js").Listed} Listed */
/** @typedef {import("./wire.js").Entry} Entry */
/** @typedef {import("./wire.js").Problem} Problem */
/** @typedef {import("./replica.js").Line} Line */
/** @typedef {import("./replica.js").Person} Person */
/** @typedef {import("./state.js").State} State */

/**
 * Makes the client of whoever the token is of, and starts it. It resolves as soon as it is known who that is, and does
 * not wait for a connection: `client.state` tells of that.
 * @param {object} options
 * @param {string} options.http URL of the HTTP API
 * @param {string} options.ws URL of the WebSocket API, with its stage
 * @param {TokenProvider} options.token asked now, and whenever another token is needed
 * @returns {Promise<Client>}
 * @throws {TypeError} for a URL that is none
 * @throws {SignedOut} if there is no token, or it is no JSON Web Token; what the provider throws is thrown on
 */
export async function connect({ http, ws, token: provider }) {
  const base = address(http, ["http:", "https:"]);
  const socket = address(ws, ["ws:", "wss:"]);
  const token = await provider({ refused: null });
  const claims = readClaims(token);
  if (token === null || claims === null) throw new SignedOut("The token provider gave no JSON Web Token with a `sub`");
  const { user, name } = claims;
  const surroundings = browserSurroundings({ http: base, ws: socket, user });
  const client = new Client({ http: base, me: { user, name }, token, provider, surroundings });
  void client.start();
  return client;
}

/** @param {string} url @param {string[]} schemes */
function address(url, schemes) {
  const { protocol } = new URL(url);
  if (!schemes.includes(protocol)) throw new TypeError(`${url} does not begin with ${schemes.join(" or ")}`);
  return url.replace(/\/+$/, "");
}
