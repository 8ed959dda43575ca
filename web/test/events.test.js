/** `client.on("message")` and `conversation.on("message")`. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { openTab } from "./fakes.js";
import { ID, start } from "./one_client.js";

test("a message event comes for each new message, pushed, caught up or sent, once and in order", async () => {
  const { server, client, clock } = await start((server) => void server.store("bob", "before"));
  /** @type {unknown[]} */
  const heard = [];
  client.on("message", ({ seq, sender, body }) => heard.push([seq, sender, body]));
  const [two, three] = [server.store("bob", "two"), server.store("bob", "three")];
  for (const entry of [three, two, three]) server.socket.receive(entry);
  void client.conversation(ID).send("mine");
  await clock.advance(0);
  server.store("bob", "while disconnected");
  server.socket.cut();
  await clock.advance(1_000);
  assert.deepEqual(heard, [
    [2, "bob", "two"],
    [3, "bob", "three"],
    [4, "alice", "mine"],
    [5, "bob", "while disconnected"],
  ]);
});

test("changes of participants and earlier pages are not reported as messages", async () => {
  const { server, client, clock } = await start((server) => {
    for (let seq = 1; seq <= 120; seq += 1) server.store("bob", `${seq}`);
  });
  /** @type {unknown[]} */
  const heard = [];
  client.on("message", ({ seq }) => heard.push(seq));
  await Promise.all([client.conversation(ID).loadEarlier(), clock.advance(0)]);
  const change = { event: "participantAdded", conversation: ID, seq: 121, user: "carol" };
  server.log.push(change);
  server.socket.receive(change);
  server.socket.receive(server.store("bob", "122"));
  await clock.advance(0);
  assert.deepEqual(heard, [122]);
});

test("a message event is not repeated when an old unsent message makes the replica go back", async () => {
  const { server, browser, client, clock } = await start((server) => {
    for (let seq = 1; seq <= 60; seq += 1) server.store("bob", `${seq}`);
  });
  const tab = await openTab(server, { browser, clock });
  /** @type {unknown[]} */
  const heard = [];
  for (const one of [client, tab.client]) one.on("message", ({ seq }) => heard.push(seq));
  server.socket.receive(server.store("bob", "61"));
  await clock.advance(0);
  const outgoing = { id: "x", body: "late", after: 3, writtenAt: 1, failure: null };
  browser.outboxes.put(ID, outgoing);
  client.stop();
  await clock.advance(1_000);
  assert.equal(server.log.at(-1)?.body, "late");
  assert.deepEqual(
    heard.filter((seq) => seq === 61),
    [61, 61],
    "once in each tab",
  );
});

test("a conversation reports its own messages, and follows them until unsubscribed", async () => {
  const { server, client, clock } = await start(undefined, { id: null });
  /** @type {unknown[]} */
  const heard = [];
  const unsubscribe = client.conversation(ID).on("message", ({ body }) => heard.push(body));
  client.conversation("c2").on("message", () => assert.fail("a message of another conversation"));
  await clock.advance(0);
  server.socket.receive(server.store("bob", "live"));
  await clock.advance(0);
  unsubscribe();
  server.socket.receive(server.store("bob", "later"));
  await clock.advance(0);
  assert.deepEqual(heard, ["live"]);
});

test("an unknown event is a TypeError, and a listener that throws does not stop others", async () => {
  const { server, client, clock } = await start();
  assert.throws(() => client.on(/** @type {any} */ ("mesage"), () => {}), TypeError);
  /** @type {unknown[]} */
  const thrown = [];
  /** @type {unknown[]} */
  const heard = [];
  const takeOver = (/** @type {unknown} */ error) => thrown.push(error);
  const others = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException").on("uncaughtException", takeOver);
  try {
    client.on("message", () => {
      throw new Error("mine");
    });
    client.on("message", ({ body }) => heard.push(body));
    server.socket.receive(server.store("bob", "live"));
    await clock.advance(0);
  } finally {
    process.removeListener("uncaughtException", takeOver);
    for (const other of others) process.on("uncaughtException", other);
  }
  assert.deepEqual([thrown.map(String), heard], [["Error: mine"], ["live"]]);
});
