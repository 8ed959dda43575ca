/** One client and a server with one conversation. */

import { FakeServer } from "./fake_server.js";
import { openTab } from "./fakes.js";

/** @import { Client } from "../client/client.js" */

/** The server's only conversation. */
export const ID = "c1";

/** @param {(server: FakeServer) => void} [prepare] @param {Parameters<typeof openTab>[1]} [options] */
export async function start(prepare, options) {
  const server = new FakeServer(ID);
  prepare?.(server);
  return openTab(server, options);
}

/**
 * Returns the shown bodies, with a mark for unsent messages.
 * @param {Client} client
 */
export function shown(client) {
  return client
    .conversation(ID)
    .lines()
    .map((line) =>
      line.kind === "entry"
        ? line.entry.body
        : `${line.outgoing.body} (${line.outgoing.failure ? "failed" : "pending"})`,
    );
}

/** @param {FakeServer} server */
export const bodies = (server) => server.log.map(({ body }) => body);

/** @param {FakeServer} server @param {string} action @param {object} error */
export function scriptError(server, action, error) {
  server.script.push({
    action,
    answer: ({ ref }, socket) => socket.receive({ event: "error", message: "no", ref, ...error }),
  });
}
