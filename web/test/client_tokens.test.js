/** A client and its tokens: how they are asked for, replaced and refused. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { tokenOf } from "./fakes.js";
import { ID, bodies, scriptError, shown, start } from "./one_client.js";

test("a token that ends during a connection is replaced, and no message is lost", async () => {
  const [old, next] = [tokenOf("alice"), tokenOf("alice", { jti: 2 })];
  const { server, client, clock, asked } = await start(undefined, { token: old, tokens: [next] });
  scriptError(server, "sendMessage", { code: "unauthenticated", retry: "reauthenticate" });
  server.accepted = [next];
  void client.conversation(ID).send("kept");
  await clock.advance(0);
  assert.deepEqual([asked, server.tokens], [[old], [old, next]]);
  assert.deepEqual(
    [shown(client), bodies(server), client.state.name],
    [["kept"], ["kept"], "connected"],
  );
});

test("without another token the client waits for the next start, and no message is lost", async () => {
  const { server, client, clock, asked } = await start(undefined, {
    tokens: [null, tokenOf("alice", { jti: 2 })],
  });
  scriptError(server, "sendMessage", { code: "unauthenticated", retry: "reauthenticate" });
  void client.conversation(ID).send("kept");
  await clock.advance(60_000);
  assert.deepEqual(
    [client.state, server.sockets.length, shown(client)],
    [{ name: "signed-out", reason: "expired", retryAt: null }, 1, ["kept (pending)"]],
  );
  assert.equal(asked.length, 1);
  void client.start();
  await clock.advance(0);
  assert.deepEqual(
    [shown(client), bodies(server), client.state.name],
    [["kept"], ["kept"], "connected"],
  );
});

test("a token is replaced some minutes before it ends, without a gap", async () => {
  const next = tokenOf("alice", { jti: 2 });
  const begun = Date.parse("2026-01-05T09:00:00Z") / 1_000;
  const { server, client, clock } = await start(undefined, {
    token: tokenOf("alice", { exp: begun + 600 }),
    tokens: [next],
  });
  server.socket.onsend = (frame) =>
    frame.action === "ping" && server.socket.receive({ event: "pong", heads: {} });
  /** @type {string[]} */ const states = [];
  client.subscribe(() => states.push(client.state.name));
  await clock.advance(419_999);
  assert.equal(server.sockets.length, 1);
  await clock.advance(1);
  assert.deepEqual([server.sockets.length, server.tokens[1]], [2, next]);
  await clock.advance(0);
  assert.deepEqual([...new Set(states)], ["connected"]);
  assert.equal(server.sockets[0]?.isClosed, true);
});

test("a provider that throws is called again; one whose new tokens are refused is not called endlessly", async () => {
  const tokens = [new Error("not now"), tokenOf("alice", { jti: 2 }), tokenOf("alice", { jti: 3 })];
  const { server, client, clock, asked } = await start(undefined, { tokens });
  server.accepted = [];
  server.socket.cut();
  await clock.advance(60_000);
  assert.deepEqual([client.state.name, asked.length], ["signed-out", 2]);
});

test("a renewed token that is refused before it was ever accepted is not replaced again", async () => {
  const begun = Date.parse("2026-01-05T09:00:00Z") / 1_000;
  const [first, next] = [tokenOf("alice", { exp: begun + 600 }), tokenOf("alice", { jti: 2 })];
  const { server, client, clock, asked } = await start(undefined, {
    token: first,
    tokens: [next, tokenOf("alice", { jti: 3 })],
  });
  server.socket.onsend = (frame) =>
    frame.action === "ping" && server.sockets[0]?.receive({ event: "pong", heads: {} });
  server.accepted = [first];
  await clock.advance(540_000);
  assert.deepEqual(
    [client.state.name, server.sockets[0]?.isClosed],
    ["connected", false],
    "the old connection is used for as long as it lasts",
  );
  server.accepted = [];
  server.sockets[0]?.cut();
  await clock.advance(60_000);
  assert.deepEqual([client.state.name, asked], ["signed-out", [null]]);
});

