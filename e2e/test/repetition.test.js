/** The same message sent twice is stored once, whichever way it comes and whatever its sender has seen. */
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
    [ada, bob] = await Promise.all([Person.arrive(stack, "Ada"), Person.arrive(stack, "Bob")]);
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

  /** The two ways that the same message goes at the same moment. */
  const ways = {
    "two connections": [bySocket(0), bySocket(1)],
    "one connection": [bySocket(0), bySocket(0)],
    HTTP: [byHttp, byHttp],
    "WebSocket and HTTP": [bySocket(0), byHttp],
  };
  /** What the sender says that it has seen, given the newest position. */
  const positions = {
    missing: () => ({}),
    stale: () => ({ after: 0 }),
    fresh: (head) => ({ after: head }),
  };

  for (const [way, [one, other]] of Object.entries(ways)) {
    test(`at the same moment by ${way}`, async (t) => {
      const conversation = await ada.start([bob]);
      let head = 0;
      let number = 0;
      for (const [first, firstPosition] of Object.entries(positions)) {
        for (const [second, secondPosition] of Object.entries(positions)) {
          await t.test(`after ${first} and ${second}`, async () => {
            for (let round = 1; round <= ROUNDS; round += 1) {
              const message = {
                id: `m-${(number += 1)}`,
                body: `The same message twice, number ${number}.`,
              };
              const [a, b, between] = await Promise.all([
                one(conversation, { ...message, ...firstPosition(head) }),
                other(conversation, { ...message, ...secondPosition(head) }),
                bobs.request("sendMessage", {
                  conversation,
                  id: message.id,
                  body: "Somebody else, under the same id.",
                }),
              ]);
              for (const reply of [a, b, between])
                assert.equal(reply.event, "sent", JSON.stringify(reply));
              assert.deepEqual({ ...a, duplicate: b.duplicate }, b, "one position and one time");
              assert.notEqual(a.duplicate, b.duplicate, "one of the two has stored it");
              assert.equal(between.duplicate, false, "another's id is another id");
              // Later, with any position and by any way, it is still the same.
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
      assert.equal(new Set(names).size, log.length, "nothing is stored twice");
    });
  }

  test("the same id with another text is refused, wherever it comes", async () => {
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
