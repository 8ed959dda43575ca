/** A client with a bad network: without sockets, without a server, or with interruptions. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { ID, bodies, shown, start } from "./one_client.js";

/** @import { FakeServer } from "./fake_server.js" */

test("the client finds out over HTTP why there is no socket: no server, not allowed, or blocked", async () => {
  const { server, client, clock } = await start();
  for (const [mode, reason] of /** @type {[FakeServer["mode"], string][]} */ ([
    ["down", "away"],
    ["forbidding", "forbidden"],
    ["http only", "blocked"],
  ])) {
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

test("a change of the browser's network state is shown at once", async () => {
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

test("without a socket, messages are sent and read over HTTP, each once", async () => {
  const { server, client, clock } = await start();
  server.mode = "http only";
  server.socket.cut();
  client.conversation(ID).send("mine");
  await clock.advance(4_000);
  assert.deepEqual(bodies(server), [], "most disconnections are shorter than 5 s");
  await clock.advance(2_000);
  server.store("bob", "theirs");
  await clock.advance(6_000);
  assert.deepEqual([shown(client), client.state.name], [["mine", "theirs"], "polling"]);
  server.mode = "open";
  await clock.advance(30_000);
  assert.equal(client.state.name, "connected");
  assert.deepEqual(bodies(server), ["mine", "theirs"]);
});

test("a 404 that is not from the server removes nothing", async () => {
  let isHotel = false;
  const { server, client, clock } = await start((server) => {
    const { fetch } = server;
    server.fetch = async (input, init) =>
      isHotel ? new Response("<h1>Log in to the hotel</h1>", { status: 404 }) : fetch(input, init);
  });
  server.mode = "http only";
  isHotel = true;
  server.socket.cut();
  void client.conversation(ID).send("kept");
  await clock.advance(20_000);
  assert.deepEqual(
    [shown(client), client.conversation(ID).info?.title],
    [["kept (pending)"], "Lunch"],
  );
  isHotel = false;
  await clock.advance(60_000);
  assert.deepEqual([shown(client), bodies(server)], [["kept"], ["kept"]]);
});

test("another log in place of the old one is read from its end, also without sockets", async () => {
  const { server, client, clock } = await start((server) => {
    for (const body of ["a", "b", "c"]) server.store("bob", body);
  });
  server.mode = "http only";
  server.socket.cut();
  server.log.length = 0;
  server.store("bob", "new world");
  await clock.advance(30_000);
  assert.deepEqual(shown(client), ["new world"]);
});

test("without sockets, a conversation that is gone does not stop the others", async () => {
  const { server, client, clock } = await start((server) =>
    server.listed.unshift({ id: "gone", title: "Gone", joinedAt: "2026-01-05T08:30:00.000Z" }),
  );
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

test("a network that comes back costs one ping", async () => {
  const { server, clock, happens } = await start();
  await clock.advance(40_000);
  const before = server.asked("ping").length;
  happens("online");
  await clock.advance(0);
  assert.equal(server.asked("ping").length, before + 1);
});

test("after a stop, a client starts again as `connecting`", async () => {
  const { server, client, clock } = await start();
  client.stop();
  server.mode = "down";
  void client.start();
  await clock.advance(0);
  assert.deepEqual(
    [client.state.name, client.state.reason === null || client.state.reason === "away"],
    ["connecting", true],
  );
  server.mode = "open";
  await clock.advance(30_000);
  assert.equal(client.state.name, "connected");
});
