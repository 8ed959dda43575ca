/** Ids of conversations, people and messages that are words of JavaScript. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Device } from "./devices.js";
import { FakeClock } from "./fakes.js";
import { PeopleServer } from "./people_server.js";

const WORDS = ["__proto__", "constructor", "toString", "hasOwnProperty"];

test("they are ids like any other, and change no object", async () => {
  const before = WORDS.map((word) => Reflect.get({}, word));
  const clock = new FakeClock();
  const server = new PeopleServer(clock);
  for (const id of WORDS) server.room(id, ["alice", ...WORDS]);
  const alice = await new Device(server, clock, "alice").open("__proto__");
  await clock.advance(12_000);
  for (const id of WORDS) for (const user of WORDS) server.say(id, user, `${user} in ${id}`);
  server.append("__proto__", {
    event: "reaction",
    target: 1,
    emoji: "__proto__",
    on: true,
    user: "constructor",
    name: "__proto__",
  });
  await clock.advance(60_000);
  for (const id of WORDS) {
    const bodies = alice.client.conversation(id).messages.map(({ body }) => body);
    assert.deepEqual(
      bodies,
      WORDS.map((user) => `${user} in ${id}`),
    );
    assert.equal(alice.unread(id), id === "__proto__" ? 0 : WORDS.length);
  }
  assert.deepEqual(
    WORDS.map((word) => Reflect.get({}, word)),
    before,
  );
});
