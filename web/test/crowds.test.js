/** What a client spares the server: frames, rows, requests and units. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Api } from "../client/api.js";
// The client loads it with the first edit. Loaded before, no test waits for the disk.
import "../client/revisions.js";
import { FakeClock, settled } from "./fakes.js";
import { bodies, ID, scriptError, shown, start } from "./one_client.js";

/** @import { FakeServer } from "./fake_server.js" */

const LIMITED = { code: "rate_limited", retry: "later", retryAfterMs: 7_000 };

/** @param {FakeServer} server */
function listTwenty(server) {
  for (let n = 2; n <= 20; n += 1)
    server.listed.push({ id: `c${n}`, title: `${n}`, joinedAt: "2026-01-01T00:00:00Z" });
}

test("a new connection subscribes to all conversations in one frame, the one on screen first", async () => {
  const { server, clock, client } = await start(listTwenty);
  assert.ok(server.socket.sent.length <= 3, `${server.socket.sent.length} frames at the start`);
  assert.equal(new Set(server.subscribed()).size, 20);
  client.open("c7");
  await clock.advance(0);
  server.socket.cut();
  await clock.advance(250);
  const [frame, ...others] = server.socket.sent;
  assert.deepEqual([frame?.action, frame?.conversations.length, others], ["subscribe", 20, []]);
  assert.equal(frame?.conversations[0].conversation, "c7");
});

test("conversations that the server refuses in a list do not affect the others", async () => {
  const { server, clock, client } = await start(listTwenty);
  server.out.add("c3");
  server.socket.cut();
  server.store("bob", "meanwhile");
  await clock.advance(250);
  assert.deepEqual(
    [client.conversations.length, shown(client), server.socket.sent.length],
    [19, ["meanwhile"], 1],
  );
});

test("with an older server, conversations are subscribed one by one, and gaps by subscribing again", async () => {
  const { server, clock, client } = await start((server) => {
    listTwenty(server);
    server.isOld = true;
  });
  assert.equal(new Set(server.subscribed()).size, 20);
  assert.equal(server.asked("subscribe").filter(({ conversations }) => conversations).length, 1);
  server.store("bob", "lost");
  server.socket.receive(server.store("bob", "pushed"));
  await clock.advance(500);
  assert.deepEqual(shown(client), ["lost", "pushed"]);
  server.store("bob", "lost, too");
  server.socket.receive(server.store("bob", "pushed, too"));
  await clock.advance(500);
  assert.deepEqual(shown(client), ["lost", "pushed", "lost, too", "pushed, too"]);
});

test("a repair writes nothing, unless the server has lost the subscription", async () => {
  const { server, clock, client } = await start();
  const subscribed = server.asked("subscribe").length;
  server.store("bob", "lost");
  await clock.advance(90_000);
  assert.deepEqual([shown(client), server.asked("catchUp").length], [["lost"], 1]);
  assert.equal(server.asked("subscribe").length, subscribed, "a head of a pong is read");
  server.forgotten.add(ID);
  server.store("bob", "lost");
  server.socket.receive(server.store("bob", "pushed"));
  await clock.advance(500);
  assert.deepEqual(shown(client), ["lost", "lost", "pushed"]);
  assert.equal(server.asked("subscribe").length, subscribed + 1);
});

test("heads of one pong are read in one frame", async () => {
  const { server, clock } = await start(listTwenty);
  server.store("bob", "lost in all of them");
  await clock.advance(90_000);
  const [frame, ...others] = server.asked("catchUp");
  assert.deepEqual([frame?.conversations.length, others], [20, []]);
});

test("entries that are packed into one frame are folded one by one", async () => {
  const { server, clock, client } = await start();
  /** @type {(string | undefined)[]} */ const heard = [];
  client.on("message", ({ body }) => heard.push(body));
  const events = ["one", "two", "three"].map((body) => server.store("bob", body));
  assert.equal(server.asked("subscribe")[0]?.packed, true);
  server.socket.receive({ event: "entries", conversation: ID, events: events.slice(0, 2) });
  server.socket.receive({ event: "entries", conversation: ID, events });
  await clock.advance(0);
  assert.deepEqual(
    [shown(client), heard],
    [
      ["one", "two", "three"],
      ["one", "two", "three"],
    ],
  );
  assert.equal(server.asked("catchUp").length, 0);
});

test("a ping leaves out conversations that were heard from since the last one", async () => {
  const { server, clock } = await start(listTwenty);
  const named = () => Object.keys(server.asked("ping").at(-1)?.positions).sort();
  await clock.advance(45_000);
  assert.equal(named().length, 20);
  server.socket.receive(server.store("bob", "pushed"));
  await clock.advance(45_000);
  assert.deepEqual([named().length, named().includes(ID)], [19, false]);
  await clock.advance(45_000);
  assert.deepEqual([named().length, named().includes(ID)], [20, true]);
});

test("a missed newest entry shows at the second ping at the latest", async () => {
  const { server, clock, client } = await start();
  await clock.advance(44_000);
  server.socket.receive(server.store("bob", "pushed"));
  server.store("bob", "lost");
  await clock.advance(1_000);
  assert.deepEqual(shown(client), ["pushed"]);
  await clock.advance(60_000);
  assert.deepEqual(shown(client), ["pushed", "lost"]);
});

