/** Who types: pushed to the others, answered to nobody, stored nowhere. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Person } from "../lib/people.js";
import { assertSent } from "../lib/protocol.js";
import { suite } from "../lib/suite.js";

suite("typing", (stack) => {
  /** @type {Person} */ let ada;
  /** @type {Person} */ let bob;
  let adas, adasSecond, bobs, conversation;

  before(async () => {
    [ada, bob] = await Promise.all(["Ada", "Bob"].map((name) => Person.create(stack, name)));
    [adas, adasSecond, bobs] = await Promise.all([ada.connect(), ada.connect(), bob.connect()]);
    conversation = await ada.start([bob]);
    for (const socket of [adas, adasSecond, bobs])
      assert.equal((await socket.request("subscribe", { conversation })).event, "subscribed");
  });
  after(() => Promise.all([adas, adasSecond, bobs].map((socket) => socket?.close())));

  const isTyping = ({ event }) => event === "typing";
  const typing = (person, after, forMs) => ({
    event: "typing",
    conversation,
    user: person.user,
    name: person.name,
    after,
    forMs,
  });

  test("the others are pushed it, and the user's own devices are not", async () => {
    adas.send({ action: "typing", conversation, after: 0, ref: "1" });
    assert.deepEqual(await bobs.next(isTyping), typing(ada, 0, 12_000));
    bobs.send({ action: "typing", conversation, after: 0 });
    for (const socket of [adas, adasSecond]) {
      const earlier = await socket.before(({ user }) => user === bob.user);
      assert.deepEqual(
        earlier.filter(({ event }) => event !== "added"),
        [],
        "neither a reply nor a push",
      );
    }
  });

  test("a user who stops is pushed as such", async () => {
    adas.send({ action: "typing", conversation, after: 0, stopped: true });
    assert.deepEqual(await bobs.next(isTyping), typing(ada, 0, 0));
  });

  test("it is not an entry of the log", async () => {
    const sent = await adas.request("sendMessage", { conversation, id: "m1", body: "Typed." });
    assertSent(sent, { conversation, id: "m1", seq: 1 });
    assert.equal((await ada.log(conversation)).length, 1);
    adas.send({ action: "typing", conversation, after: 1 });
    assert.deepEqual(await bobs.next(isTyping), typing(ada, 1, 12_000));
  });

  test("a rejected frame gets no answer, and the connection goes on", async () => {
    for (const frame of [
      { action: "typing" },
      { action: "typing", conversation, after: "1" },
      { action: "typing", conversation: "missing", after: 0 },
    ])
      adas.send({ ref: "x", ...frame });
    assert.equal((await adas.request("ping")).event, "pong");
    adas.send({ action: "typing", conversation, after: 1 });
    await bobs.next(isTyping);
    bobs.send({ action: "typing", conversation, after: 1 });
    assert.deepEqual(await adas.before(isTyping), []);
  });
});
