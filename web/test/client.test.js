/** A client in one conversation: catching up, sending exactly once, repairing gaps. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { openTab } from "./fakes.js";
import { ID, bodies, scriptError, shown, start } from "./one_client.js";

test("a conversation opens with history, receives pushes, and sends without HTTP", async () => {
  const { server, client, clock } = await start((server) => void server.store("bob", "before"));
  assert.deepEqual(shown(client), ["before"]);
  assert.equal(
    server.asked("subscribe")[0]?.after,
    1,
    "it begins at the head of the list, so no entry is missed",
  );
  const requests = server.requests.length;
  server.socket.receive(server.store("bob", "live"));
  client.conversation(ID).send("mine");
  assert.deepEqual(shown(client), ["before", "live", "mine (pending)"]);
  await clock.advance(0);
  assert.deepEqual(shown(client), ["before", "live", "mine"]);
  assert.equal(server.asked("sendMessage")[0]?.after, 2);
  assert.equal(server.requests.length, requests, "no HTTP request");
});

test("only one message is in flight; the next waits for its answer", async () => {
  const { server, client, clock } = await start();
  /** @type {(() => void)[]} */ const held = [];
  const hold = () =>
    server.script.push({
      action: "sendMessage",
      answer: (frame, socket) =>
        held.push(() =>
          socket.receive({ event: "sent", ref: frame.ref, ...server.append("alice", frame) }),
        ),
    });
  hold();
  hold();
  for (const body of ["one", "two"]) client.conversation(ID).send(body);
  await clock.advance(5_000);
  assert.equal(server.asked("sendMessage").length, 1);
  held.shift()?.();
  await clock.advance(0);
  assert.deepEqual(
    server.asked("sendMessage").map(({ body }) => body),
    ["one", "two"],
  );
});

test("an unanswered message is sent again after 10 s with the same id, and is stored once", async () => {
  const { server, client, clock } = await start();
  server.script.push({
    action: "sendMessage",
    answer: (frame, socket) => {
      server.append("alice", frame);
      socket.receive({ message: "Internal server error", connectionId: "x", requestId: "y" });
    },
  });
  // A pong would make the client catch up, which acknowledges the message without another attempt.
  server.script.push({ action: "ping", answer: () => {} });
  client.conversation(ID).send("once");
  await clock.advance(9_999);
  assert.equal(server.asked("sendMessage").length, 1);
  await clock.advance(1);
  const [first, second] = server.asked("sendMessage");
  assert.equal(second?.id, first?.id);
  assert.deepEqual([bodies(server), shown(client)], [["once"], ["once"]]);
});

test("a new connection catches up first, which acknowledges stored messages; the others are sent at once", async () => {
  const { server, client, clock } = await start();
  server.script.push({
    action: "sendMessage",
    answer: (frame, socket) => {
      server.append("alice", frame);
      socket.cut();
    },
  });
  client.conversation(ID).send("stored");
  client.conversation(ID).send("not stored");
  await clock.advance(0);
  server.store("bob", "meanwhile");
  await clock.advance(250);
  assert.equal(server.sockets.length, 2);
  assert.deepEqual(shown(client), ["stored", "meanwhile", "not stored"]);
  assert.deepEqual(
    server.socket.sent.filter(({ action }) => action === "sendMessage").map(({ body }) => body),
    ["not stored"],
  );
});

test("unsent messages survive a reload, and are stored once", async () => {
  const { server, browser, client, clock } = await start();
  server.script.push({
    action: "sendMessage",
    answer: (frame) => void server.append("alice", frame),
  });
  client.conversation(ID).send("stored, never answered");
  client.conversation(ID).send("never sent");
  await clock.advance(0);
  client.stop();
  for (let seq = 0; seq < 3; seq += 1) server.store("bob", "later");
  const again = await openTab(server, { browser });
  await again.clock.advance(0);
  assert.deepEqual(bodies(server), [
    "stored, never answered",
    "later",
    "later",
    "later",
    "never sent",
  ]);
  assert.deepEqual(shown(again.client), bodies(server));
  assert.equal(browser.outboxes.rows.size, 0, "an empty outbox has no rows");
});

test("a gap is repaired after half a second, from the last entry seen", async () => {
  const { server, client, clock } = await start();
  const [late, early] = [server.store("bob", "one"), server.store("bob", "two")];
  server.socket.receive(early);
  await clock.advance(499);
  assert.deepEqual([shown(client), server.asked("catchUp").length], [[], 0]);
  server.socket.receive(late);
  await clock.advance(10);
  assert.deepEqual(
    [shown(client), server.asked("catchUp").length],
    [["one", "two"], 0],
    "the missing entry arrived by itself",
  );
  server.store("bob", "three");
  server.socket.receive(server.store("bob", "four"));
  await clock.advance(500);
  assert.deepEqual(shown(client), ["one", "two", "three", "four"]);
  assert.deepEqual(
    [server.asked("catchUp").map(({ after }) => after), server.asked("subscribe").length],
    [[2], 1],
    "the server writes nothing",
  );
});

test("limited pages are read until the end, each from the last entry", async () => {
  const { server, client, clock } = await start((server) => (server.page = 2));
  for (const body of ["a", "b", "c", "d", "e"]) server.store("bob", body);
  server.socket.cut();
  await clock.advance(250);
  assert.deepEqual(shown(client), ["a", "b", "c", "d", "e"]);
  assert.deepEqual(
    server.socket.sent.filter(({ action }) => action === "subscribe").map(({ after }) => after),
    [0, 2, 4],
  );
});