test("after a reconnect the list is asked for within a minute, not at once", async () => {
  const { server, clock } = await start();
  const lists = () => server.requests.filter((request) => request === "GET /conversations").length;
  assert.equal(lists(), 1);
  server.socket.cut();
  await clock.advance(250 + 29_999);
  assert.equal(lists(), 1);
  await clock.advance(1);
  assert.equal(lists(), 2);
});

test("polls become rare, and frequent again when the user writes", async () => {
  const { server, clock, client } = await start();
  const at = () => server.requests.length;
  server.mode = "http only";
  server.socket.cut();
  const pauses = [];
  for (let before = at(), since = clock.now(); pauses.length < 7; ) {
    await clock.advance(500);
    if (at() === before) continue;
    pauses.push(clock.now() - since);
    [before, since] = [at(), clock.now()];
  }
  assert.deepEqual(pauses, [5_000, 5_000, 10_000, 20_000, 40_000, 40_000, 40_000]);
  void client.conversation(ID).send("Is anybody there?");
  await clock.advance(1_000);
  assert.deepEqual(bodies(server), ["Is anybody there?"], "messages are sent at once");
  server.store("bob", "yes");
  await clock.advance(5_000);
  assert.deepEqual(shown(client), ["Is anybody there?", "yes"]);
});

test("while polling, the list is read at most once a minute", async () => {
  const { server, clock } = await start();
  server.mode = "http only";
  server.socket.cut();
  const before = server.requests.length;
  await clock.advance(10 * 60_000);
  const lists = server.requests.slice(before).filter((one) => one === "GET /conversations");
  assert.ok(lists.length >= 5 && lists.length <= 10, `${lists.length} lists in ten minutes`);
});

test("while polling works, nobody asks why there is no socket", async () => {
  const { server, clock, client } = await start(undefined, { id: null });
  client.conversation(ID).subscribe(() => {});
  await clock.advance(0);
  server.mode = "http only";
  server.socket.cut();
  await clock.advance(30_000);
  assert.deepEqual([client.state.name, client.state.reason], ["polling", "blocked"]);
  const lists = server.requests.filter((request) => request === "GET /conversations");
  assert.equal(lists.length, 1, "the list of the start");
});

for (const action of ["subscribe", "sendMessage", "editMessage", "deleteMessage", "catchUp"]) {
  test(`a rate-limited \`${action}\` is sent again after the time that the server says`, async () => {
    const { server, clock, client } = await start((server) => {
      if (action === "subscribe") scriptError(server, action, LIMITED);
    });
    const lunch = client.conversation(ID);
    if (action !== "subscribe") {
      await Promise.all([lunch.send("helo"), clock.advance(0)]);
      const [message] = lunch.messages;
      assert.ok(message);
      scriptError(server, action, LIMITED);
      if (action === "sendMessage") void lunch.send("hello");
      else if (action === "editMessage") void lunch.edit(message, "hello");
      else if (action === "deleteMessage") void lunch.delete(message);
      else {
        server.store("bob", "lost");
        server.socket.receive(server.store("bob", "pushed"));
      }
    }
    await clock.advance(action === "catchUp" ? 500 : 0);
    const before = server.asked(action).length;
    await clock.advance(6_999);
    assert.equal(server.asked(action).length, before);
    await clock.advance(1);
    assert.equal(server.asked(action).length, before + 1);
  });
}

test("a rate-limited `unsubscribe` is sent again after the time that the server says", async () => {
  const { server, clock, client } = await start((server) => {
    listTwenty(server);
    server.listed.push({ id: "c21", title: "21", joinedAt: "2026-01-01T00:00:00Z" });
  });
  scriptError(server, "unsubscribe", LIMITED);
  const followed = new Set(server.subscribed());
  client.open(client.conversations.find(({ id }) => !followed.has(id))?.id ?? "");
  await clock.advance(6_999);
  assert.equal(server.asked("unsubscribe").length, 1);
  await clock.advance(1);
  assert.equal(server.asked("unsubscribe").length, 2);
});

test("a rate-limited HTTP request is made again after the time that the server says; others wait, too", async () => {
  const clock = new FakeClock();
  /** @type {string[]} */ const made = [];
  let limited = 1;
  const api = new Api({
    base: "http://server",
    clock,
    credentials: {
      token: "t",
      accepted: () => {},
      hasEnded: () => false,
      refused: async () => false,
    },
    fetch: async (input) => {
      made.push(new URL(String(input)).pathname);
      if (limited > 0) {
        limited -= 1;
        return Response.json({ message: "slowly", ...LIMITED }, { status: 429 });
      }
      return Response.json({ head: 1, events: [], limited: false });
    },
  });
  const first = api.request("PUT", "/me/presence", { shown: true });
  await settled();
  const second = api.events("c", 0);
  await clock.advance(6_999);
  assert.deepEqual(made, ["/me/presence"]);
  await clock.advance(1);
  await Promise.all([first, second]);
  assert.deepEqual(made.slice(1).sort(), ["/conversations/c/events", "/me/presence"]);
});

test("an HTTP request that the gateway limits is left to its caller", async () => {
  const clock = new FakeClock();
  const api = new Api({
    base: "http://server",
    clock,
    credentials: {
      token: "t",
      accepted: () => {},
      hasEnded: () => false,
      refused: async () => false,
    },
    fetch: async () => Response.json({ message: "Too Many Requests" }, { status: 429 }),
  });
  await assert.rejects(api.events("c", 0), { code: "rate_limited", retry: "later" });
});