test("a token that cannot be a subprotocol is ignored", async () => {
  const { server, client, clock, asked } = await start(undefined, {
    tokens: [`${tokenOf("alice", { jti: 2 })}=`],
  });
  scriptError(server, "sendMessage", { code: "unauthenticated", retry: "reauthenticate" });
  void client.conversation(ID).send("kept");
  await clock.advance(60_000);
  assert.deepEqual(
    [client.state.name, asked.length, server.tokens, shown(client)],
    ["signed-out", 1, [tokenOf("alice")], ["kept (pending)"]],
  );
});

test("a token of another user is ignored", async () => {
  const { server, client, clock } = await start(undefined, { tokens: [tokenOf("mallory")] });
  scriptError(server, "sendMessage", { code: "unauthenticated", retry: "reauthenticate" });
  void client.conversation(ID).send("kept");
  await clock.advance(60_000);
  assert.deepEqual(
    [client.state.name, server.tokens.length, bodies(server)],
    ["signed-out", 1, []],
  );
});

test("an HTTP request is repeated with a new token", async () => {
  const next = tokenOf("alice", { jti: 2 });
  const { server, client, clock } = await start((server) => void server.store("bob", "before"), {
    tokens: [next],
  });
  server.accepted = [next];
  await Promise.all([
    client
      .create({ id: ID, participants: [] })
      .catch((error) => assert.equal(error.code, "not_found")),
    clock.advance(0),
  ]);
  assert.equal(client.state.name, "connected");
});

test("a client that was stopped while waiting for a token stays stopped", async () => {
  const later = tokenOf("alice", { jti: 2 });
  for (const answer of [null, later]) {
    const { server, client, clock } = await start(undefined, {
      tokens: [new Error("not now"), answer],
    });
    scriptError(server, "sendMessage", { code: "unauthenticated", retry: "reauthenticate" });
    void client
      .conversation(ID)
      .send("kept")
      .catch(() => {});
    await clock.advance(0);
    const sockets = server.sockets.length;
    client.stop();
    await clock.advance(60_000);
    assert.deepEqual(
      [client.state.name, server.sockets.length],
      ["stopped", sockets],
      String(answer),
    );
  }
});

test("an ended token whose refusal the browser hides is replaced, or the user is signed out", async () => {
  const begun = Date.parse("2026-01-05T09:00:00Z") / 1_000;
  const ended = tokenOf("alice", { exp: begun + 600 });
  const next = tokenOf("alice", { jti: 2 });
  for (const [given, state] of /** @type {[string | null, string][]} */ ([
    [next, "connected"],
    [null, "signed-out"],
  ])) {
    // At first the provider has no other token.
    const { server, client, clock, asked } = await start(undefined, {
      token: ended,
      tokens: [ended, given],
    });
    await clock.advance(601_000);
    server.accepted = [next];
    server.hidesRefusals = true;
    server.socket.cut();
    await clock.advance(60_000);
    assert.deepEqual([client.state.name, asked], [state, [null, ended]]);
  }
});

test("a fast clock does not sign the user out while the server is away", async () => {
  const begun = Date.parse("2026-01-05T09:00:00Z") / 1_000;
  const [first, next] = [1, 2].map((jti) => tokenOf("alice", { jti, exp: begun - 60 }));
  const { server, client, clock, asked } = await start(undefined, {
    token: first,
    tokens: [String(next), null],
  });
  server.mode = "down";
  server.socket.cut();
  await clock.advance(300_000);
  assert.deepEqual([client.state.reason, asked], ["away", [first]]);
  server.mode = "open";
  await clock.advance(30_000);
  assert.deepEqual([client.state.name, server.tokens.at(-1)], ["connected", next]);
});
