/** How far people have read, on several devices, with losses, and against a count of its own. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Device } from "./devices.js";
import { FakeServer } from "./fake_server.js";
import { FakeClock, openTab } from "./fakes.js";
import { PeopleServer } from "./people_server.js";

const ID = "c1";
const MINUTE = 60_000;

/** @param {string[]} users one device for each; a user may have several */
async function world(users, people = [...new Set(users)]) {
  const clock = new FakeClock();
  const server = new PeopleServer(clock);
  const room = server.room(ID, people);
  const devices = users.map((user) => new Device(server, clock, user));
  return { clock, server, room, devices: /** @type {[Device, Device, Device]} */ (devices) };
}

test("reading on one device clears the badge on the other, and others see it", async () => {
  const { clock, server, room, devices } = await world(["alice", "alice", "bob"]);
  const [phone, desk, bobs] = devices;
  for (const device of devices) await device.open();
  for (let n = 0; n < 3; n += 1) server.say(ID, "bob");
  await clock.advance(1_000);
  assert.deepEqual([phone.unread(ID), desk.unread(ID), bobs.unread(ID)], [3, 3, 0]);
  assert.deepEqual(bobs.client.conversation(ID).readBy(3), []);
  phone.client.open(ID);
  await clock.advance(3_000);
  assert.deepEqual([phone.unread(ID), desk.unread(ID)], [0, 0]);
  assert.equal(desk.client.conversation(ID).info?.readTo, 3);
  assert.equal(room.rows.get("alice")?.readTo, 3);
  bobs.client.open(ID);
  await clock.advance(0);
  assert.deepEqual(bobs.client.conversation(ID).readBy(3), ["alice"]);
  assert.deepEqual(bobs.client.conversation(ID).readBy(4), []);
});

test("a message is read after a second in a visible window with the focus, not before", async () => {
  const { clock, server, devices } = await world(["alice"], ["alice", "bob"]);
  const [phone] = devices;
  await phone.open(ID);
  await clock.advance(10_000);
  const readTo = () => phone.client.conversation(ID).info?.readTo;
  phone.tab.world.focused = false;
  phone.tab.happens("focus");
  server.say(ID, "bob");
  await clock.advance(30_000);
  assert.deepEqual([readTo(), phone.unread(ID)], [0, 1], "without the focus");
  phone.tab.world.focused = true;
  phone.tab.happens("focus");
  assert.equal(phone.unread(ID), 0, "what is looked at has no badge");
  await clock.advance(999);
  assert.equal(readTo(), 0);
  phone.show(false);
  await clock.advance(30_000);
  assert.deepEqual([readTo(), phone.unread(ID)], [0, 1], "hidden within the second");
  phone.show(true);
  await clock.advance(1_000);
  assert.deepEqual([readTo(), phone.unread(ID)], [1, 0]);
  phone.client.conversation(ID).inView(1);
  for (let n = 0; n < 2; n += 1) server.say(ID, "bob");
  await clock.advance(30_000);
  assert.deepEqual([readTo(), phone.unread(ID)], [1, 2], "below the screen");
  phone.client.conversation(ID).inView(2);
  await clock.advance(1_000);
  assert.deepEqual([readTo(), phone.unread(ID)], [2, 1]);
});

test("receipts are paced by the number of participants; leaving sends what waits", async () => {
  const people = Array.from({ length: 8 }, (_, n) => `user-${n}`);
  const { clock, server, devices } = await world(["user-0"], people);
  const [phone] = devices;
  await phone.open(ID);
  await clock.advance(10_000);
  const sent = () => server.asked("user-0", "receipt").map(({ read }) => read);
  server.say(ID, "user-1");
  await clock.advance(1_000);
  assert.deepEqual(sent(), [1], "the first one at once");
  for (let second = 0; second < 6; second += 1) {
    server.say(ID, "user-1");
    await clock.advance(1_000);
  }
  assert.deepEqual(sent(), [1]);
  await clock.advance(2_000);
  assert.deepEqual(sent(), [1, 7], "after eight seconds");
  server.say(ID, "user-1");
  await clock.advance(1_500);
  phone.client.open(null);
  await clock.advance(0);
  assert.deepEqual(sent(), [1, 7, 8]);
});

