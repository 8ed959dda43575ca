/** The protocol over two sockets, frame by frame. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Person } from "../lib/people.js";
import { assertDense, assertMessage, assertRejected, assertSent } from "../lib/protocol.js";
import { suite } from "../lib/suite.js";

suite("chat", (stack) => {
  /** @type {Person} */ let ada;
  /** @type {Person} */ let bob;
  let adas, bobs;

  before(async () => {
    [ada, bob] = await Promise.all([Person.create(stack, "Ada"), Person.create(stack, "Bob")]);
    [adas, bobs] = await Promise.all([ada.connect(), bob.connect()]);
  });
  after(async () => {
    await Promise.all([adas?.close(), bobs?.close()]);
  });

  /** Starts a conversation of the two users, to which both connections are subscribed. */
  async function subscribed() {
    const conversation = await ada.start([bob]);
    await bobs.next((frame) => frame.event === "added" && frame.conversation === conversation);
    for (const socket of [adas, bobs]) {
      assert.deepEqual(await socket.request("subscribe", { conversation }), {
        event: "subscribed",
        conversation,
        head: 0,
        events: [],
        limited: false,
      });
    }
    return conversation;
  }

  const of = (conversation) => (frame) =>
    frame.event === "message" && frame.conversation === conversation;

  test("a message is acknowledged to its sender and pushed to the other", async () => {
    const conversation = await subscribed();
    const body = 'Hello Bob — grüß dich! 👋\n\tIndented, "quoted", <b>not bold</b>.';
    assertSent(await adas.request("sendMessage", { conversation, id: "m1", body }), {
      conversation,
      id: "m1",
      seq: 1,
    });
    assertMessage(await bobs.next(of(conversation)), {
      conversation,
      seq: 1,
      id: "m1",
      sender: ada,
      body,
    });
    assertSent(await bobs.request("sendMessage", { conversation, id: "m1", body }), {
      conversation,
      id: "m1",
      seq: 2,
    });
    assertMessage(await adas.next(of(conversation)), {
      conversation,
      seq: 2,
      id: "m1",
      sender: bob,
      body,
    });
  });

  test("everyone sees the same order without gaps", async () => {
    const conversation = await subscribed();
    const send = async (socket, name) => {
      const seqs = [];
      for (let n = 1; n <= 10; n += 1) {
        const reply = await socket.request("sendMessage", {
          conversation,
          id: `${name}-${n}`,
          body: `Number ${n} of ${name}'s messages.`,
        });
        assert.equal(reply.event, "sent", JSON.stringify(reply));
        seqs.push(reply.seq);
      }
      return seqs;
    };
    const [fromAda, fromBob] = await Promise.all([send(adas, "ada"), send(bobs, "bob")]);
    assert.deepEqual(
      fromAda,
      fromAda.toSorted((a, b) => a - b),
      "the messages of one sender keep their order",
    );
    assert.deepEqual(
      [...fromAda, ...fromBob].toSorted((a, b) => a - b),
      Array.from({ length: 20 }, (_, index) => index + 1),
    );
    const log = await ada.log(conversation);
    assertDense(log);
    assert.deepEqual(await bob.log(conversation), log);
    for (const [socket, theirs] of [
      [adas, bob],
      [bobs, ada],
    ]) {
      const pushed = [];
      for (let n = 1; n <= 10; n += 1) pushed.push(await socket.next(of(conversation)));
      pushed.sort((a, b) => a.seq - b.seq);
      assert.deepEqual(
        pushed,
        log.filter(({ sender }) => sender === theirs.user),
      );
    }
  });

  test("a message reaches the sender's other connection and not the sending one", async () => {
    const conversation = await subscribed();
    const second = await ada.connect();
    await second.request("subscribe", { conversation });
    await adas.request("sendMessage", {
      conversation,
      id: "a",
      body: "From the first connection.",
    });
    assertMessage(await second.next(of(conversation)), {
      conversation,
      seq: 1,
      id: "a",
      sender: ada,
      body: "From the first connection.",
    });
    await bobs.request("sendMessage", {
      conversation,
      id: "marker",
      body: "After it, by another user.",
    });
    const before = await adas.before(
      (frame) => frame.id === "marker" && frame.conversation === conversation,
    );
    assert.deepEqual(before.filter(of(conversation)), []);
    await second.close();
  });

  test("a repeated message is stored once and gets the first reply again", async () => {
    const conversation = await subscribed();
    const message = { conversation, id: "once", body: "Stored exactly one time." };
    const first = await adas.request("sendMessage", message);
    assertSent(first, { conversation, id: "once", seq: 1 });
    await adas.request("sendMessage", { conversation, id: "other", body: "Something in between." });
    for (const fields of [{}, { after: 0 }]) {
      assert.deepEqual(await adas.request("sendMessage", { ...message, ...fields }), {
        ...first,
        duplicate: true,
      });
    }
    assertRejected(
      await adas.request("sendMessage", { ...message, body: "Something quite different." }),
      "id_reused",
    );
    assert.deepEqual(
      (await ada.log(conversation)).map(({ id }) => id),
      ["once", "other"],
    );
  });

  test("concurrent repetitions of a message over both transports are stored once", async () => {
    const conversation = await subscribed();
    const message = { id: "race", body: "Raced, but stored exactly once.", after: 0 };
    const replies = await Promise.all([
      ...Array.from({ length: 4 }, () => adas.request("sendMessage", { conversation, ...message })),
      ...Array.from(
        { length: 4 },
        async () => (await ada.post(`/conversations/${conversation}/messages`, message)).body,
      ),
    ]);
    assert.deepEqual(
      replies.map(({ seq }) => seq),
      replies.map(() => 1),
      JSON.stringify(replies),
    );
    assert.equal((await ada.log(conversation)).length, 1);
  });

  test("catch-up returns the entries after a position", async () => {
    const conversation = await subscribed();
    for (let n = 1; n <= 5; n += 1)
      await adas.request("sendMessage", {
        conversation,
        id: `m${n}`,
        body: `Message number ${n}.`,
      });
    const log = await ada.log(conversation);
    for (const position of [0, 1, 4, 5]) {
      assert.deepEqual(await bobs.request("subscribe", { conversation, after: position }), {
        event: "subscribed",
        conversation,
        head: 5,
        events: log.slice(position),
        limited: false,
      });
    }
    assert.deepEqual(await bobs.request("subscribe", { conversation }), {
      event: "subscribed",
      conversation,
      head: 5,
      events: [],
      limited: false,
    });
  });

  test("a long catch-up comes in pages", async () => {
    const conversation = await subscribed();
    const large = "x".repeat(16_000);
    // Together they exceed the size of a frame, so one page cannot hold them.
    for (let n = 1; n <= 10; n += 1) {
      const { status } = await ada.post(`/conversations/${conversation}/messages`, {
        id: `large-${n}`,
        body: `${n} ${large}`,
      });
      assert.equal(status, 201);
    }
    const log = await ada.log(conversation);
    const seen = [];
    let page;
    let pages = 0;
    do {
      page = await bobs.request("subscribe", { conversation, after: seen.at(-1)?.seq ?? 0 });
      assert.equal(page.head, 10, "head is correct even on a limited page");
      assert.ok(page.events.length > 0, "a page holds at least one entry");
      seen.push(...page.events);
      pages += 1;
    } while (page.limited);
    assert.ok(pages > 1);
    assert.deepEqual(seen, log);
    assertDense(seen);
  });

  test("a position that does not exist is rejected", async () => {
    const conversation = await subscribed();
    await adas.request("sendMessage", {
      conversation,
      id: "m1",
      body: "The only message in here.",
    });
    for (const position of [-1, 2, 0.5, 1e12]) {
      assertRejected(
        await bobs.request("subscribe", { conversation, after: position }),
        "unknown_position",
      );
      assertRejected(
        await bobs.request("sendMessage", {
          conversation,
          id: "m2",
          body: "This is not stored.",
          after: position,
        }),
        "unknown_position",
      );
    }
    assert.equal((await ada.log(conversation)).length, 1);
  });

  test("pong contains the heads of the conversations that are behind", async () => {
    const [ahead, behind] = [await subscribed(), await subscribed()];
    for (const conversation of [ahead, behind])
      await adas.request("sendMessage", { conversation, id: "m1", body: "One message for each." });
    assert.deepEqual(await bobs.request("ping"), { event: "pong", heads: {} });
    assert.deepEqual(await bobs.request("ping", { positions: {} }), { event: "pong", heads: {} });
    assert.deepEqual(
      await bobs.request("ping", { positions: { [ahead]: 1, [behind]: 0, nowhere: 0 } }),
      {
        event: "pong",
        heads: { [behind]: 1 },
      },
    );
    const tooMany = Object.fromEntries(Array.from({ length: 21 }, (_, index) => [`c${index}`, 0]));
    assertRejected(await bobs.request("ping", { positions: tooMany }), "invalid", "positions");
  });

  test("nothing is pushed after unsubscribing", async () => {
    const [left, kept] = [await subscribed(), await subscribed()];
    assert.deepEqual(await bobs.request("unsubscribe", { conversation: left }), {
      event: "unsubscribed",
      conversation: left,
    });
    await adas.request("sendMessage", {
      conversation: left,
      id: "unheard",
      body: "Nothing is subscribed to this one.",
    });
    await adas.request("sendMessage", {
      conversation: kept,
      id: "marker",
      body: "Something is subscribed to this one.",
    });
    const before = await bobs.before(
      (frame) => frame.id === "marker" && frame.conversation === kept,
    );
    assert.deepEqual(before.filter(of(left)), []);
  });

  test("the reply to a malformed frame has no ref", async () => {
    for (const frame of [
      "",
      "hello",
      '{"action":',
      "[]",
      '"subscribe"',
      "17",
      "null",
      "{}",
      '{"conversation":"x"}',
    ]) {
      bobs.send(frame);
      assertRejected(await bobs.next(({ event }) => event === "error"), "malformed");
    }
  });

  test("an error reply repeats the ref", async () => {
    for (const action of ["dance", "Subscribe", "$connect", "$default"])
      assertRejected(await bobs.request(action), "unknown_action");
    bobs.send({ action: "ping", ref: "r".repeat(65) });
    assertRejected(await bobs.next(({ event }) => event === "error"), "invalid", "ref");
    bobs.send({ action: "ping", ref: "r".repeat(64) });
    assert.deepEqual(await bobs.next(({ event }) => event === "pong"), {
      event: "pong",
      ref: "r".repeat(64),
      heads: {},
    });
  });

  test("an error reply names the invalid field", async (t) => {
    const conversation = await subscribed();
    const good = { conversation, id: "m", body: "Good apart from one field." };
    const table = [
      ["sendMessage", { ...good, conversation: undefined }, "invalid", "conversation"],
      ["sendMessage", { ...good, conversation: 7 }, "invalid", "conversation"],
      ["sendMessage", { ...good, id: undefined }, "invalid", "id"],
      ["sendMessage", { ...good, id: "" }, "invalid", "id"],
      ["sendMessage", { ...good, id: "with space" }, "invalid", "id"],
      ["sendMessage", { ...good, id: "i".repeat(65) }, "invalid", "id"],
      ["sendMessage", { ...good, body: undefined }, "invalid", "body"],
      ["sendMessage", { ...good, body: "" }, "invalid", "body"],
      ["sendMessage", { ...good, body: ["a list"] }, "invalid", "body"],
      ["sendMessage", { ...good, body: "a bell \u0007 rings" }, "invalid", "body"],
      ["subscribe", {}, "invalid", "conversation"],
      ["unsubscribe", {}, "invalid", "conversation"],
      ["ping", { positions: [] }, "invalid", "positions"],
    ];
    for (const [action, fields, code, field] of table) {
      await t.test(
        `${action}: ${field} ${JSON.stringify(fields[field])?.slice(0, 20)}`,
        async () => {
          assertRejected(await bobs.request(action, fields), code, field);
        },
      );
    }
    await t.test("the connection remains usable", async () => {
      assertSent(await bobs.request("sendMessage", good), { conversation, id: "m", seq: 1 });
    });
  });

  test("size limits are exact to the byte", async () => {
    const conversation = await subscribed();
    const table = [
      ["a".repeat(16_384), true],
      ["a".repeat(16_385), false],
      ["ü".repeat(8_192), true],
      ["ü".repeat(8_193), false],
      // A newline takes two bytes in JSON.
      [`aa${"\n".repeat(8_191)}`, true],
      [`aaa${"\n".repeat(8_191)}`, false],
    ];
    let seq = 0;
    for (const [index, [body, fits]] of table.entries()) {
      const id = `size-${index}`;
      const reply = await bobs.request("sendMessage", { conversation, id, body });
      if (fits) {
        seq += 1;
        assertSent(reply, { conversation, id, seq });
      } else assertRejected(reply, "too_large", "body");
    }
    const longest = "i".repeat(64);
    assertSent(
      await bobs.request("sendMessage", {
        conversation,
        id: longest,
        body: "The longest id there is.",
      }),
      {
        conversation,
        id: longest,
        seq: seq + 1,
      },
    );
  });

  test("the gateway closes the connection after a frame it rejects", async () => {
    for (const [frame, code] of [
      ["x".repeat(33_000), 1009],
      [Buffer.from('{"action":"ping"}'), 1003],
    ]) {
      const socket = await bob.connect();
      socket.send(frame);
      assert.equal(await socket.closed, code);
    }
  });
});
