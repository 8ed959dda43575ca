/** One client at a server with one conversation: opening it, and what can be seen of it. */

import { FakeServer, openTab } from "./fakes.js";

/** @import { Client } from "../client/client.js" */

/** The conversation that a server has at first. */
export const ID = "c1";

/** @param {(server: FakeServer) => void} [prepare] @param {Parameters<typeof openTab>[1]} [options] */
export async function start(prepare, options) {
  const server = new FakeServer(ID);
  prepare?.(server);
  return openTab(server, options);
}

/** What the screen shows: bodies, with a mark for what is not sent. @param {Client} client */
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
