/** How far people have read: on their own devices, for others, and in the list. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Person } from "../lib/people.js";
import { suite } from "../lib/suite.js";

suite("receipts", (stack) => {
  /** @type {Person} */ let ada;
  /** @type {Person} */ let bob;
  /** @type {Person} */ let mallory;
  let adas, bobs, bobsSecond;

  before(async () => {
    [ada, bob, mallory] = await Promise.all(
      ["Ada", "Bob", "Mallory"].map((name) => Person.create(stack, name)),
    );
    // Bob's second device is connected, and subscribed to nothing.
    [adas, bobs, bobsSecond] = await Promise.all([ada.connect(), bob.connect(), bob.connect()]);
  });
  after(() => Promise.all([adas, bobs, bobsSecond].map((socket) => socket?.close())));

  /** Starts a conversation with messages of Ada, to which Ada and Bob are subscribed. */
  async function withMessages(count) {
    const conversation = await ada.start([bob]);
    for (let n = 1; n <= count; n += 1) {
      const message = { id: `m${n}`, body: `Number ${n}, to be read.`, after: n - 1 };
      const { status } = await ada.post(`/conversations/${conversation}/messages`, message);
      assert.equal(status, 201);
    }
    for (const socket of [adas, bobs])
      assert.equal((await socket.request("subscribe", { conversation })).event, "subscribed");
    return conversation;
  }

  const readIn = (conversation) => (frame) =>
    frame.event === "read" && frame.conversation === conversation;
  const read = (conversation, readTo) => ({
    event: "read",
    conversation,
    user: bob.user,
    readTo,
    messages: readTo,
  });
  const receiptOf = (person, conversation, fields) =>
    person.put(`/conversations/${conversation}/receipt`, fields);

  /** Returns position and unread messages in the list. The list may be a second old. */
  async function listed(person, conversation) {
    for (;;) {
      const { body } = await person.get("/conversations");
      const found = body.conversations.find(({ id }) => id === conversation);
      if (found !== undefined) return { readTo: found.readTo, unread: found.unread };
    }
  }

  test("a receipt reaches the other device and the other participant", async () => {
    const conversation = await withMessages(3);
    assert.deepEqual(await listed(bob, conversation), { readTo: 0, unread: 3 });
    bobs.send({ action: "receipt", conversation, read: 2, ref: "1" });
    for (const socket of [adas, bobsSecond])
      assert.deepEqual(await socket.next(readIn(conversation)), read(conversation, 2));
    assert.deepEqual(await listed(bob, conversation), { readTo: 2, unread: 1 });
    // Her own messages are read.
    assert.deepEqual(await listed(ada, conversation), { readTo: 3, unread: 0 });
  });

  test("a position only grows, and must be one of the log", async () => {
    const conversation = await withMessages(3);
    for (const [position, readTo] of [
      [2, 2],
      [1, 2],
      [0, 2],
      [3, 3],
    ]) {
      const { status, body } = await receiptOf(bob, conversation, { read: position });
      assert.equal(status, 200, JSON.stringify(body));
      assert.deepEqual(body, { conversation, readTo, messages: readTo });
    }
    for (const position of [4, 999_999_999_999, -1, 1.5]) {
      const { status, body } = await receiptOf(bob, conversation, { read: position });
      assert.deepEqual([status, body.code, body.field], [409, "unknown_position", "read"]);
    }
    // Nothing older or invented was pushed.
    await receiptOf(bob, await withMessages(1), { read: 1 });
    const pushed = await adas.before((frame) => frame.event === "read" && frame.readTo === 1);
    assert.deepEqual(
      pushed.filter(({ event }) => event === "read").map(({ readTo }) => readTo),
      [2, 3],
    );
  });

  test("a private receipt is shown to nobody else, by no route", async () => {
    const conversation = await withMessages(3);
    bobs.send({ action: "receipt", conversation, read: 3, private: true });
    assert.deepEqual(await bobsSecond.next(readIn(conversation)), read(conversation, 3));
    assert.deepEqual(await listed(bob, conversation), { readTo: 3, unread: 0 });
    // A public receipt is the marker: the private one would have come before it.
    await receiptOf(bob, conversation, { read: 1 });
    assert.deepEqual(await adas.next(readIn(conversation)), read(conversation, 1));
    const answers = [
      await ada.get("/conversations"),
      await ada.get(`/conversations/${conversation}`),
      await ada.get(`/conversations/${conversation}/events?after=0`),
      await ada.get(`/conversations/${conversation}/messages`),
    ];
    for (const { body } of answers)
      assert.ok(!JSON.stringify(body).includes(`"${bob.user}","readTo"`));
  });

  test("a stranger's receipt is refused as for a missing conversation", async () => {
    const conversation = await withMessages(1);
    for (const id of [conversation, "missing"]) {
      for (const position of [0, 1, 2]) {
        const { status, body } = await receiptOf(mallory, id, { read: position });
        assert.deepEqual([status, body.code], [404, "not_found"]);
      }
    }
  });

  test("a participant who is added starts with what was there as read", async () => {
    const conversation = await withMessages(2);
    await ada.put(`/conversations/${conversation}/participants/${mallory.user}`);
    assert.deepEqual(await listed(mallory, conversation), { readTo: 3, unread: 0 });
    await ada.post(`/conversations/${conversation}/messages`, { id: "m3", body: "Welcome." });
    const { body } = await mallory.get("/conversations");
    assert.equal(body.conversations.find(({ id }) => id === conversation).unread, 1);
  });
});
