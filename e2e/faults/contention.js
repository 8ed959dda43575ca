/**
 * Measures how fast one conversation grows with many concurrent writers, and how many writes each
 * message costs.
 *
 *     node faults/contention.js [--writers N] [--messages N] [--processes N] [--latency FROM,TO]
 *
 * Each writer sends over HTTP and waits for the acknowledgement before its next message. As many
 * appends run at once as there are function processes; the other writers wait for a process.
 * `--latency` makes DynamoDB calls slower by this many milliseconds, so that an append waits for
 * them and not for this machine's processors. `python3 model/contention.py PROCESSES RTT` prints
 * the expected result.
 */
import assert from "node:assert/strict";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { Stack, TARGET } from "../lib/stack.js";
import { endpointsOf } from "./endpoints.js";
import { History } from "./history.js";
import { Injections } from "./injections.js";
import { judge } from "./judge.js";
import { PlainDevice } from "./plain_device.js";

const { values } = parseArgs({
  options: {
    writers: { type: "string", default: "50" },
    messages: { type: "string", default: "20" },
    processes: { type: "string", default: "8" },
    latency: { type: "string", default: "0,0" },
  },
});
const [writers, messages] = [values.writers, values.messages].map(Number);
const ms = values.latency.split(",").map(Number);
const folder = join(TARGET, "e2e", "contention");
const conversation = "hot";

await rm(folder, { recursive: true, force: true });
await mkdir(folder, { recursive: true });
const history = new History(join(folder, "history.jsonl"));
const stack = new Stack();
await stack.start({ concurrency: values.processes });

const endpoints = endpointsOf(stack);
const devices = Array.from(
  { length: writers },
  (_, n) => new PlainDevice({ endpoints, history, name: `writer-${n}`, user: `writer-${n}` }),
);
for (const device of devices) await device.start();
const [first] = devices;
await first.create(
  conversation,
  devices.slice(1).map(({ user }) => user),
);
for (const device of devices) device.follow(conversation);
// The first message of each writer starts the processes and is not measured.
await Promise.all(devices.map((device) => device.say(conversation, "warm")));

// No connection is open, so every put writes an entry.
const injections = new Injections(stack, {
  seed: 1,
  faults: [
    { dynamodb: "latency", on: ["PutItem"], ms },
    { dynamodb: "latency", on: ["Query"], ms },
    { dynamodb: "latency", on: ["GetItem"], ms },
  ],
});
await injections.begin();
const began = performance.now();
await Promise.all(
  devices.map(async (device) => {
    for (let n = 1; n <= messages; n += 1)
      await device.say(conversation, `${device.name} says ${n}`);
  }),
);
const seconds = (performance.now() - began) / 1000;
await injections.end();
const [puts, queries] = injections.seen;

for (const device of devices) {
  assert.ok(await device.settle(conversation, writers * (messages + 1)));
  device.end(conversation);
}
history.record({ type: "log", conversation, events: await first.log(conversation) });
history.close();
const { isValid, report } = await judge(history.path);
await stack.stop();

const stored = writers * messages;
const load = `${writers} writers, ${values.processes} processes, ${stored} messages, DynamoDB ${ms.join(" to ")} ms slower`;
console.log(
  `${load}: ${seconds.toFixed(1)} s, ${(stored / seconds).toFixed(1)} messages per second`,
);
console.log(
  `${(puts / stored - 1).toFixed(2)} lost puts and ${(queries / stored).toFixed(2)} queries per message`,
);
console.log(report);
process.exit(isValid ? 0 : 1);
