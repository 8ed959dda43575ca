/**
 * 1,000 clients that lose HTTP and sockets in turn: what reaches the network in each minute stays
 * under the bounds that docs/scale.md states.
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Crowd } from "./crowd.js";

const CLIENTS = 1_000;
const MINUTE = 60_000;

/**
 * The bounds of the page: requests of a client in a minute, by what is blocked and from which
 * minute on.
 * @type {Map<string, {from: number, most: number}[]>}
 */
const bounds = new Map();
const page = readFileSync(new URL("../../docs/scale.md", import.meta.url), "utf8");
for (const [, blocked = "", from, most] of page.matchAll(
  /^\| (sockets|HTTP|both|neither) blocked \| (\d+) \| (\d+) \|/gm,
))
  bounds.set(blocked, [...(bounds.get(blocked) ?? []), { from: Number(from), most: Number(most) }]);

/** @param {Crowd} crowd @param {string} blocked */
function assertBounded({ minutes }, blocked) {
  const steps = bounds.get(blocked) ?? [];
  assert.ok(steps.length > 0, `docs/scale.md states no bound for: ${blocked}`);
  for (const [index, counts] of minutes.entries()) {
    const sum = counts.handshakes + counts.http + counts.frames;
    const { most } = steps.findLast(({ from }) => from <= index + 1) ?? { most: 0 };
    assert.ok(
      sum <= most * CLIENTS,
      `minute ${index + 1}, ${blocked} blocked: ${sum} requests, more than ${most} for each client: ${JSON.stringify(counts)}`,
    );
  }
}

test("1,000 clients without sockets, then without HTTP, then without both, spare the network", async () => {
  const crowd = new Crowd(CLIENTS);
  await crowd.start();
  await crowd.clock.advance(MINUTE);
  assert.equal(crowd.inState("connected"), CLIENTS);

  crowd.reset();
  await crowd.clock.advance(2 * MINUTE);
  assertBounded(crowd, "neither");

  crowd.reset();
  crowd.allow({ sockets: false });
  await crowd.clock.advance(12 * MINUTE);
  assert.equal(crowd.inState("polling"), CLIENTS);
  assertBounded(crowd, "sockets");

  crowd.allow({ sockets: true, http: false });
  await crowd.clock.advance(5 * MINUTE);
  assert.equal(crowd.inState("connected"), CLIENTS, "all are back within five minutes");
  crowd.reset();
  await crowd.clock.advance(2 * MINUTE);
  assertBounded(crowd, "HTTP");

  crowd.reset();
  crowd.allow({ sockets: false });
  await crowd.clock.advance(3 * MINUTE);
  assert.equal(crowd.inState("reconnecting"), CLIENTS);
  assertBounded(crowd, "both");

  crowd.reset();
  crowd.allow({ sockets: true, http: true });
  await crowd.clock.advance(5 * MINUTE);
  assert.equal(crowd.inState("connected"), CLIENTS);
});
