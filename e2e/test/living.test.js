/** Messages that refer to other messages: replies. */
import assert from "node:assert/strict";
import { before, test } from "node:test";

import { Person } from "../lib/people.js";
import { assertProblem, assertRejected } from "../lib/protocol.js";
import { suite } from "../lib/suite.js";

suite("living", (stack) => {
  /** @type {Person} */ let ada;
  /** @type {Person} */ let bob;

  before(async () => {
    [ada, bob] = await Promise.all([Person.create(stack, "Ada"), Person.create(stack, "Bob")]);
  });

  /** Returns a conversation in which Ada has sent the first message, and both are subscribed. */
  async function talk() {
    const conversation = await ada.start([bob]);
    const sockets = await Promise.all([ada.connect(), bob.connect()]);
    for (const socket of sockets) await socket.request("subscribe", { conversation });
    const first = { conversation, id: "a1", body: "Shall we have lunch at noon?", after: 0 };
    await sockets[0].request("sendMessage", first);
    await sockets[1].next(({ event }) => event === "message");
    const close = () => Promise.all(sockets.map((socket) => socket.close()));
    return { conversation, sockets, close, messages: `/conversations/${conversation}/messages` };
  }

  test("a reply names a message, over both transports and in every answer", async () => {
    const { conversation, sockets, close, messages } = await talk();
    const [adas, bobs] = sockets;
    const yes = { conversation, id: "b1", body: "With pleasure.", replyTo: 1, after: 1 };
    assert.equal((await bobs.request("sendMessage", yes)).seq, 2);
    assert.equal((await adas.next(({ event }) => event === "message")).replyTo, 1);
    const posted = await ada.post(messages, { id: "a2", body: "Good.", replyTo: 2 });
    assert.equal(posted.status, 201);
    const { body: page } = await bob.get(messages);
    assert.deepEqual(
      page.messages.map(({ replyTo }) => replyTo),
      [undefined, 1, 2],
    );
    assert.deepEqual(await ada.log(conversation), page.messages);
    const subscribed = await bobs.request("subscribe", { conversation, after: 0 });
    assert.deepEqual(subscribed.events, page.messages);
    await close();
  });

  test("a repetition names the same message again", async () => {
    const { conversation, sockets, close, messages } = await talk();
    const yes = { conversation, id: "b1", body: "With pleasure.", replyTo: 1, after: 1 };
    assert.equal((await sockets[1].request("sendMessage", yes)).duplicate, false);
    assert.equal((await sockets[1].request("sendMessage", yes)).duplicate, true);
    const other = { ...yes, replyTo: null };
    assertRejected(await sockets[1].request("sendMessage", other), "id_reused");
    assertProblem(await bob.post(messages, { ...yes, replyTo: 2 }), "id_reused");
    assert.equal((await ada.log(conversation)).length, 2);
    await close();
  });

  test("a reply to nothing is refused", async () => {
    const { conversation, sockets, close, messages } = await talk();
    const yes = { conversation, id: "b1", body: "With pleasure.", after: 1 };
    for (const replyTo of [2, 999_999_999_999]) {
      const reply = await sockets[1].request("sendMessage", { ...yes, replyTo });
      assertRejected(reply, "unknown_message", "replyTo");
      assertProblem(await bob.post(messages, { ...yes, replyTo }), "unknown_message", "replyTo");
    }
    for (const replyTo of [0, -1, 1.5, "1", [1]]) {
      const reply = await sockets[1].request("sendMessage", { ...yes, replyTo });
      assertRejected(reply, "invalid", "replyTo");
    }
    assert.equal((await ada.log(conversation)).length, 1);
    await close();
  });
});
