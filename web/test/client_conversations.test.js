/** A client with several conversations: the list, subscriptions, and iterators. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { bodies, ID, scriptError, shown, start } from "./one_client.js";

test("a conversation that another user creates appears at once; one that the user leaves disappears", async () => {
  const { server, client, clock } = await start();
  server.socket.receive({ event: "added", conversation: "c2", title: "Walk", head: 0, by: "bob" });
  await clock.advance(0);
  assert.deepEqual(client.conversations.map(({ title }) => title).sort(), ["Lunch", "Walk"]);
  assert.equal(server.asked("subscribe").at(-1)?.conversation, "c2");
  server.out.add("c2");
  server.socket.receive({ event: "removed", conversation: "c2" });
  await clock.advance(0);
  assert.deepEqual(
    client.conversations.map(({ title }) => title),
    ["Lunch"],
  );
});

test("a late notice of a removal removes nothing if the user is a participant again", async () => {
  const { server, client, clock } = await start();
  server.script.push({ action: "sendMessage", answer: () => {} });
  client.conversation(ID).send("on its way");
  await clock.advance(0);
  server.socket.receive({ event: "removed", conversation: ID });
  await clock.advance(0);
  assert.deepEqual(shown(client), ["on its way (pending)"]);
  // The subscription ended with the removal.
  assert.equal(server.asked("subscribe").length, 2);
  await clock.advance(20_000);
  assert.deepEqual([shown(client), bodies(server)], [["on its way"], ["on its way"]]);
});

test("a user who is added again subscribes again, and earlier answers are ignored", async () => {
  const { server, client, clock } = await start();
  let answerLate = () => {};
  server.script.push({
    action: "subscribe",
    answer: ({ ref }, socket) => {
      answerLate = () =>
        socket.receive({
          event: "error",
          code: "not_found",
          retry: "never",
          message: "No such thing",
          ref,
        });
    },
  });
  server.socket.receive({ event: "removed", conversation: ID });
  await clock.advance(0);
  server.store("bob", "meanwhile");
  server.socket.receive({ event: "added", conversation: ID, title: "Lunch", head: 1, by: "bob" });
  await clock.advance(0);
  answerLate();
  await clock.advance(0);
  assert.deepEqual(shown(client), ["meanwhile"]);
});

test("the client asks whether a conversation is gone until there is an answer", async () => {
  const { server, client, clock } = await start();
  scriptError(server, "subscribe", { code: "contended", retry: "later", retryAfterMs: 300 });
  server.out.add(ID);
  server.socket.receive({ event: "removed", conversation: ID });
  await clock.advance(0);
  assert.deepEqual(
    client.conversations.map(({ title }) => title),
    ["Lunch"],
  );
  await clock.advance(300);
  assert.deepEqual(client.conversations, []);
});

test("a list that is not answered is asked for again", async () => {
  const { server, client, clock } = await start((server) => (server.failNext = 1));
  assert.equal(client.isLoaded, false);
  await clock.advance(250);
  assert.equal(client.isLoaded, true);
  assert.equal(server.asked("subscribe").length, 1);
});

test("20 conversations are subscribed, in few frames; another one replaces the least recently used", async () => {
  const { server, client, clock } = await start((server) => {
    for (let n = 2; n <= 25; n += 1)
      server.listed.push({
        id: `c${n}`,
        title: `${n}`,
        joinedAt: `2026-01-0${(n % 4) + 1}T00:00:00Z`,
      });
  });
  await clock.advance(0);
  const followed = new Set(server.subscribed());
  assert.equal(followed.size, 20);
  assert.ok(server.asked("subscribe").length <= 2);
  const further = client.conversations.find(({ id }) => !followed.has(id));
  client.open(further?.id ?? "");
  await clock.advance(0);
  assert.equal(server.asked("subscribe").at(-1)?.conversation, further?.id);
  assert.equal(server.asked("unsubscribe").length, 1);
  await clock.advance(90_000);
  assert.equal(Object.keys(server.asked("ping").at(-1)?.positions).length, 20);
});

test("several conversations share one connection; listening to one needs no list", async () => {
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

test("an iterator returns the whole log once and in order, and then new entries", async () => {
  const { server, client, clock } = await start((server) => {
    server.page = 2;
    for (const body of ["a", "b", "c", "d", "e"]) server.store("bob", body);
  });
  /** @type {(string | undefined)[][]} */ const [all = [], live = []] = [[], []];
  const ended = new AbortController();
  const reading = [
    (async () => {
      for await (const { body } of client
        .conversation(ID)
        .entries({ after: 0, signal: ended.signal }))
        all.push(body);
    })(),
    (async () => {
      for await (const { body } of client.conversation(ID)) {
        live.push(body);
        if (body === "h") break;
      }
    })(),
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

test("a visible change changes the version; a state is the same object until it changes", async () => {
  const { server, client, clock } = await start();
  const { version, state } = client;
  server.socket.receive(server.store("bob", "live"));
  await clock.advance(0);
  assert.ok(client.version > version);
  assert.equal(client.state, state);
});

test("an iterator reads what was stored before this tab knew the conversation", async () => {
  const { server, client, clock } = await start(
    (server) => {
      const { fetch } = server;
      server.listed = [];
      /** @type {(value: unknown) => void} */ let pageRead = () => {};
      const afterPage = new Promise((resolve) => (pageRead = resolve));
      server.fetch = async (input, init) => {
        const { pathname } = new URL(String(input));
        if (pathname === `/conversations/${ID}`) {
          await afterPage;
          return Response.json({
            id: ID,
            title: "Lunch",
            head: server.log.length,
            participants: [{ user: "alice", name: "Alice" }],
          });
        }
        const answer = await fetch(input, init);
        if (pathname.endsWith("/events") && server.log.length === 1) {
          server.store("bob", "between");
          pageRead(null);
        }
        return answer;
      };
      server.store("bob", "first");
    },
    { id: null },
  );
  /** @type {(string | undefined)[]} */ const read = [];
  const reading = (async () => {
    for await (const { body } of client.conversation(ID).entries({ after: 0 }))
      if (read.push(body) === 3) break;
  })();
  await clock.advance(0);
  server.socket.receive(server.store("bob", "live"));
  await Promise.all([reading, clock.advance(0)]);
  assert.deepEqual(read, ["first", "between", "live"]);
});

test("a rate-limited list and a rate-limited conversation are asked for again", async () => {
  /** @type {Record<string, number>} */ const rejections = {
    "/conversations": 1,
    [`/conversations/${ID}`]: 1,
  };
  const { client, clock } = await start(
    (server) => {
      const { fetch } = server;
      server.store("bob", "before");
      const [about] = server.listed.splice(0);
      server.fetch = async (input, init) => {
        const { pathname } = new URL(String(input));
        if ((rejections[pathname] ?? 0) > 0) {
          rejections[pathname] = 0;
          return Response.json(
            { code: "rate_limited", retry: "later", retryAfterMs: 3_000, message: "slowly" },
            { status: 429 },
          );
        }
        if (pathname === `/conversations/${ID}`)
          return Response.json({ ...about, head: 1, participants: [] });
        return fetch(input, init);
      };
    },
    { id: null },
  );
  client.conversation(ID).subscribe(() => {});
  rejections[`/conversations/${ID}`] = 1;
  await clock.advance(2_999);
  assert.deepEqual([client.isLoaded, shown(client)], [false, []], "both wait as they were told");
  rejections[`/conversations/${ID}`] = 0;
  await clock.advance(10_000);
  assert.deepEqual([client.conversation(ID).info?.title, shown(client)], ["Lunch", ["before"]]);
});

test("a listener that throws does not stop the others", async () => {
  const { server, client, clock } = await start();
  /** @type {unknown[]} */ const thrown = [];
  const takeOver = (/** @type {unknown} */ error) => thrown.push(error);
  const others = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException").on("uncaughtException", takeOver);
  try {
    let calls = 0;
    client.subscribe(() => {
      throw new Error("mine");
    });
    client.subscribe(() => (calls += 1));
    server.socket.receive(server.store("bob", "live"));
    await clock.advance(0);
    assert.equal(calls, 1);
    assert.deepEqual(thrown.map(String), ["Error: mine"], "the error is not hidden");
  } finally {
    process.removeListener("uncaughtException", takeOver);
    for (const other of others) process.on("uncaughtException", other);
  }
});

test("the list reports on conversations without a subscription, with each ping", async () => {
  const { server, client, clock } = await start((server) => {
    for (let n = 2; n <= 25; n += 1)
      server.listed.push({ id: `c${n}`, title: `${n}`, head: 0, joinedAt: "2026-01-01T00:00:00Z" });
  });
  server.socket.onsend = (
    (send) => (/** @type {any} */ frame) =>
      frame.action === "ping" ? server.socket.receive({ event: "pong", heads: {} }) : send(frame)
  )(server.socket.onsend);
  await clock.advance(0);
  const followed = new Set(server.subscribed());
  const other = server.listed.find(({ id }) => !followed.has(String(id)));
  assert.ok(other);
  other.head = 4;
  await clock.advance(60_000);
  assert.equal(client.conversation(String(other.id)).info?.unread, 4);
});

test("an iterator reads what was said while the user was removed, without waiting for new entries", async () => {
  const { server, client, clock } = await start((server) => server.store("bob", "before"));
  /** @type {(string | undefined)[]} */ const read = [];
  const ended = new AbortController();
  const reading = (async () => {
    for await (const { body } of client
      .conversation(ID)
      .entries({ after: 0, signal: ended.signal }))
      read.push(body);
  })();
  await clock.advance(0);
  server.out.add(ID);
  server.socket.receive({ event: "removed", conversation: ID });
  await clock.advance(0);
  server.store("bob", "meanwhile");
  server.out.delete(ID);
  server.socket.receive({
    event: "added",
    conversation: ID,
    title: "Lunch",
    head: server.log.length,
    by: "bob",
  });
  await clock.advance(1_000);
  ended.abort();
  await reading;
  assert.deepEqual(read, ["before", "meanwhile"]);
});
