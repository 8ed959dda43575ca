import assert from "node:assert/strict";
import { test } from "node:test";
import { Client } from "../client/client.js";
import { FakeClock, FakeServer, FakeStorage } from "./fakes.js";

const ID = "c1";

/** @param {(server: FakeServer) => void} [prepare] @param {FakeStorage} [storage] */
async function start(prepare, storage = new FakeStorage()) {
  const server = new FakeServer(ID);
  prepare?.(server);
  return launch(server, storage);
}

/** @param {FakeServer} server @param {FakeStorage} storage */
async function launch(server, storage, clock = new FakeClock()) {
  const told = { refused: 0 };
  let ids = 0;
  const prefix = `m${server.sockets.length}-`;
  const client = new Client({
    http: "http://server",
    me: { user: "alice", name: "Alice" },
    surroundings: {
      clock, storage, fetch: server.fetch, dial: server.dial, newId: () => `${prefix}${(ids += 1)}`,
      isVisible: () => true, isOnline: () => true,
    },
    onChange: () => {},
    onRefused: () => (told.refused += 1),
  });
  client.start("token");
  await clock.advance(0);
  client.open(ID);
  await clock.advance(0);
  return { server, storage, clock, client, told };
}

/** What the screen shows: bodies, with a mark for what is not sent. @param {Client} client */
function shown(client) {
  return client.conversation(ID).lines().map((line) =>
    line.kind === "entry" ? line.entry.body : `${line.outgoing.body} (${line.outgoing.failure ? "failed" : "pending"})`);
}

/** @param {FakeServer} server */
const bodies = (server) => server.log.map(({ body }) => body);

/** @param {FakeServer} server @param {string} action @param {object} error */
function scriptError(server, action, error) {
  server.script.push({ action, answer: ({ ref }, socket) => socket.receive({ event: "error", message: "no", ref, ...error }) });
}

test("opens with history, goes on live, and sends without HTTP", async () => {
  const { server, client, clock } = await start((server) => void server.store("bob", "before"));
  assert.deepEqual(shown(client), ["before"]);
  assert.equal(server.asked("subscribe")[0]?.after, 1, "from where the list said, so nothing falls between");
  const requests = server.requests.length;
  server.socket.receive(server.store("bob", "live"));
  client.send(ID, "mine");
  assert.deepEqual(shown(client), ["before", "live", "mine (pending)"]);
  await clock.advance(0);
  assert.deepEqual(shown(client), ["before", "live", "mine"]);
  assert.equal(server.asked("sendMessage")[0]?.after, 2);
  assert.equal(server.requests.length, requests, "no HTTP request");
});

test("one send is in flight, and the next waits for its answer", async () => {
  const { server, client, clock } = await start();
  /** @type {(() => void)[]} */ const held = [];
  const hold = () => server.script.push({
    action: "sendMessage",
    answer: (frame, socket) => held.push(() => socket.receive({ event: "sent", ref: frame.ref, ...server.append("alice", frame) })),
  });
  hold();
  hold();
  for (const body of ["one", "two"]) client.send(ID, body);
  await clock.advance(5_000);
  assert.equal(server.asked("sendMessage").length, 1);
  held.shift()?.();
  await clock.advance(0);
  assert.deepEqual(server.asked("sendMessage").map(({ body }) => body), ["one", "two"]);
});

test("an unanswered send is retried after 10 s, not before, with the same id, and is stored once", async () => {
  const { server, client, clock } = await start();
  server.script.push({
    action: "sendMessage",
    answer: (frame, socket) => {
      server.append("alice", frame);
      socket.receive({ message: "Internal server error", connectionId: "x", requestId: "y" });
    },
  });
  client.send(ID, "once");
  await clock.advance(9_999);
  assert.equal(server.asked("sendMessage").length, 1);
  await clock.advance(1);
  const [first, second] = server.asked("sendMessage");
  assert.equal(second?.id, first?.id);
  assert.deepEqual([bodies(server), shown(client)], [["once"], ["once"]]);
});

test("a new connection catches up first: what was stored is acknowledged by it, what was not is sent at once", async () => {
  const { server, client, clock } = await start();
  server.script.push({ action: "sendMessage", answer: (frame, socket) => (server.append("alice", frame), socket.cut()) });
  client.send(ID, "stored");
  client.send(ID, "not stored");
  await clock.advance(0);
  server.store("bob", "meanwhile");
  await clock.advance(250);
  assert.equal(server.sockets.length, 2);
  assert.deepEqual(shown(client), ["stored", "meanwhile", "not stored"]);
  assert.deepEqual(server.socket.sent.filter(({ action }) => action === "sendMessage").map(({ body }) => body), ["not stored"]);
});

