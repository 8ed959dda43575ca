/** Confab's client for browsers: all that a page needs. Other modules may change without notice. */

import { readClaims } from "./api.js";
import { browserSurroundings } from "./browser.js";
import { Client } from "./client.js";
import { SignedOut } from "./protocol.js";

export { Client } from "./client.js";
export { systemClock } from "./clock.js";
export { Conversation } from "./conversation.js";
export { readClaims } from "./api.js";
export { StateName } from "./model.js";
export {
  cleanBody,
  Code,
  encodedBytes,
  handshakeProtocols,
  MAX_BODY_BYTES,
  MAX_PARTICIPANTS,
  MAX_TITLE_BYTES,
  MAX_USER_BYTES,
  Refusal,
  SignedOut,
  Unanswered,
} from "./protocol.js";

/** @typedef {import("./facts.js").Line} Line */
/** @typedef {import("./facts.js").Listed} Listed */
/** @typedef {import("./facts.js").Message} Message */
/** @typedef {import("./facts.js").Person} Person */
/** @typedef {import("./facts.js").State} State */
/** @typedef {import("./parts.js").TokenProvider} TokenProvider */
/** @typedef {import("./surroundings.js").Surroundings} Surroundings */
/** @typedef {import("./wire.js").Entry} Entry */
/** @typedef {import("./wire.js").Problem} Problem */

/**
 * Starts the client of whoever the token is of, and does not wait for a connection: `client.state` tells of that.
 * @param {{http: string, ws: string, token: TokenProvider}} options `ws` with its stage
 * @throws {TypeError} for a URL that is none @throws {SignedOut} if there is no token; what the provider throws is thrown on
 */
export async function connect({ http, ws, token: provider }) {
  const base = address(http, ["http:", "https:"]);
  const socket = address(ws, ["ws:", "wss:"]);
  const token = await provider({ refused: null });
  const claims = readClaims(token);
  if (token === null || claims === null)
    throw new SignedOut("The token provider gave no JSON Web Token with a `sub`");
  const { user, name } = claims;
  const surroundings = browserSurroundings({ http: base, ws: socket, user });
  const client = new Client({ http: base, me: { user, name }, token, provider, surroundings });
  void client.start();
  return client;
}

/** @param {string} url @param {string[]} schemes */
function address(url, schemes) {
  const { protocol } = new URL(url);
  if (!schemes.includes(protocol))
    throw new TypeError(`${url} does not begin with ${schemes.join(" or ")}`);
  return url.replace(/\/+$/, "");
}