test("the next ping reveals a missed newest entry", async () => {
  const { server, client, clock } = await start();
  server.store("bob", "never pushed");
  await clock.advance(45_000);
  assert.deepEqual(server.asked("ping").at(-1)?.positions, { [ID]: 0 });
  assert.deepEqual(shown(client), ["never pushed"]);
});

test("after `resync_required` the client catches up, and sends with the new position", async () => {
  const { server, client, clock } = await start();
  for (const body of ["a", "b"]) server.store("bob", body);
  scriptError(server, "sendMessage", { code: "resync_required", retry: "resync" });
  client.conversation(ID).send("mine");
  await clock.advance(0);
  assert.deepEqual(shown(client), ["a", "b", "mine"]);
  assert.deepEqual(
    server.asked("sendMessage").map(({ after }) => after),
    [0, 2],
  );
});

test("another log in place of the old one is read from its end", async () => {
  const { server, client, clock } = await start((server) => {
    for (const body of ["a", "b", "c"]) server.store("bob", body);
  });
  server.log.length = 0;
  server.store("bob", "new world");
  server.socket.cut();
  await clock.advance(1_000);
  assert.deepEqual(shown(client), ["new world"]);
});

test("`later` is obeyed to the millisecond; a message that failed with `never` can be sent again", async () => {
  const { server, client, clock } = await start();
  scriptError(server, "sendMessage", { code: "contended", retry: "later", retryAfterMs: 3_000 });
  client.conversation(ID).send("patience");
  await clock.advance(2_999);
  assert.equal(server.asked("sendMessage").length, 1);
  await clock.advance(1);
  assert.deepEqual(shown(client), ["patience"]);

  scriptError(server, "sendMessage", { code: "invalid", retry: "never" });
  client.conversation(ID).send("refused");
  client.conversation(ID).send("next");
  await clock.advance(0);
  assert.deepEqual(shown(client), ["patience", "next", "refused (failed)"]);
  client.conversation(ID).retry(client.conversation(ID).messages.at(-1)?.id ?? "");
  await clock.advance(0);
  assert.deepEqual(shown(client), ["patience", "next", "refused"]);
});

test("a new connection ends the wait for an answer, but not a wait that the server asked for", async () => {
  const { server, client, clock } = await start();
  scriptError(server, "sendMessage", {
    code: "rate_limited",
    retry: "later",
    retryAfterMs: 20_000,
  });
  client.conversation(ID).send("patience");
  await clock.advance(0);
  server.socket.cut();
  await clock.advance(19_999);
  assert.deepEqual([server.sockets.length, server.asked("sendMessage").length], [2, 1]);
  await clock.advance(1);
  assert.deepEqual(shown(client), ["patience"]);
});

test("a request that is unanswered when the connection is replaced is repeated on the new one", async () => {
  const { server, client, clock } = await start();
  await clock.advance(84 * 60_000 + 55_000);
  server.script.push({ action: "sendMessage", answer: () => {} });
  client.conversation(ID).send("on the old one");
  await clock.advance(5_000);
  assert.deepEqual([server.sockets.length, shown(client)], [2, ["on the old one"]]);
});

test("send resolves with the stored entry, or rejects with the reason", async () => {
  const { server, client, clock } = await start();
  const lunch = client.conversation(ID);
  const [sent] = await Promise.all([lunch.send("\n hello\r\nyou "), clock.advance(0)]);
  assert.deepEqual([sent.seq, sent.body], [1, " hello\nyou"]);
  server.script.push({ action: "sendMessage", answer: () => {} });
  let isSettled = false;
  const waiting = lunch.send("mine").finally(() => (isSettled = true));
  await clock.advance(0);
  server.socket.receive(server.store("bob", "with the same id", lunch.messages.at(-1)?.id));
  await clock.advance(0);
  assert.equal(
    isSettled,
    false,
    "another sender's message with the same id is a different message",
  );
  await Promise.all([waiting, clock.advance(10_000)]);
  scriptError(server, "sendMessage", { code: "forbidden", retry: "never" });
  const refused = lunch.send("no");
  await clock.advance(0);
  await assert.rejects(refused, { name: "Rejection", code: "forbidden", retry: "never" });
  await assert.rejects(lunch.send("\u0000 "), { code: "invalid", field: "body" });
  await assert.rejects(lunch.send("x".repeat(16_385)), { code: "too_large" });
  assert.deepEqual(
    lunch.messages.map(({ body, state, problem }) => [body, state, problem?.code]),
    [
      [" hello\nyou", "sent", undefined],
      ["with the same id", "sent", undefined],
      ["mine", "sent", undefined],
      ["no", "failed", "forbidden"],
    ],
  );
});

test("a server that answers `later` with no wait is not asked again at once", async () => {
  const { server, client, clock } = await start();
  for (let time = 0; time < 50; time += 1)
    scriptError(server, "sendMessage", { code: "contended", retry: "later", retryAfterMs: 0 });
  void client.conversation(ID).send("patience");
  await clock.advance(1_000);
  assert.ok(
    server.asked("sendMessage").length <= 3,
    `${server.asked("sendMessage").length} times in a second`,
  );
  await clock.advance(20 * 60_000);
  assert.deepEqual(bodies(server), ["patience"]);
});
