/** HTTP and WebSocket lead to the same log. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { before, test } from "node:test";

import { Person } from "../lib/people.js";
import { assertMessage, assertProblem, assertSent, INSTANT } from "../lib/protocol.js";
import { suite } from "../lib/suite.js";

suite("transports", (stack) => {
  /** @type {Person} */ let ada;
  /** @type {Person} */ let bob;

  before(async () => {
    [ada, bob] = await Promise.all([Person.create(stack, "Ada"), Person.create(stack, "Bob")]);
  });

  test("a message posted over HTTP reaches every subscriber, including its sender", async () => {
    const conversation = await ada.start([bob]);
    const sockets = await Promise.all([ada.connect(), bob.connect(), bob.connect()]);
    for (const socket of sockets) await socket.request("subscribe", { conversation });
    const body = "Posted, and pushed to all.";
    const answer = await ada.post(`/conversations/${conversation}/messages`, { id: "h1", body });
    assert.equal(answer.status, 201);
    assertSent(answer.body, { conversation, id: "h1", seq: 1 });
    for (const socket of sockets) {
      assertMessage(await socket.next(({ event }) => event === "message"), {
        conversation,
        seq: 1,
        id: "h1",
        sender: ada,
        body,
      });
    }
    await Promise.all(sockets.map((socket) => socket.close()));
  });

  test("a message sent over WebSocket is in the HTTP history", async () => {
    const conversation = await ada.start([bob]);
    const socket = await ada.connect();
    const body = "Sent by socket, read over HTTP.";
    await socket.request("sendMessage", { conversation, id: "w1", body });
    const events = await bob.get(`/conversations/${conversation}/events?after=0`);
    assert.equal(events.status, 200);
    assert.deepEqual(
      { ...events.body, events: events.body.events.length },
      { events: 1, head: 1, limited: false },
    );
    assertMessage(events.body.events[0], { conversation, seq: 1, id: "w1", sender: ada, body });
    const messages = await bob.get(`/conversations/${conversation}/messages`);
    assert.deepEqual(messages.body, {
      messages: events.body.events,
      limited: false,
      before: null,
    });
    await socket.close();
  });

  test("the id may be an Idempotency-Key, and a repetition gets the first response again", async () => {
    const conversation = await ada.start([]);
    const path = `/conversations/${conversation}/messages`;
    const body = "Posted with a key of its own.";
    const first = await ada.post(path, { body }, { "idempotency-key": "key-1" });
    assert.equal(first.status, 201);
    assertSent(first.body, { conversation, id: "key-1", seq: 1 });
    for (const again of [
      await ada.post(path, { body }, { "idempotency-key": "key-1" }),
      await ada.post(path, { id: "key-1", body }),
    ]) {
      assert.equal(again.status, 200);
      assert.deepEqual(again.body, { ...first.body, duplicate: true });
    }
    assertProblem(
      await ada.post(path, { id: "key-1", body: "Another body altogether." }),
      "id_reused",
    );
    assertProblem(await ada.post(path, { body }), "invalid", "id");
  });

  test("a conversation is created once per id, and its participants are notified", async () => {
    const id = randomUUID();
    const bobs = await Promise.all([bob.connect(), bob.connect()]);
    const request = { id, title: "Plans for Sunday", participants: [bob.user] };
    const first = await ada.post("/conversations", request);
    assert.equal(first.status, 201);
    const { createdAt, participants, ...rest } = first.body;
    assert.deepEqual(rest, { id, title: "Plans for Sunday", head: 0, next: null });
    assert.match(createdAt, INSTANT);
    assert.deepEqual(
      participants.map(({ user }) => user).toSorted(),
      [ada.user, bob.user].toSorted(),
    );
    assert.deepEqual(
      participants.find(({ user }) => user === ada.user),
      { user: ada.user, name: "Ada", role: "owner" },
    );
    for (const socket of bobs) {
      assert.deepEqual(await socket.next(), {
        event: "added",
        conversation: id,
        title: "Plans for Sunday",
        head: 0,
        by: ada.user,
      });
    }
    const again = await ada.post("/conversations", request);
    assert.equal(again.status, 200);
    assert.deepEqual(again.body, first.body);
    assert.ok(
      (await bob.post("/conversations", request)).status >= 400,
      "an existing id of another user's conversation is rejected",
    );
    await Promise.all(bobs.map((socket) => socket.close()));
  });

  test("an invalid conversation is rejected", async () => {
    const many = Array.from({ length: 91 }, (_, index) => `user-${index}`);
    for (const [request, field] of [
      [{ participants: many }, "participants"],
      [{ participants: "bob" }, "participants"],
      [{ participants: ["u".repeat(129)] }, "participants"],
      [{ participants: [], title: "t".repeat(201) }, "title"],
    ]) {
      assertProblem(await ada.post("/conversations", request), "invalid", field);
    }
  });

  /** @param {Person} person */
  async function listPages(person) {
    const pages = [];
    let next;
    do {
      const { status, body } = await person.get(
        `/conversations${next ? `?next=${encodeURIComponent(next)}` : ""}`,
      );
      assert.equal(status, 200, JSON.stringify(body));
      pages.push(body.conversations);
      next = body.next;
    } while (next);
    return pages;
  }

  test("the list of conversations comes in pages", async () => {
    const carol = await Person.create(stack, "Carol");
    const started = [];
    for (let n = 1; n <= 27; n += 1) started.push(await carol.start([], `Number ${n}`));
    // The list may be a second old, so the test reads it until it is complete.
    let pages;
    do pages = await listPages(carol);
    while (pages.flat().length < started.length);
    assert.deepEqual(
      pages.map((page) => page.length),
      [25, 2],
    );
    assert.deepEqual(
      pages
        .flat()
        .map(({ id }) => id)
        .toSorted(),
      started.toSorted(),
    );
    const { joinedAt, ...entry } = pages.flat().find(({ id }) => id === started[0]);
    assert.deepEqual(entry, {
      id: started[0],
      title: "Number 1",
      head: 0,
      lastMessage: null,
      messages: 0,
      readTo: 0,
      unread: 0,
    });
    assert.match(joinedAt, INSTANT);
  });

  test("the list shows the newest message", async () => {
    const dora = await Person.create(stack, "Dora");
    const conversation = await dora.start([]);
    for (const n of [1, 2])
      await dora.post(`/conversations/${conversation}/messages`, {
        id: `m${n}`,
        body: `Number ${n} for the list.`,
      });
    let listed;
    do [listed] = (await dora.get("/conversations")).body.conversations;
    while (listed === undefined);
    assert.equal(listed.head, 2);
    assertMessage(listed.lastMessage, {
      conversation,
      seq: 2,
      id: "m2",
      sender: dora,
      body: "Number 2 for the list.",
    });
  });

  test("the history can be read forwards and backwards", async () => {
    const conversation = await ada.start([bob]);
    for (let n = 1; n <= 7; n += 1)
      await ada.post(`/conversations/${conversation}/messages`, {
        id: `m${n}`,
        body: `History, part ${n}.`,
      });
    const forwards = async (query) =>
      (await bob.get(`/conversations/${conversation}/events?${query}`)).body;
    const backwards = async (query) =>
      (await bob.get(`/conversations/${conversation}/messages?${query}`)).body;
    const seqs = (entries) => entries.map(({ seq }) => seq);
    for (const [query, expected, limited] of [
      ["after=0", [1, 2, 3, 4, 5, 6, 7], false],
      ["after=0&limit=3", [1, 2, 3], true],
      ["after=3&limit=3", [4, 5, 6], true],
      ["after=6&limit=3", [7], false],
      ["after=7", [], false],
      ["after=0&limit=0", [1], true],
      ["after=0&limit=100000", [1, 2, 3, 4, 5, 6, 7], false],
    ]) {
      const page = await forwards(query);
      assert.deepEqual(
        { ...page, events: seqs(page.events) },
        { events: expected, head: 7, limited },
        query,
      );
    }
    for (const [query, expected, before] of [
      ["", [1, 2, 3, 4, 5, 6, 7], null],
      ["limit=2", [6, 7], 6],
      ["before=6&limit=2", [4, 5], 4],
      ["before=4&limit=5", [1, 2, 3], null],
      ["before=1", [], null],
    ]) {
      const page = await backwards(query);
      assert.deepEqual(
        { ...page, messages: seqs(page.messages) },
        { messages: expected, limited: before !== null, before },
        query,
      );
    }
    assertProblem(
      await bob.get(`/conversations/${conversation}/events?after=8`),
      "unknown_position",
    );
  });

  test("a body that is not JSON is rejected as malformed", async () => {
    const response = await fetch(`${stack.http}/conversations`, {
      method: "POST",
      headers: { authorization: `Bearer ${ada.token}`, "content-type": "application/json" },
      body: '{"participants":',
    });
    assertProblem(
      { status: response.status, headers: response.headers, body: await response.json() },
      "malformed",
    );
  });

  test("CORS allows the stack's own origin and no other", async () => {
    const preflight = async (origin) => {
      const headers = {
        origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type",
      };
      return (
        await fetch(`${stack.http}/conversations`, { method: "OPTIONS", headers })
      ).headers.get("access-control-allow-origin");
    };
    assert.equal(await preflight(new URL(stack.http).origin), new URL(stack.http).origin);
    assert.equal(await preflight("https://evil.example"), null);
  });
});
