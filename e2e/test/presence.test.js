/** Who is online: said and asked in pings, seen by participants only, hidden both ways. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Person } from "../lib/people.js";
import { suite } from "../lib/suite.js";

suite("presence", (stack) => {
  /** @type {Person} */ let ada;
  /** @type {Person} */ let bob;
  /** @type {Person} */ let mallory;
  let adas, bobs, bobsSecond, mallorys, conversation;

  before(async () => {
    [ada, bob, mallory] = await Promise.all(
      ["Ada", "Bob", "Mallory"].map((name) => Person.create(stack, name)),
    );
    [adas, bobs, bobsSecond, mallorys] = await Promise.all(
      [ada, bob, bob, mallory].map((person) => person.connect()),
    );
    conversation = await ada.start([bob]);
  });
  after(() => Promise.all([adas, bobs, bobsSecond, mallorys].map((socket) => socket?.close())));

  const watch = async (socket) => {
    const { presence } = await socket.request("ping", { watch: [conversation] });
    return presence;
  };
  const says = async (socket, presence) => {
    const { event, shown } = await socket.request("ping", { presence });
    assert.equal(event, "pong");
    return shown;
  };
  const isOnline = async () => (await watch(adas))[bob.user]?.online === true;

  test("a user is online while they look on one of their devices", async () => {
    assert.deepEqual(await watch(adas), {}, "nobody has looked yet");
    await says(bobs, "active");
    assert.deepEqual(await watch(adas), {}, "Bob was only added");
    const message = { id: "m0", body: "The first one, so that there is something to read." };
    await ada.post(`/conversations/${conversation}/messages`, message);
    await bob.put(`/conversations/${conversation}/receipt`, { read: 1 });
    assert.deepEqual(await watch(adas), { [bob.user]: { online: true } });
    await says(bobsSecond, "active");
    await says(bobs, "away");
    assert.ok(await isOnline(), "the other device still is");
    await says(bobsSecond, "away");
    const { [bob.user]: seen } = await watch(adas);
    assert.match(seen.lastSeen, /:00\.000Z$/);
    assert.ok(Date.now() - Date.parse(seen.lastSeen) < 10 * 60_000, seen.lastSeen);
  });

  test("a closed connection changes nothing by itself", async () => {
    const third = await bob.connect();
    await says(third, "active");
    await third.close();
    assert.ok(await isOnline());
  });

  test("a stranger sees nobody", async () => {
    assert.deepEqual(await mallorys.request("ping", { watch: [conversation, "missing"] }), {
      event: "pong",
      heads: {},
      presence: {},
      read: {},
    });
  });

  test("hiding works both ways", async () => {
    await says(adas, "active");
    await says(bobs, "active");
    assert.equal((await bob.put("/me/presence", { shown: false })).status, 200);
    assert.deepEqual(await watch(adas), {});
    assert.deepEqual(await watch(bobs), {});
    assert.equal(await says(bobs, "active"), false);
    assert.deepEqual(await watch(adas), {});
    const { body } = await bob.put("/me/presence", { shown: true });
    assert.deepEqual(body, { shown: true });
    assert.deepEqual(await watch(bobs), { [ada.user]: { online: true } });
    assert.ok(await isOnline());
  });

  test("a watched conversation shows how far the others have read", async () => {
    for (const n of [1, 2]) {
      const message = { id: `m${n}`, body: `Number ${n}, to be read.` };
      await ada.post(`/conversations/${conversation}/messages`, message);
    }
    await bob.put(`/conversations/${conversation}/receipt`, { read: 2 });
    await ada.put(`/conversations/${conversation}/receipt`, { read: 3, private: true });
    const { read } = await adas.request("ping", { watch: [conversation] });
    assert.deepEqual(read, { [conversation]: { [ada.user]: 3, [bob.user]: 2 } });
    const of = (await bobs.request("ping", { watch: [conversation] })).read[conversation];
    assert.deepEqual(of, { [bob.user]: 2 }, "a private position is not shown");
  });
});