test("a reload keeps what is unsent, and cannot double it", async () => {
  const { server, storage, client, clock } = await start();
  server.script.push({ action: "sendMessage", answer: (frame) => void server.append("alice", frame) });
  client.send(ID, "stored, never answered");
  client.send(ID, "never sent");
  await clock.advance(0);
  client.stop();
  for (let seq = 0; seq < 3; seq += 1) server.store("bob", "later");
  const again = await launch(server, storage);
  await again.clock.advance(0);
  assert.deepEqual(bodies(server), ["stored, never answered", "later", "later", "later", "never sent"]);
  assert.deepEqual(shown(again.client), bodies(server));
  assert.equal(storage.length, 0, "an empty outbox leaves nothing behind");
});

test("a gap is waited for half a second, then repaired from the last entry seen", async () => {
  const { server, client, clock } = await start();
  const [late, early] = [server.store("bob", "one"), server.store("bob", "two")];
  const asked = server.asked("subscribe").length;
  server.socket.receive(early);
  await clock.advance(499);
  assert.deepEqual([shown(client), server.asked("subscribe").length], [[], asked]);
  server.socket.receive(late);
  await clock.advance(10);
  assert.deepEqual([shown(client), server.asked("subscribe").length], [["one", "two"], asked], "it came by itself");
  server.store("bob", "three");
  server.socket.receive(server.store("bob", "four"));
  await clock.advance(500);
  assert.deepEqual(shown(client), ["one", "two", "three", "four"]);
  assert.equal(server.asked("subscribe").at(-1)?.after, 2);
});

test("limited pages are asked for until the end, each from the last entry", async () => {
  const { server, client, clock } = await start((server) => (server.page = 2));
  for (const body of ["a", "b", "c", "d", "e"]) server.store("bob", body);
  server.socket.cut();
  await clock.advance(250);
  assert.deepEqual(shown(client), ["a", "b", "c", "d", "e"]);
  assert.deepEqual(server.socket.sent.filter(({ action }) => action === "subscribe").map(({ after }) => after), [0, 2, 4]);
});

test("a missed newest event shows by the next ping", async () => {
  const { server, client, clock } = await start();
  server.store("bob", "nobody pushed this");
  await clock.advance(45_000);
  assert.deepEqual(server.asked("ping").at(-1)?.positions, { [ID]: 0 });
  assert.deepEqual(shown(client), ["nobody pushed this"]);
});

test("`resync_required`: catches up, then sends with the position so reached", async () => {
  const { server, client, clock } = await start();
  for (const body of ["a", "b"]) server.store("bob", body);
  scriptError(server, "sendMessage", { code: "resync_required", retry: "resync" });
  client.send(ID, "mine");
  await clock.advance(0);
  assert.deepEqual(shown(client), ["a", "b", "mine"]);
  assert.deepEqual(server.asked("sendMessage").map(({ after }) => after), [0, 2]);
});

test("a log that is another one is read anew", async () => {
  const { server, client, clock } = await start((server) => ["a", "b", "c"].forEach((body) => server.store("bob", body)));
  server.log.length = 0;
  server.store("bob", "new world");
  server.socket.cut();
  await clock.advance(1_000);
  assert.deepEqual(shown(client), ["new world"]);
});

test("`later` is obeyed to the millisecond, `never` is shown and can be tried again", async () => {
  const { server, client, clock } = await start();
  scriptError(server, "sendMessage", { code: "contended", retry: "later", retryAfterMs: 3_000 });
  client.send(ID, "patience");
  await clock.advance(2_999);
  assert.equal(server.asked("sendMessage").length, 1);
  await clock.advance(1);
  assert.deepEqual(shown(client), ["patience"]);

  scriptError(server, "sendMessage", { code: "invalid", retry: "never" });
  client.send(ID, "refused");
  client.send(ID, "next");
  await clock.advance(0);
  assert.deepEqual(shown(client), ["patience", "next", "refused (failed)"]);
  client.retry(ID, client.conversation(ID).outbox[0]?.id ?? "");
  await clock.advance(0);
  assert.deepEqual(shown(client), ["patience", "next", "refused"]);
});

