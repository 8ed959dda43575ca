/** How far people have read: on their own devices, for others, and in the list. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { OPENAPI } from "../lib/contract.js";
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

  /** Returns every position that a value shows of a user, wherever it is. */
  function positionsOf({ user }, value) {
    if (value === null || typeof value !== "object") return [];
    const own = [value[user], value.user === user ? value.readTo : undefined];
    const within = Object.values(value).flatMap((part) => positionsOf({ user }, part));
    return [...own.filter((position) => typeof position === "number"), ...within];
  }

  test("a private position is in no frame and no answer to a third person", async () => {
    const [carol, dora] = await Promise.all(
      ["Carol", "Dora"].map((name) => Person.create(stack, name)),
    );
    const conversation = await ada.start([bob, carol, dora]);
    for (const n of [1, 2, 3])
      await ada.post(`/conversations/${conversation}/messages`, { id: `m${n}`, body: "A text." });
    const carols = await carol.connect();
    await carols.request("subscribe", { conversation });
    let marks = 0;
    /** Returns everything that Carol is answered, by every route, and everything pushed to her. */
    const everything = async () => {
      marks += 1;
      const wanted = { conversation, after: 0 };
      const answers = [
        await carols.request("subscribe", { ...wanted, receipts: true }),
        await carols.request("subscribe", { conversations: [wanted], receipts: true }),
        await carols.request("ping", {
          positions: { [conversation]: 0 },
          presence: "active",
          watch: [conversation],
        }),
        await carols.request("sendMessage", { conversation, id: `c${marks}`, body: "Mine." }),
      ];
      const paths = Object.entries(OPENAPI.paths).filter(([, { get }]) => get !== undefined);
      for (const [path] of paths) {
        const { status, body } = await carol.get(path.replace("{id}", conversation));
        assert.equal(status, 200, path);
        answers.push(body);
      }
      assert.ok(answers.length >= 8, "the documents have the routes");
      answers.push((await receiptOf(carol, conversation, { read: 1 })).body);
      // What was pushed to Carol before this receipt is there.
      await receiptOf(dora, conversation, { read: marks });
      const isMark = ({ event, user, readTo }) =>
        event === "read" && user === dora.user && readTo === marks;
      answers.push(await carols.before(isMark));
      return answers;
    };
    bobs.send({ action: "receipt", conversation, read: 2, private: true });
    await bobsSecond.next(readIn(conversation));
    assert.equal((await receiptOf(bob, conversation, { read: 3, private: true })).status, 200);
    assert.deepEqual(positionsOf(bob, await everything()), []);

    // A public position is found where it belongs: in three answers and a push.
    await receiptOf(bob, conversation, { read: 2 });
    assert.deepEqual(positionsOf(bob, await everything()), [2, 2, 2, 2]);
    await carols.close();
  });

  test("a private receipt is shown to the own devices only", async () => {
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
