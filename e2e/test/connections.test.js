/** A crowd that connects in one moment, as after a deployment or a lost network: everybody gets in, and stays. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { Person } from "../lib/people.js";
import { suite } from "../lib/suite.js";

/** `bench/connections.mjs` does it with a thousand, and then with five thousand that stay. */
const CROWD = 150;
const PEOPLE = 5;

suite("connections", (stack) => {
  test(`${CROWD} handshakes at the same moment lose none, and all of them are heard`, async () => {
    const people = await Promise.all(
      Array.from({ length: PEOPLE }, (_, index) => Person.arrive(stack, `Fan${index}`)),
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
    // One after the other, so that nobody's patience depends on how fast the machine is.
    for (const socket of sockets) assert.equal((await socket.request("ping")).event, "pong");
    assert.equal(closed, 0);
    await Promise.all(sockets.map((socket) => socket.close()));
  });
});
