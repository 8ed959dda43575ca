/** Who types: what is sent, and what is shown. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Device } from "./devices.js";
import { FakeClock, openTab } from "./fakes.js";
import { PeopleServer } from "./people_server.js";

const ID = "c1";

/** @param {import("../client/options.js").Settings} [settings] of alice @param {string[]} [people] */
async function two(settings, people = ["alice", "bob"]) {
  const clock = new FakeClock();
  const server = new PeopleServer(clock);
  server.room(ID, people);
  const alice = await new Device(server, clock, "alice", settings).open(ID);
  const bob = await new Device(server, clock, "bob").open(ID);
  await clock.advance(10_000);
  const type = async (/** @type {number} */ times, pause = 100) => {
    for (let time = 0; time < times; time += 1) {
      alice.client.conversation(ID).keystroke();
      await clock.advance(pause);
    }
  };
  const sent = () => server.asked("alice", "typing").map(({ stopped = false }) => stopped);
  const shown = () => bob.client.conversation(ID).typing.map(({ user }) => user);
  return { alice, bob, clock, server, type, sent, shown };
}

test("typing is sent after 700 ms and two keystrokes, and then every 10 s at most", async () => {
  const { clock, sent, shown, type } = await two();
  await type(1);
  await clock.advance(20_000);
  assert.deepEqual(sent(), [], "one keystroke");
  await type(2);
  await clock.advance(499);
  assert.deepEqual(sent(), []);
  await clock.advance(1);
  assert.deepEqual([sent(), shown()], [[false], ["alice"]]);
  await type(90);
  assert.equal(sent().length, 1);
  await type(12);
  assert.equal(sent().length, 2, "while input goes on");
});

test("an emptied field ends it at once, and nothing for 12 s ends it by the reader's clock", async () => {
  const { alice, clock, sent, shown, type } = await two();
  await type(8);
  assert.deepEqual(shown(), ["alice"]);
  alice.client.conversation(ID).stopTyping();
  await clock.advance(0);
  assert.deepEqual([sent(), shown()], [[false, true], []]);
  await type(8);
  alice.goOffline(true);
  await clock.advance(11_000);
  assert.deepEqual(shown(), ["alice"]);
  await clock.advance(1_000);
  assert.deepEqual(shown(), []);
});

test("a field emptied before anything was told tells nothing", async () => {
  const { alice, clock, sent, type } = await two();
  await type(3);
  alice.client.conversation(ID).stopTyping();
  await clock.advance(20_000);
  assert.deepEqual(sent(), []);
});

test("a message ends its sender's typing, also if the frames overtake each other", async () => {
  const { alice, bob, clock, sent, server, shown, type } = await two();
  await type(8);
  void alice.client.conversation(ID).send("done");
  await clock.advance(0);
  assert.deepEqual([sent(), shown()], [[false], []], "no further frame");
  const late = { event: "typing", conversation: ID, user: "alice", name: "Alice", forMs: 12_000 };
  const bobs = server.connections.find(({ user }) => user === "bob");
  bobs?.socket.receive({ ...late, after: 0 });
  await clock.advance(0);
  assert.deepEqual(shown(), []);
  bobs?.socket.receive({ ...late, after: 1 });
  await clock.advance(0);
  assert.deepEqual(shown(), ["alice"], "typing after the message");
  server.say(ID, "carol");
  await clock.advance(0);
  assert.deepEqual(shown(), ["alice"], "the message of another person");
  assert.deepEqual(bob.client.conversation(ID).typing, [{ user: "alice", name: "Alice" }]);
});

test("a lost socket clears what is shown; a removed person does not type", async () => {
  const { bob, clock, server, shown, type } = await two();
  await type(8);
  assert.deepEqual(shown(), ["alice"]);
  bob.goOffline(true);
  await clock.advance(0);
  assert.deepEqual(shown(), []);
  bob.goOffline(false);
  await clock.advance(5_000);
  await type(100);
  assert.deepEqual(shown(), ["alice"]);
  server.append(ID, { event: "participantRemoved", user: "alice", by: "bob" });
  await clock.advance(0);
  assert.deepEqual(shown(), []);
});

test("with `typing: false`, and in a room of 30, nothing is sent", async () => {
  const many = Array.from({ length: 28 }, (_, n) => `user-${n}`);
  const quiet = await two({ typing: false });
  const large = await two({}, ["alice", "bob", ...many]);
  for (const { sent, type } of [quiet, large]) {
    await type(20);
    assert.deepEqual(sent(), []);
  }
});

test("a tab without the socket types through the one that has it", async () => {
  const { alice, clock, server, shown } = await two();
  const { browser } = alice;
  const second = await openTab(server, { id: ID, user: "alice", clock, browser });
  await clock.advance(2_000);
  for (let time = 0; time < 8; time += 1) {
    second.client.conversation(ID).keystroke();
    await clock.advance(100);
  }
  assert.deepEqual(shown(), ["alice"]);
});
