/** Who is here, by a clock that the tests move. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Device } from "./devices.js";
import { FakeClock } from "./fakes.js";
import { PeopleServer } from "./people_server.js";

const ID = "c1";
const MINUTE = 60_000;

async function two() {
  const clock = new FakeClock();
  const server = new PeopleServer(clock);
  server.room(ID, ["alice", "bob"]);
  const alice = await new Device(server, clock, "alice").open(ID);
  const bob = await new Device(server, clock, "bob").open(ID);
  await clock.advance(12_000);
  const seen = () => bob.client.presence("alice");
  /** Both go on doing something, unless the test says otherwise. */
  const wait = async (/** @type {number} */ ms, /** @type {Device[]} */ ...busy) => {
    for (let passed = 0; passed < ms; passed += 20_000) {
      for (const device of busy) device.tab.happens("input");
      await clock.advance(Math.min(20_000, ms - passed));
    }
  };
  await wait(MINUTE, alice, bob);
  return { alice, bob, clock, server, seen, wait };
}

test("people who look at the page are here; a lease is renewed every 4 minutes", async () => {
  const { alice, bob, seen, server, wait } = await two();
  assert.deepEqual(seen(), { online: true, lastSeen: null });
  const said = () => server.asked("alice", "ping").filter(({ presence }) => presence).length;
  const before = said();
  await wait(12 * MINUTE, alice, bob);
  // With a ping every 45 s: after 4.5 and after 9 minutes.
  assert.deepEqual([seen()?.online, said() - before], [true, 2]);
});

test("90 s without input, or 10 s hidden, and people are away, at the second answer", async () => {
  const { alice, bob, server, seen, wait } = await two();
  const state = () => server.asked("alice", "ping").findLast(({ presence }) => presence)?.presence;
  await wait(MINUTE, bob);
  assert.equal(state(), "active", "after 80 s");
  await wait(20_000, bob);
  assert.equal(state(), "away");
  await wait(3 * MINUTE, bob);
  assert.equal(seen()?.online, false);
  assert.ok(Number(seen()?.lastSeen) > 0);
  alice.tab.happens("input");
  await wait(MINUTE, bob);
  assert.equal(state(), "active");
  assert.equal(seen()?.online, true, "at the first answer");
  alice.show(false);
  await wait(9_000, bob);
  assert.equal(state(), "active");
  await wait(1_000, bob);
  assert.equal(state(), "away");
});

test("one answer that says offline changes nothing", async () => {
  const { alice, bob, clock, seen, server, wait } = await two();
  alice.show(false);
  await clock.advance(10_000);
  /** @type {(boolean | undefined)[]} */
  const states = [];
  const answers = () => server.said.filter(({ to, presence }) => to === "bob" && presence).length;
  for (const before = answers(); answers() < before + 2; ) {
    const count = answers();
    bob.tab.happens("input");
    await clock.advance(1_000);
    if (answers() > count) states.push(seen()?.online);
  }
  assert.deepEqual(states, [true, false]);
  await wait(MINUTE, bob);
});

test("a message, and typing, count as being here for two minutes", async () => {
  const { alice, bob, clock, server, seen, wait } = await two();
  alice.show(false);
  await wait(4 * MINUTE, bob);
  assert.equal(seen()?.online, false);
  server.say(ID, "alice");
  await clock.advance(0);
  assert.equal(seen()?.online, true);
  await wait(2 * MINUTE, bob);
  assert.equal(seen()?.online, false);
});

test("a crash, without any last word, is noticed when the lease ends", async () => {
  const { alice, bob, seen, wait } = await two();
  alice.goOffline(true);
  alice.client.stop();
  await wait(2 * MINUTE, bob);
  assert.equal(seen()?.online, true);
  await wait(6 * MINUTE, bob);
  assert.equal(seen()?.online, false);
});

test("connections that are replaced before two hours have passed change nothing", async () => {
  const { alice, bob, seen, server, wait } = await two();
  const dialed = () => server.connections.length;
  const before = dialed();
  for (let minute = 0; minute < 120; minute += 1) {
    await wait(MINUTE, alice, bob);
    assert.equal(seen()?.online, true, `after ${minute} minutes`);
  }
  assert.equal(dialed(), before + 2, "both were replaced");
});

test("a hidden device does not end the presence of another; a reload does not flap", async () => {
  const { alice, bob, clock, server, seen, wait } = await two();
  const phone = await new Device(server, clock, "alice").open(ID);
  await wait(MINUTE, alice, bob, phone);
  phone.tab.happens("input");
  alice.show(false);
  await wait(3 * MINUTE, bob, phone);
  assert.equal(seen()?.online, true);
  for (let time = 0; time < 5; time += 1) {
    await phone.reload();
    await wait(30_000, bob, phone);
    assert.equal(seen()?.online, true);
  }
});

test("people who were only added are seen once they have read something", async () => {
  const { alice, bob, clock, server, wait } = await two();
  await wait(2 * MINUTE, alice, bob);
  assert.equal(alice.client.presence("bob"), null);
  server.say(ID, "alice");
  await clock.advance(5_000);
  await wait(2 * MINUTE, alice, bob);
  assert.equal(alice.client.presence("bob")?.online, true);
});

test("who hides while a ping is under way is away as soon as it is answered", async () => {
  const { alice, clock, server } = await two();
  const pings = () => server.asked("alice", "ping");
  alice.show(false);
  await clock.advance(8_000);
  server.loses = ({ event }, user) => event === "pong" && user === "alice";
  const before = pings().length;
  alice.tab.happens("online");
  await clock.advance(3_000);
  assert.equal(pings().length, before + 1, "one ping at a time");
  assert.equal(pings().at(-1)?.presence, undefined);
  server.loses = () => false;
  const connection = server.connections.find(({ user }) => user === "alice");
  connection?.socket.receive({ event: "pong", ref: "ping", heads: {} });
  await clock.advance(0);
  assert.equal(pings().at(-1)?.presence, "away");
});

test("hiding is reciprocal; nothing is known without a socket, or of people elsewhere", async () => {
  const { alice, bob, clock, seen, server, wait } = await two();
  server.say(ID, "alice");
  await clock.advance(5_000);
  await alice.client.showPresence(false);
  await wait(2 * MINUTE, alice, bob);
  assert.deepEqual([seen(), alice.client.presence("bob")], [null, null]);
  await alice.client.showPresence(true);
  await wait(2 * MINUTE, alice, bob);
  assert.deepEqual([seen()?.online, alice.client.presence("bob")?.online], [true, true]);
  assert.equal(bob.client.presence("carol"), null);
  bob.goOffline(true);
  await clock.advance(0);
  assert.equal(seen(), null);
});
