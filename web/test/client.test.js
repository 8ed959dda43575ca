import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeServer, openTab, tokenOf } from "./fakes.js";

/** @import { Client } from "../client/client.js" */

const ID = "c1";

/** @param {(server: FakeServer) => void} [prepare] @param {Parameters<typeof openTab>[1]} [options] */
async function start(prepare, options) {
  const server = new FakeServer(ID);
  prepare?.(server);
  return openTab(server, options);
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
  client.conversation(ID).send("mine");
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
  for (const body of ["one", "two"]) client.conversation(ID).send(body);
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
  client.conversation(ID).send("once");
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
  client.conversation(ID).send("stored");
  client.conversation(ID).send("not stored");
  await clock.advance(0);
  server.store("bob", "meanwhile");
  await clock.advance(250);
  assert.equal(server.sockets.length, 2);
  assert.deepEqual(shown(client), ["stored", "meanwhile", "not stored"]);
  assert.deepEqual(server.socket.sent.filter(({ action }) => action === "sendMessage").map(({ body }) => body), ["not stored"]);
});

test("a reload keeps what is unsent, and cannot double it", async () => {
  const { server, browser, client, clock } = await start();
  server.script.push({ action: "sendMessage", answer: (frame) => void server.append("alice", frame) });
  client.conversation(ID).send("stored, never answered");
  client.conversation(ID).send("never sent");
  await clock.advance(0);
  client.stop();
  for (let seq = 0; seq < 3; seq += 1) server.store("bob", "later");
  const again = await openTab(server, { browser });
  await again.clock.advance(0);
  assert.deepEqual(bodies(server), ["stored, never answered", "later", "later", "later", "never sent"]);
  assert.deepEqual(shown(again.client), bodies(server));
  assert.equal(browser.outboxes.rows.size, 0, "an empty outbox leaves nothing behind");
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
  client.conversation(ID).send("mine");
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

test("a new connection shortens the wait for an answer, not the wait that the server asked for", async () => {
  const { server, client, clock } = await start();
  scriptError(server, "sendMessage", { code: "rate_limited", retry: "later", retryAfterMs: 20_000 });
  client.conversation(ID).send("patience");
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
  client.conversation(ID).send("on the old one");
  await clock.advance(5_000);
  assert.deepEqual([server.sockets.length, shown(client)], [2, ["on the old one"]]);
});

test("a token that ends in mid-connection is replaced, and nothing is lost", async () => {
  const [old, next] = [tokenOf("alice"), tokenOf("alice", { jti: 2 })];
  const { server, client, clock, asked } = await start(undefined, { token: old, tokens: [next] });
  scriptError(server, "sendMessage", { code: "unauthenticated", retry: "reauthenticate" });
  server.accepted = [next];
  void client.conversation(ID).send("kept");
  await clock.advance(0);
  assert.deepEqual([asked, server.tokens], [[old], [old, next]]);
  assert.deepEqual([shown(client), bodies(server), client.state.name], [["kept"], ["kept"], "connected"]);
});

test("with no other token everything rests until the next start, and nothing is lost", async () => {
  const { server, client, clock, asked } = await start(undefined, { tokens: [null, tokenOf("alice", { jti: 2 })] });
  scriptError(server, "sendMessage", { code: "unauthenticated", retry: "reauthenticate" });
  void client.conversation(ID).send("kept");
  await clock.advance(60_000);
  assert.deepEqual([client.state, server.sockets.length, shown(client)], [{ name: "signed-out", reason: "expired", retryAt: null }, 1, ["kept (pending)"]]);
  assert.equal(asked.length, 1);
  void client.start();
  await clock.advance(0);
  assert.deepEqual([shown(client), bodies(server), client.state.name], [["kept"], ["kept"], "connected"]);
});

test("a token is replaced a minute before it ends, without a gap", async () => {
  const next = tokenOf("alice", { jti: 2 });
  const begun = Date.parse("2026-01-05T09:00:00Z") / 1_000;
  const { server, client, clock } = await start(undefined, { token: tokenOf("alice", { exp: begun + 600 }), tokens: [next] });
  server.socket.onsend = (frame) => frame.action === "ping" && server.socket.receive({ event: "pong", heads: {} });
  /** @type {string[]} */ const states = [];
  client.subscribe(() => states.push(client.state.name));
  await clock.advance(539_999);
  assert.equal(server.sockets.length, 1);
  await clock.advance(1);
  assert.deepEqual([server.sockets.length, server.tokens[1]], [2, next]);
  await clock.advance(0);
  assert.deepEqual([...new Set(states)], ["connected"]);
  assert.equal(server.sockets[0]?.isClosed, true);
});

test("a provider that fails is asked again; one whose fresh tokens are refused is not asked without end", async () => {
  const tokens = [new Error("not now"), tokenOf("alice", { jti: 2 }), tokenOf("alice", { jti: 3 })];
  const { server, client, clock, asked } = await start(undefined, { tokens });
  server.accepted = [];
  server.socket.cut();
  await clock.advance(60_000);
  assert.deepEqual([client.state.name, asked.length], ["signed-out", 2]);
});

test("a token given in good time and then refused is not asked about again", async () => {
  const begun = Date.parse("2026-01-05T09:00:00Z") / 1_000;
  const [first, next] = [tokenOf("alice", { exp: begun + 600 }), tokenOf("alice", { jti: 2 })];
  const { server, client, clock, asked } = await start(undefined, { token: first, tokens: [next, tokenOf("alice", { jti: 3 })] });
  server.socket.onsend = (frame) => frame.action === "ping" && server.sockets[0]?.receive({ event: "pong", heads: {} });
  server.accepted = [first];
  await clock.advance(540_000);
  assert.deepEqual([client.state.name, server.sockets[0]?.isClosed], ["connected", false], "the old connection is used as long as it lasts");
  server.accepted = [];
  server.sockets[0]?.cut();
  await clock.advance(60_000);
  assert.deepEqual([client.state.name, asked], ["signed-out", [null]]);
});

test("a token that cannot be offered as a subprotocol is none: nobody tries it", async () => {
  const { server, client, clock, asked } = await start(undefined, { tokens: [`${tokenOf("alice", { jti: 2 })}=`] });
  scriptError(server, "sendMessage", { code: "unauthenticated", retry: "reauthenticate" });
  void client.conversation(ID).send("kept");
  await clock.advance(60_000);
  assert.deepEqual([client.state.name, asked.length, server.tokens, shown(client)], ["signed-out", 1, [tokenOf("alice")], ["kept (pending)"]]);
});

test("a token of somebody else is none either", async () => {
  const { server, client, clock } = await start(undefined, { tokens: [tokenOf("mallory")] });
  scriptError(server, "sendMessage", { code: "unauthenticated", retry: "reauthenticate" });
  void client.conversation(ID).send("kept");
  await clock.advance(60_000);
  assert.deepEqual([client.state.name, server.tokens.length, bodies(server)], ["signed-out", 1, []]);
});

test("HTTP learns of a new token as well, and asks once more by itself", async () => {
  const next = tokenOf("alice", { jti: 2 });
  const { server, client, clock } = await start((server) => void server.store("bob", "before"), { tokens: [next] });
  server.accepted = [next];
  await Promise.all([client.create({ id: ID, participants: [] }).catch((error) => assert.equal(error.code, "not_found")), clock.advance(0)]);
  assert.equal(client.state.name, "connected");
});

test("why there is no socket is asked by HTTP: nobody there, not allowed, or something against sockets", async () => {
  const { server, client, clock } = await start();
  for (const [mode, reason] of /** @type {[FakeServer["mode"], string][]} */ ([["down", "away"], ["forbidding", "forbidden"], ["http only", "blocked"]])) {
    server.mode = mode;
    server.socket.cut();
    await clock.advance(60_000);
    assert.equal(client.state.reason, reason);
    assert.equal(client.state.name, mode === "http only" ? "polling" : "reconnecting");
  }
  server.mode = "open";
  await clock.advance(30_000);
  assert.deepEqual(client.state, { name: "connected", reason: null, retryAt: null });
});

test("what the browser says of the network shows at once", async () => {
  const { server, client, clock, world, happens } = await start();
  world.online = false;
  happens("offline");
  server.mode = "down";
  server.socket.cut();
  await clock.advance(0);
  assert.equal(client.state.name, "offline");
  const before = server.sockets.length;
  Object.assign(world, { online: true });
  server.mode = "open";
  happens("online");
  await clock.advance(0);
  assert.deepEqual([server.sockets.length, client.state.name], [before + 1, "connected"]);
});

test("without a socket for a while, messages go and come over HTTP, and once", async () => {
  const { server, client, clock } = await start();
  server.mode = "http only";
  server.socket.cut();
  client.conversation(ID).send("mine");
  await clock.advance(4_000);
  assert.deepEqual(bodies(server), [], "most cuts are shorter than five seconds");
  await clock.advance(2_000);
  server.store("bob", "theirs");
  await clock.advance(6_000);
  assert.deepEqual([shown(client), client.state.name], [["mine", "theirs"], "polling"]);
  server.mode = "open";
  await clock.advance(30_000);
  assert.equal(client.state.name, "connected");
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

test("several conversations share one connection; who listens to one needs no list", async () => {
  const { server, client, clock } = await start(undefined, { id: null });
  let changes = 0;
  const end = client.conversation(ID).subscribe(() => (changes += 1));
  client.conversation("c2").subscribe(() => {});
  server.socket.receive({ event: "added", conversation: "c2", title: "Walk", head: 0, by: "bob" });
  await clock.advance(0);
  server.socket.receive(server.store("bob", "live"));
  await clock.advance(0);
  assert.deepEqual([shown(client), server.sockets.length], [["live"], 1]);
  assert.ok(changes > 0);
  end();
  const before = changes;
  server.socket.receive(server.store("bob", "later"));
  await clock.advance(0);
  assert.equal(changes, before);
});

test("an iterator gives the whole log once and in order, then what comes", async () => {
  const { server, client, clock } = await start((server) => {
    server.page = 2;
    for (const body of ["a", "b", "c", "d", "e"]) server.store("bob", body);
  });
  /** @type {(string | undefined)[][]} */ const [all = [], live = []] = [[], []];
  const ended = new AbortController();
  const reading = [
    (async () => { for await (const { body } of client.conversation(ID).entries({ after: 0, signal: ended.signal })) all.push(body); })(),
    (async () => { for await (const { body } of client.conversation(ID)) { live.push(body); if (body === "h") break; } })(),
  ];
  await clock.advance(0);
  const [f, g] = [server.store("bob", "f"), server.store("bob", "g")];
  for (const entry of [g, f, g]) server.socket.receive(entry);
  void client.conversation(ID).send("h");
  await clock.advance(1_000);
  ended.abort();
  await Promise.all(reading);
  assert.deepEqual(all, ["a", "b", "c", "d", "e", "f", "g", "h"]);
  assert.deepEqual(live, ["f", "g", "h"]);
});

test("sending tells when it is stored, or why not, as a value", async () => {
  const { server, client, clock } = await start();
  const lunch = client.conversation(ID);
  const [sent] = await Promise.all([lunch.send(" hello\r\nyou "), clock.advance(0)]);
  assert.deepEqual([sent.seq, sent.body], [1, "hello\nyou"]);
  server.script.push({ action: "sendMessage", answer: () => {} });
  let isSettled = false;
  const waiting = lunch.send("mine").finally(() => (isSettled = true));
  await clock.advance(0);
  server.socket.receive(server.store("bob", "with the same id", lunch.messages.at(-1)?.id));
  await clock.advance(0);
  assert.equal(isSettled, false, "somebody else's message of that id is another");
  await Promise.all([waiting, clock.advance(10_000)]);
  scriptError(server, "sendMessage", { code: "forbidden", retry: "never" });
  const refused = lunch.send("no");
  await clock.advance(0);
  await assert.rejects(refused, { name: "Refusal", code: "forbidden", retry: "never" });
  await assert.rejects(lunch.send("\u0000 "), { code: "invalid", field: "body" });
  await assert.rejects(lunch.send("x".repeat(16_385)), { code: "too_large" });
  assert.deepEqual(lunch.messages.map(({ body, state, problem }) => [body, state, problem?.code]), [
    ["hello\nyou", "sent", undefined], ["with the same id", "sent", undefined], ["mine", "sent", undefined], ["no", "failed", "forbidden"],
  ]);
});

test("what can be seen changes its version, and states are the same object until they change", async () => {
  const { server, client, clock } = await start();
  const { version, state } = client;
  server.socket.receive(server.store("bob", "live"));
  await clock.advance(0);
  assert.ok(client.version > version);
  assert.equal(client.state, state);
});

test("an iterator reads for itself what was stored before this tab knew the conversation", async () => {
  const { server, client, clock } = await start((server) => {
    const { fetch } = server;
    server.listed = [];
    /** @type {(value: unknown) => void} */ let pageRead = () => {};
    const afterPage = new Promise((resolve) => (pageRead = resolve));
    server.fetch = async (input, init) => {
      const { pathname } = new URL(String(input));
      if (pathname === `/conversations/${ID}`) {
        await afterPage;
        return Response.json({ id: ID, title: "Lunch", head: server.log.length, participants: [{ user: "alice", name: "Alice" }] });
      }
      const answer = await fetch(input, init);
      if (pathname.endsWith("/events") && server.log.length === 1) {
        server.store("bob", "between");
        pageRead(null);
      }
      return answer;
    };
    server.store("bob", "first");
  }, { id: null });
  /** @type {(string | undefined)[]} */ const read = [];
  const reading = (async () => { for await (const { body } of client.conversation(ID).entries({ after: 0 })) if (read.push(body) === 3) break; })();
  await clock.advance(0);
  server.socket.receive(server.store("bob", "live"));
  await Promise.all([reading, clock.advance(0)]);
  assert.deepEqual(read, ["first", "between", "live"]);
});

test("a client that was stopped while it waited for another token stays stopped", async () => {
  const later = tokenOf("alice", { jti: 2 });
  for (const answer of [null, later]) {
    const { server, client, clock } = await start(undefined, { tokens: [new Error("not now"), answer] });
    scriptError(server, "sendMessage", { code: "unauthenticated", retry: "reauthenticate" });
    void client.conversation(ID).send("kept").catch(() => {});
    await clock.advance(0);
    const sockets = server.sockets.length;
    client.stop();
    await clock.advance(60_000);
    assert.deepEqual([client.state.name, server.sockets.length], ["stopped", sockets], String(answer));
  }
});

test("a 404 that is not the server's own takes nothing away", async () => {
  let isHotel = false;
  const { server, client, clock } = await start((server) => {
    const { fetch } = server;
    server.fetch = async (input, init) => (isHotel ? new Response("<h1>Log in to the hotel</h1>", { status: 404 }) : fetch(input, init));
  });
  server.mode = "http only";
  isHotel = true;
  server.socket.cut();
  void client.conversation(ID).send("kept");
  await clock.advance(20_000);
  assert.deepEqual([shown(client), client.directory.get(ID)?.title], [["kept (pending)"], "Lunch"]);
  isHotel = false;
  await clock.advance(60_000);
  assert.deepEqual([shown(client), bodies(server)], [["kept"], ["kept"]]);
});

test("a log that is another one is read anew also where there are no sockets", async () => {
  const { server, client, clock } = await start((server) => ["a", "b", "c"].forEach((body) => server.store("bob", body)));
  server.mode = "http only";
  server.socket.cut();
  server.log.length = 0;
  server.store("bob", "new world");
  await clock.advance(30_000);
  assert.deepEqual(shown(client), ["new world"]);
});

test("without sockets, a conversation that one is in no more keeps nobody from the others", async () => {
  const { server, client, clock } = await start((server) => server.listed.unshift({ id: "gone", title: "Gone", joinedAt: "2026-01-05T08:30:00.000Z" }));
  client.conversation("gone").subscribe(() => {});
  client.conversation(ID).subscribe(() => {});
  await clock.advance(0);
  client.open("gone");
  server.mode = "http only";
  server.socket.cut();
  server.store("bob", "theirs");
  await clock.advance(20_000);
  assert.deepEqual(shown(client), ["theirs"]);
  assert.equal(client.state.name, "polling");
});

test("what is asked about too often is asked again: the list, and a conversation that somebody waits for", async () => {
  /** @type {Record<string, number>} */ const refusals = { "/conversations": 1, [`/conversations/${ID}`]: 1 };
  const { client, clock } = await start((server) => {
    const { fetch } = server;
    server.store("bob", "before");
    const [about] = server.listed.splice(0);
    server.fetch = async (input, init) => {
      const { pathname } = new URL(String(input));
      if ((refusals[pathname] ?? 0) > 0) {
        refusals[pathname] = 0;
        return Response.json({ code: "rate_limited", retry: "later", retryAfterMs: 3_000, message: "slowly" }, { status: 429 });
      }
      if (pathname === `/conversations/${ID}`) return Response.json({ ...about, head: 1, participants: [] });
      return fetch(input, init);
    };
  }, { id: null });
  client.conversation(ID).subscribe(() => {});
  refusals[`/conversations/${ID}`] = 1;
  await clock.advance(2_999);
  assert.deepEqual([client.isListed, shown(client)], [true, []]);
  refusals[`/conversations/${ID}`] = 0;
  await clock.advance(10_000);
  assert.deepEqual([client.directory.get(ID)?.title, shown(client)], ["Lunch", ["before"]]);
});

test("a listener that throws keeps nothing from the others", async () => {
  const { server, client, clock } = await start();
  /** @type {unknown[]} */ const thrown = [];
  const takeOver = (/** @type {unknown} */ error) => thrown.push(error);
  const others = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException").on("uncaughtException", takeOver);
  try {
    let told = 0;
    client.subscribe(() => { throw new Error("mine"); });
    client.subscribe(() => (told += 1));
    server.socket.receive(server.store("bob", "live"));
    await clock.advance(0);
    assert.equal(told, 1);
    assert.deepEqual(thrown.map(String), ["Error: mine"], "and nobody hides it");
  } finally {
    process.removeListener("uncaughtException", takeOver);
    for (const other of others) process.on("uncaughtException", other);
  }
});

test("of conversations beyond those that are followed the list tells, as often as a ping", async () => {
  const { server, client, clock } = await start((server) => {
    for (let n = 2; n <= 25; n += 1) server.listed.push({ id: `c${n}`, title: `${n}`, head: 0, joinedAt: "2026-01-01T00:00:00Z" });
  });
  server.socket.onsend = ((send) => (/** @type {any} */ frame) => (frame.action === "ping" ? server.socket.receive({ event: "pong", heads: {} }) : send(frame)))(server.socket.onsend);
  await clock.advance(0);
  const followed = new Set(server.asked("subscribe").map(({ conversation }) => conversation));
  const other = server.listed.find(({ id }) => !followed.has(String(id)));
  assert.ok(other);
  other.head = 4;
  await clock.advance(60_000);
  assert.equal(client.directory.get(String(other.id))?.unread, 4);
});

test("the network that comes and goes costs one ping", async () => {
  const { server, clock, happens } = await start();
  await clock.advance(40_000);
  const before = server.asked("ping").length;
  happens("online");
  await clock.advance(0);
  assert.equal(server.asked("ping").length, before + 1);
});

test("after a stop, a client is as little connected as at first", async () => {
  const { server, client, clock } = await start();
  client.stop();
  server.mode = "down";
  void client.start();
  await clock.advance(0);
  assert.deepEqual([client.state.name, client.state.reason === null || client.state.reason === "away"], ["connecting", true]);
  server.mode = "open";
  await clock.advance(30_000);
  assert.equal(client.state.name, "connected");
});

test("a server that says later, and at once, is not asked without end", async () => {
  const { server, client, clock } = await start();
  for (let time = 0; time < 50; time += 1) scriptError(server, "sendMessage", { code: "contended", retry: "later", retryAfterMs: 0 });
  void client.conversation(ID).send("patience");
  await clock.advance(1_000);
  assert.ok(server.asked("sendMessage").length <= 3, `${server.asked("sendMessage").length} times in a second`);
  await clock.advance(20 * 60_000);
  assert.deepEqual(bodies(server), ["patience"]);
});

test("an iterator reads what was said while this person was out, without waiting for more to come", async () => {
  const { server, client, clock } = await start((server) => server.store("bob", "before"));
  /** @type {(string | undefined)[]} */ const read = [];
  const ended = new AbortController();
  const reading = (async () => { for await (const { body } of client.conversation(ID).entries({ after: 0, signal: ended.signal })) read.push(body); })();
  await clock.advance(0);
  server.socket.receive({ event: "removed", conversation: ID });
  server.store("bob", "meanwhile");
  server.socket.receive({ event: "added", conversation: ID, title: "Lunch", head: server.log.length, by: "bob" });
  await clock.advance(1_000);
  ended.abort();
  await reading;
  assert.deepEqual(read, ["before", "meanwhile"]);
});