test("a lost receipt is sent again; a device that is ahead of the server says so", async () => {
  const { clock, server, room, devices } = await world(["alice", "alice"], ["alice", "bob"]);
  const [phone, desk] = devices;
  await phone.open(ID);
  await desk.open();
  await clock.advance(10_000);
  let lost = 1;
  server.loses = ({ action }) => action === "receipt" && lost-- > 0;
  server.say(ID, "bob");
  await clock.advance(2_000);
  assert.deepEqual([room.rows.get("alice")?.readTo, desk.unread(ID)], [0, 1]);
  phone.client.open(null);
  await clock.advance(2 * MINUTE);
  assert.deepEqual([room.rows.get("alice")?.readTo, desk.unread(ID)], [1, 0]);
  phone.goOffline(true);
  server.loses = () => false;
  phone.browser.readPositions.set(ID, 2);
  server.say(ID, "bob");
  phone.client.stop();
  phone.isOffline = false;
  await phone.open();
  await clock.advance(12_000);
  assert.deepEqual([room.rows.get("alice")?.readTo, phone.unread(ID), desk.unread(ID)], [2, 0, 0]);
});

test("`private` receipts are never shown to others; `off` sends none", async () => {
  const { clock, server, room } = await world([], ["alice", "bob", "carol"]);
  const mine = new Device(server, clock, "alice", { receipts: "private" });
  const other = new Device(server, clock, "alice");
  const bobs = new Device(server, clock, "bob", { receipts: "off" });
  for (const device of [mine, bobs]) await device.open(ID);
  await other.open();
  server.say(ID, "carol");
  await clock.advance(2 * MINUTE);
  assert.deepEqual(room.rows.get("alice"), { readTo: 1, shownTo: 0 });
  assert.equal(other.unread(ID), 0, "the user's own devices know");
  assert.equal(server.asked("bob", "receipt").length, 0);
  const toOthers = server.said.filter(({ to }) => to !== "alice");
  assert.equal(
    toOthers.some(({ event, user }) => event === "read" && user === "alice"),
    false,
  );
  assert.deepEqual(bobs.client.conversation(ID).readBy(1), ["carol"]);
});

test("over HTTP, receipts are sent and positions are read, too", async () => {
  const { clock, server, room, devices } = await world(["alice"], ["alice", "bob"]);
  const [phone] = devices;
  await phone.open(ID);
  await clock.advance(10_000);
  server.dial = () => {
    const socket = { onopen: null, onmessage: null, onclose: null, send() {}, close() {} };
    setImmediate(() => /** @type {any} */ (socket).onclose?.());
    return /** @type {any} */ (socket);
  };
  server.cut("alice");
  server.say(ID, "bob");
  await clock.advance(MINUTE);
  assert.equal(phone.client.state.name, "polling");
  assert.deepEqual([room.rows.get("alice")?.readTo, phone.unread(ID)], [1, 0]);
});

test("a server without positions gets no frames that it does not know", async () => {
  const server = new FakeServer(ID);
  const { client, clock } = await openTab(server, { id: ID });
  await clock.advance(10_000);
  server.socket.receive(server.store("bob", "news"));
  for (let n = 0; n < 5; n += 1) client.conversation(ID).keystroke();
  await clock.advance(MINUTE);
  const actions = new Set(server.sockets.flatMap(({ sent }) => sent.map(({ action }) => action)));
  assert.deepEqual([...actions].sort(), ["ping", "subscribe"]);
  assert.deepEqual([client.unread, client.conversation(ID).info?.readTo], [0, 1]);
});

