/**
 * Starts Confab's client in Node.js 22 or newer, or in Node.js 20 with `--experimental-websocket`.
 *
 * Outside this repository, import from the npm package `confab-client` instead.
 */
import {
  Client,
  handshakeProtocols,
  readClaims,
  SignedOut,
  systemClock,
} from "../../web/client/index.js";

/**
 * @param {object} options
 * @param {string} options.http URL of the HTTP API
 * @param {string} options.ws URL of the WebSocket API, with its stage
 * @param {() => Promise<string>} options.token called at the start and whenever a token expires
 */
export async function connect({ http, ws, token: provider }) {
  const token = await provider();
  const claims = readClaims(token);
  if (claims === null) throw new SignedOut("the token provider returned no token");
  const client = new Client({
    http,
    me: { user: claims.user, name: claims.name },
    token,
    provider,
    environment: {
      clock: systemClock,
      fetch: (url, options) => fetch(url, options),
      dial: (token) => new WebSocket(ws, handshakeProtocols(token)),
      newId: () => crypto.randomUUID(),
      isVisible: () => true,
      isOnline: () => true,
      watch: () => () => {},
      // Unsent messages are kept in memory: they are lost if the process ends.
      outboxes: { load: async () => [], put() {}, remove() {} },
      tabs: null,
    },
  });
  await client.start();
  return client;
}
