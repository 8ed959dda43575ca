/**
 * Subscribing to many conversations in one frame, and to how far participants have read; catching
 * up without subscribing again.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Person } from "../lib/people.js";
import { suite } from "../lib/suite.js";

suite("subscriptions", (stack) => {
  /** @type {Person} */ let ada;
  /** @type {Person} */ let bob;
  let bobs;

  before(async () => {
    [ada, bob] = await Promise.all(["Ada", "Bob"].map((name) => Person.create(stack, name)));
    bobs = await bob.connect();
  });
  after(() => bobs?.close());

  const post = (conversation, id) =>
    ada.post(`/conversations/${conversation}/messages`, { id, body: `${id}, for subscribers.` });

  test("each conversation has an outcome, and the subscriptions stand", async () => {
    const ids = await Promise.all([1, 2, 3].map(() => ada.start([bob])));
    const foreign = await ada.start([]);
    await post(ids[1], "m1");
    const reply = await bobs.request("subscribe", {
      conversations: [
        ...ids.map((conversation) => ({ conversation, after: 0 })),
        { conversation: foreign, after: 0 },
        { conversation: "missing" },
      ],
    });
    const outcomes = reply.conversations.map(({ head, code }) => code ?? head);
    assert.deepEqual(outcomes, [0, 1, 0, "not_found", "not_found"]);
    assert.equal(reply.conversations[1].events[0].id, "m1");
    for (const conversation of [...ids, foreign]) await post(conversation, "m2");
    const seen = [];
    for (let n = 0; n < ids.length; n += 1)
      seen.push((await bobs.next(({ event }) => event === "message")).conversation);
    assert.deepEqual(seen.toSorted(), ids.toSorted());
  });

  test("with receipts the reply says how far the participants have read", async () => {
    const conversation = await ada.start([bob]);
    await post(conversation, "m1");
    await post(conversation, "m2");
    await ada.put(`/conversations/${conversation}/receipt`, { read: 2 });
    await bob.put(`/conversations/${conversation}/receipt`, { read: 1, private: true });
    const expected = { messages: 2, read: { [ada.user]: 2, [bob.user]: 1 } };
    const one = await bobs.request("subscribe", { conversation, receipts: true });
    assert.deepEqual({ messages: one.messages, read: one.read }, expected);
    const many = await bobs.request("subscribe", {
      conversations: [{ conversation }],
      receipts: true,
    });
    const [{ messages, read }] = many.conversations;
    assert.deepEqual({ messages, read }, expected);
    const adas = await ada.connect();
    const of = (await adas.request("subscribe", { conversation, receipts: true })).read;
    assert.deepEqual(of, { [ada.user]: 2 }, "a private position is not shown");
    await adas.close();
  });

  test("what was missed is returned without subscribing again, and pushes go on", async () => {
    const [conversation, other] = await Promise.all([ada.start([bob]), ada.start([bob])]);
    await bobs.request("subscribe", { conversation });
    for (const id of ["m1", "m2", "m3"]) await post(conversation, id);
    const missed = await bobs.request("catchUp", { conversation, after: 1 });
    assert.deepEqual(
      missed.events.map(({ id }) => id),
      ["m2", "m3"],
    );
    const { head, limited, subscribed } = missed;
    assert.deepEqual({ head, limited, subscribed }, { head: 3, limited: false, subscribed: true });

    const many = await bobs.request("catchUp", {
      conversations: [
        { conversation: other, after: 0 },
        { conversation, after: 3 },
        { conversation: "missing", after: 0 },
      ],
    });
    assert.deepEqual(
      many.conversations.map(({ code, subscribed }) => code ?? subscribed),
      [false, true, "not_found"],
    );
    await post(conversation, "m4");
    await bobs.next(({ id }) => id === "m4");
  });

  test("a user who was removed and added again is told to subscribe", async () => {
    const conversation = await ada.start([bob]);
    await bobs.request("subscribe", { conversation });
    await ada.delete(`/conversations/${conversation}/participants/${bob.user}`);
    const removed = await bobs.request("catchUp", { conversation, after: 0 });
    assert.equal(removed.code, "not_found");
    await ada.put(`/conversations/${conversation}/participants/${bob.user}`);
    const { head, subscribed } = await bobs.request("catchUp", { conversation, after: 0 });
    assert.deepEqual({ head, subscribed }, { head: 2, subscribed: false });
  });
});