/** Small and repeatable: mulberry32. @param {number} seed */
function randomOf(seed) {
  let state = seed;
  return (/** @type {number} */ below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** @typedef {Awaited<ReturnType<typeof world>> & {random: (below: number) => number, lost: number, target: number}} World */

/** What may happen, each to a device of a user. @type {((world: World, device: Device) => unknown)[]} */
const INCIDENTS = [
  ({ server }) => server.say(ID, "bob"),
  ({ server }) => server.say(ID, "bob"),
  ({ server }) => server.say(ID, "carol"),
  ({ server, target }) =>
    server.append(ID, { event: "messageEdited", target, sender: "bob", id: "e", body: "better" }),
  ({ server, target }) =>
    server.append(ID, { event: "messageDeleted", target, by: "carol", id: "d" }),
  ({ server, target }) =>
    server.append(ID, { event: "reaction", target, emoji: "👍", on: true, user: "carol" }),
  ({ server }) => server.append(ID, { event: "participantAdded", user: "dora", by: "bob" }),
  ({ server }) => server.append(ID, { event: "participantRemoved", user: "dora", by: "bob" }),
  (_, { client }) => void client.conversation(ID).send("mine"),
  (_, { client }) => client.open(ID),
  (_, { client }) => client.open(ID),
  (_, { client }) => client.open(null),
  (_, device) => device.show(false),
  (_, device) => device.show(true),
  (_, device) => device.goOffline(true),
  (_, device) => device.goOffline(false),
  (_, device) => device.reload(),
  ({ random, room }, { client }) => client.conversation(ID).inView(random(room.log.length + 1)),
  (_, { client }) => client.conversation(ID).inView(Number.MAX_SAFE_INTEGER),
  (world) => (world.lost = 1),
  ({ clock, random }) => clock.advance(random(2_500)),
  ({ clock }) => clock.advance(1_100),
];

test("1,000 generated histories: at rest, all devices of a person agree with a count of the log", async () => {
  const kinds = new Set();
  for (let seed = 1; seed <= 100; seed += 1) {
    const random = randomOf(seed);
    const state = { ...(await world(["alice", "alice", "bob"])), random, lost: 0, target: 1 };
    const { clock, devices, room, server } = state;
    room.rows.set("carol", { readTo: 0, shownTo: 0 });
    server.loses = ({ action, event }) =>
      (action === "receipt" || event === "read") && state.lost-- > 0;
    for (const device of devices) await device.open();
    /** What a user must have read: what was on screen for long enough, with a network. */
    const mustRead = new Map([
      ["alice", 0],
      ["bob", 0],
    ]);
    for (let round = 1; round <= 10; round += 1) {
      for (let step = random(8) + 1; step > 0; step -= 1) {
        const device = /** @type {Device} */ (devices[random(devices.length)]);
        state.target = Math.max(1, random(room.log.length + 1));
        await INCIDENTS[random(INCIDENTS.length)]?.(/** @type {any} */ (state), device);
      }
      // Someone looks at everything, or nobody does.
      for (const device of devices) device.goOffline(false);
      state.lost = 0;
      const reader = devices[random(devices.length + 2)];
      if (reader) {
        reader.show(true);
        reader.client.open(ID);
        reader.client.conversation(ID).inView(Number.MAX_SAFE_INTEGER);
        await clock.advance(40_000);
        mustRead.set(reader.user, room.log.length);
      }
      for (const { client } of devices) client.open(null);
      await clock.advance(6 * MINUTE);
      for (const device of devices) {
        const { user } = device;
        const isOwn = (/** @type {Record<string, any>} */ { event, sender }) =>
          event === "message" && sender === user;
        const own = room.log.findLast(isOwn)?.seq ?? 0;
        const readTo = Math.max(room.rows.get(user)?.readTo ?? 0, own);
        const expected = room.log.filter(
          ({ event, seq }) => event === "message" && seq > readTo,
        ).length;
        const where = `seed ${seed}, round ${round}, device ${devices.indexOf(device)} of ${user}`;
        assert.equal(device.unread(ID), expected, where);
        assert.equal(device.client.conversation(ID).info?.readTo, readTo, where);
        assert.ok(readTo >= Number(mustRead.get(user)), where);
      }
    }
    for (const { client } of devices) client.stop();
    for (const { event } of room.log) kinds.add(event);
  }
  assert.deepEqual([...kinds].sort(), [
    "message",
    "messageDeleted",
    "messageEdited",
    "participantAdded",
    "participantRemoved",
    "reaction",
  ]);
});
