/** The public API of the client. Pages import only this module; the others may change. */

import { browserEnvironment } from "./browser.js";
import { Client } from "./client.js";
import { readClaims } from "./api.js";
import { SignedOut } from "./protocol.js";

export { systemClock } from "./browser.js";
export { Client } from "./client.js";
export { backoff } from "./connection.js";
export { Conversation, messageOf } from "./conversation.js";
export { readClaims } from "./api.js";
export { StateName } from "./model.js";
export {
  cleanBody,
  Code,
  encodedBytes,
  handshakeProtocols,
  isObject,
  isolated,
  isText,
  MAX_BODY_BYTES,
  MAX_PARTICIPANTS,
  MAX_TITLE_BYTES,
  MAX_USER_BYTES,
  parseObject,
  Rejection,
  SignedOut,
  Unanswered,
} from "./protocol.js";

/** @import { Settings, TokenProvider } from "./types.js" */

/**
 * @param {Settings & {http: string, ws: string, token: TokenProvider}} options `ws` includes the
 *   stage
 * @throws {TypeError | SignedOut} if a URL is not valid; if there is no token
 */
export async function connect({ http, ws, token: provider, ...settings }) {
  const base = address(http, ["http:", "https:"]);
  const socket = address(ws, ["ws:", "wss:"]);
  const token = await provider({ refused: null });
  const claims = readClaims(token);
  if (token === null || claims === null)
    throw new SignedOut("The token provider returned no JSON Web Token with a `sub`.");
  const { user, name } = claims;
  const environment = browserEnvironment({ http: base, ws: socket, user });
  const me = { user, name };
  const client = new Client({ ...settings, http: base, me, token, provider, environment });
  void client.start();
  return client;
}

/** @param {string} url @param {string[]} schemes */
function address(url, schemes) {
  const { protocol } = new URL(url);
  if (!schemes.includes(protocol))
    throw new TypeError(`${url} does not begin with ${schemes.join(" or ")}`);
  return url.replace(/(?<!\/)\/+$/, "");
}