test("a new connection shortens the wait for an answer, not the wait that the server asked for", async () => {
  const { server, client, clock } = await start();
  scriptError(server, "sendMessage", { code: "rate_limited", retry: "later", retryAfterMs: 20_000 });
  client.send(ID, "patience");
  await clock.advance(0);
  server.socket.cut();
  await clock.advance(19_999);
  assert.deepEqual([server.sockets.length, server.asked("sendMessage").length], [2, 1]);
  await clock.advance(1);
  assert.deepEqual(shown(client), ["patience"]);
});

test("what is unanswered when the connection is replaced is asked again on the new one", async () => {
  const { server, client, clock } = await start();
  await clock.advance(107 * 60_000 + 25_000);
  server.script.push({ action: "sendMessage", answer: () => {} });
  client.send(ID, "on the old one");
  await clock.advance(5_000);
  assert.deepEqual([server.sockets.length, shown(client)], [2, ["on the old one"]]);
});

test("an expired token: everything rests until the next one, and nothing is lost", async () => {
  const { server, client, clock, told } = await start();
  scriptError(server, "sendMessage", { code: "unauthenticated", retry: "reauthenticate" });
  client.send(ID, "kept");
  await clock.advance(60_000);
  assert.deepEqual([told.refused, server.sockets.length, shown(client)], [1, 1, ["kept (pending)"]]);
  client.start("next token");
  await clock.advance(0);
  assert.deepEqual([shown(client), bodies(server)], [["kept"], ["kept"]]);
});

test("a refused handshake is told from an unreachable server by HTTP", async () => {
  const { server, clock, told } = await start();
  server.mode = "down";
  server.socket.cut();
  await clock.advance(60_000);
  assert.equal(told.refused, 0);
  server.mode = "refusing";
  await clock.advance(60_000);
  assert.equal(told.refused, 1);
});

test("without a socket for a while, messages go and come over HTTP, and once", async () => {
  const { server, client, clock } = await start();
  server.mode = "http only";
  server.socket.cut();
  client.send(ID, "mine");
  await clock.advance(4_000);
  assert.deepEqual(bodies(server), [], "most cuts are shorter than five seconds");
  await clock.advance(2_000);
  server.store("bob", "theirs");
  await clock.advance(6_000);
  assert.deepEqual([shown(client), client.usesFallback], [["mine", "theirs"], true]);
  server.mode = "open";
  await clock.advance(30_000);
  assert.deepEqual([client.connectionState, client.usesFallback], ["connected", false]);
  assert.deepEqual(bodies(server), ["mine", "theirs"]);
});

test("a conversation started by somebody else appears at once; one that is left disappears", async () => {
  const { server, client, clock } = await start();
  server.socket.receive({ event: "added", conversation: "c2", title: "Walk", head: 0, by: "bob" });
  await clock.advance(0);
  assert.deepEqual(client.directory.all().map(({ title }) => title).sort(), ["Lunch", "Walk"]);
  assert.equal(server.asked("subscribe").at(-1)?.conversation, "c2");
  server.socket.receive({ event: "removed", conversation: "c2" });
  assert.deepEqual(client.directory.all().map(({ title }) => title), ["Lunch"]);
});

test("a list that nobody answers for is asked for again", async () => {
  const { server, client, clock } = await start((server) => (server.failNext = 1));
  assert.equal(client.isListed, false);
  await clock.advance(250);
  assert.equal(client.isListed, true);
  assert.equal(server.asked("subscribe").length, 1);
});

test("twenty are followed, one after the other; a further one makes the least used leave", async () => {
  const { server, client, clock } = await start((server) => {
    for (let n = 2; n <= 25; n += 1) server.listed.push({ id: `c${n}`, title: `${n}`, joinedAt: `2026-01-0${n % 4 + 1}T00:00:00Z` });
  });
  await clock.advance(0);
  assert.equal(new Set(server.asked("subscribe").map(({ conversation }) => conversation)).size, 20);
  const followed = new Set(server.asked("subscribe").map(({ conversation }) => conversation));
  const further = client.directory.all().find(({ id }) => !followed.has(id));
  client.open(further?.id ?? "");
  await clock.advance(0);
  assert.equal(server.asked("subscribe").at(-1)?.conversation, further?.id);
  assert.equal(server.asked("unsubscribe").length, 1);
  await clock.advance(45_000);
  assert.equal(Object.keys(server.asked("ping").at(-1)?.positions).length, 20);
});
