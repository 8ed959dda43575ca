/** A client whose network is not as it should be: no sockets, nobody there, coming and going. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { ID, bodies, shown, start } from "./one_client.js";

/** @import { FakeServer } from "./fakes.js" */

test("why there is no socket is asked by HTTP: nobody there, not allowed, or something against sockets", async () => {
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

test("a 404 that is not the server's own takes nothing away", async () => {
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

test("a log that is another one is read anew also where there are no sockets", async () => {
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

test("without sockets, a conversation that one is in no more keeps nobody from the others", async () => {
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
  assert.deepEqual(
    [client.state.name, client.state.reason === null || client.state.reason === "away"],
    ["connecting", true],
  );
  server.mode = "open";
  await clock.advance(30_000);
  assert.equal(client.state.name, "connected");
});
