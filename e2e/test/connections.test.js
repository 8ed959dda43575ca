/**
 * Many clients connect at once, as after a deployment or a network outage. All connections must
 * open and stay open.
 */
import assert from "node:assert/strict";
import { test } from "node:test";

import { Person } from "../lib/people.js";
import { suite } from "../lib/suite.js";

/** `bench/connections.mjs` tests it with a thousand, and then with five thousand that stay. */
const CROWD = 150;
const PEOPLE = 5;

suite("connections", (stack) => {
  test(`${CROWD} concurrent handshakes all succeed, and every connection is served`, async () => {
    const people = await Promise.all(
      Array.from({ length: PEOPLE }, (_, index) => Person.create(stack, `Fan${index}`)),
    );
    const connecting = Array.from({ length: CROWD }, (_, index) =>
      people[index % PEOPLE].connect(),
    );
    const outcomes = await Promise.allSettled(connecting);
    assert.deepEqual(
      outcomes.filter(({ status }) => status === "rejected").map(({ reason }) => reason.message),
      [],
    );
    const sockets = outcomes.map(({ value }) => value);
    let closed = 0;
    for (const socket of sockets) socket.closed.then(() => (closed += 1));
    // One after the other, so that no request times out on a slow machine.
    for (const socket of sockets) assert.equal((await socket.request("ping")).event, "pong");
    assert.equal(closed, 0);
    await Promise.all(sockets.map((socket) => socket.close()));
  });
});
