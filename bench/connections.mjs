#!/usr/bin/env node
/**
 * Measures what connections cost the harness: the memory of idle connections, and whether many
 * concurrent handshakes succeed.
 *
 *     bench/connections.mjs [--idle N] [--storm N] [--concurrency N]
 *
 * Starts its own stack; run `cargo build --package harness` and `npm --prefix e2e ci` first. N
 * clients (1,000) connect at once, each with a handshake that the authorizer and `$connect` answer.
 * Then more clients connect, 40 at a time, until N (5,000) are idle. Each must answer a ping at the
 * end. Fails if a connection is lost.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { cpus, totalmem } from "node:os";
import { parseArgs } from "node:util";

import { Stack } from "../e2e/lib/stack.js";

const WebSocket = createRequire(new URL("../e2e/package.json", import.meta.url))("ws");

/** The number of connections per user. */
const EACH = 50;
/** The number of concurrent handshakes outside the storm. */
const LANES = 40;

const { values } = parseArgs({
  options: {
    idle: { type: "string", default: "5000" },
    storm: { type: "string", default: "1000" },
    concurrency: { type: "string", default: "8" },
  },
});
const [idle, storm] = [Number(values.idle), Number(values.storm)];

const stack = new Stack();
await stack.start({ concurrency: values.concurrency });
const sockets = [];
/** The number of failures by reason. @type {Record<string, number>} */
const failures = {};
const failed = (what) => (failures[what] = (failures[what] ?? 0) + 1);
let closed = 0;

const people = Math.ceil(Math.max(idle, storm) / EACH);
const tokens = await Promise.all(
  Array.from({ length: people }, (_, index) => stack.tokenFor(`crowd-${index}`)),
);

/** Resolves when the connection is open or has failed. @param {number} number */
function connect(number) {
  return new Promise((resolve) => {
    const token = tokens[number % tokens.length];
    const socket = new WebSocket(stack.ws, ["confab.v1", `bearer.${token}`], {
      perMessageDeflate: false,
    });
    socket.once("open", () => {
      sockets.push(socket);
      socket.once("close", () => (closed += 1));
      resolve();
    });
    socket.once("unexpected-response", (request, { statusCode }) => {
      failed(statusCode);
      request.destroy();
      resolve();
    });
    socket.on("error", (error) => {
      if (socket.readyState !== WebSocket.OPEN) failed(error.message);
      resolve();
    });
  });
}

/** The resident memory of the harness in KiB. */
const memory = () =>
  Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${stack.pid}/status`, "utf8"))[1]);
const seconds = (since) => ((performance.now() - since) / 1000).toFixed(1);
const MiB = (kib) => (kib / 1024).toFixed(0);

// The first handshake loads code, which must not count as memory of a connection.
await connect(0);
const before = memory();

let began = performance.now();
await Promise.all(Array.from({ length: storm }, (_, index) => connect(index)));
const stormTook = seconds(began);
console.log(
  `${storm} at once: ${stormTook} s until the last is open; failures: ${JSON.stringify(failures)}`,
);
assert.deepEqual(failures, {});
const afterStorm = memory();

began = performance.now();
let next = sockets.length;
const lane = async () => {
  while (next < idle) await connect(next++);
};
await Promise.all(Array.from({ length: LANES }, lane));
console.log(
  `${sockets.length} open after another ${seconds(began)} s, ${LANES} at a time; failures: ${JSON.stringify(failures)}`,
);
assert.deepEqual(failures, {});
const after = memory();

began = performance.now();
const answered = sockets.map((socket) => new Promise((resolve) => socket.once("pong", resolve)));
for (const socket of sockets) socket.ping();
await Promise.all(answered);
console.log(
  `all ${answered.length} answered a ping after ${seconds(began)} s; closed meanwhile: ${closed}`,
);
assert.equal(closed, 0);

const each = ((after - before) / (sockets.length - 1)).toFixed(1);
console.log(
  `memory of the harness: ${MiB(before)} MiB, ${MiB(afterStorm)} MiB after the storm, ${MiB(after)} MiB with all: ${each} KiB per connection`,
);
console.log(
  `${cpus().length} cores (${cpus()[0].model}), ${(totalmem() / 2 ** 30).toFixed(0)} GiB`,
);
for (const socket of sockets) socket.terminate();
await stack.stop();
