/** A message sent twice is stored once, over any transport and with any position. */
import assert from "node:assert/strict";
import { before, test } from "node:test";

import { Person } from "../lib/people.js";
import { assertDense } from "../lib/protocol.js";
import { suite } from "../lib/suite.js";

const ROUNDS = 3;

suite("repetition", (stack) => {
  /** @type {Person} */ let ada;
  /** @type {Person} */ let bob;
  let sockets, bobs;

  before(async () => {
    [ada, bob] = await Promise.all([Person.create(stack, "Ada"), Person.create(stack, "Bob")]);
    sockets = await Promise.all([ada.connect(), ada.connect()]);
    bobs = await bob.connect();
  });

  const bySocket = (index) => (conversation, message) =>
    sockets[index].request("sendMessage", { conversation, ...message });
  const byHttp = async (conversation, message) => {
    const { status, body } = await ada.post(`/conversations/${conversation}/messages`, message);
    if (body.event === "sent") assert.equal(status, body.duplicate ? 200 : 201);
    return body;
  };

  /** The two transports of the same message. */
  const ways = {
    "two connections": [bySocket(0), bySocket(1)],
    "one connection": [bySocket(0), bySocket(0)],
    HTTP: [byHttp, byHttp],
    "WebSocket and HTTP": [bySocket(0), byHttp],
  };
  /** The position that the sender gives, by the head of the log. */
  const positions = {
    missing: () => ({}),
    stale: () => ({ after: 0 }),
    fresh: (head) => ({ after: head }),
  };

  for (const [way, [one, other]] of Object.entries(ways)) {
    test(`a message sent twice at once by ${way} is stored once`, async (t) => {
      const conversation = await ada.start([bob]);
      let head = 0;
      let number = 0;
      for (const [first, firstPosition] of Object.entries(positions)) {
        for (const [second, secondPosition] of Object.entries(positions)) {
          await t.test(`after ${first} and ${second}`, async () => {
            for (let round = 1; round <= ROUNDS; round += 1) {
              number += 1;
              const message = {
                id: `m-${number}`,
                body: `The same message twice, number ${number}.`,
              };
              const [a, b, between] = await Promise.all([
                one(conversation, { ...message, ...firstPosition(head) }),
                other(conversation, { ...message, ...secondPosition(head) }),
                bobs.request("sendMessage", {
                  conversation,
                  id: message.id,
                  body: "Another sender, under the same id.",
                }),
              ]);
              for (const reply of [a, b, between])
                assert.equal(reply.event, "sent", JSON.stringify(reply));
              assert.deepEqual(
                { ...a, duplicate: b.duplicate },
                b,
                "both replies have the same position and time",
              );
              assert.notEqual(a.duplicate, b.duplicate, "exactly one of the two stored it");
              assert.equal(between.duplicate, false, "ids of different senders are independent");
              // A later repetition gets the same reply, with any position and over any transport.
              const again = await other(conversation, { ...message, ...secondPosition(a.seq) });
              assert.deepEqual(again, { ...a, duplicate: true });
              head = Math.max(a.seq, between.seq);
            }
          });
        }
      }
      const log = await bob.log(conversation);
      assertDense(log);
      assert.equal(log.length, 2 * number);
      const names = log.map(({ sender, id }) => `${sender} ${id}`);
      assert.equal(new Set(names).size, log.length, "no message is stored twice");
    });
  }

  test("the same id with another text is rejected over both transports", async () => {
    const conversation = await ada.start([]);
    await byHttp(conversation, { id: "one", body: "The first text." });
    const answers = await Promise.all(
      [bySocket(0), byHttp].map((send) =>
        send(conversation, { id: "one", body: "Another text altogether." }),
      ),
    );
    assert.deepEqual(
      answers.map(({ code }) => code),
      ["id_reused", "id_reused"],
    );
    const both = await Promise.all([
      bySocket(0)(conversation, { id: "two", body: "One of two texts." }),
      byHttp(conversation, { id: "two", body: "The other of two texts." }),
    ]);
    assert.deepEqual(
      both.map(({ event, code }) => code ?? event).toSorted(),
      ["id_reused", "sent"].toSorted(),
    );
    assert.equal((await ada.log(conversation)).length, 2);
    await Promise.all([...sockets, bobs].map((socket) => socket.close()));
  });
});
