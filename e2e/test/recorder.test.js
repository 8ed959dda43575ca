/** The record of pushes and of tokens that end, from which the checker judges `expired`. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { Recorder, UNDER_WAY_MS } from "../faults/recorder.js";

const NOW = 1_780_000_000_000;

/** A token that ends after `seconds`. */
const token = (seconds) => {
  const claims = Buffer.from(JSON.stringify({ exp: NOW / 1000 + seconds }));
  return `e30.${claims.toString("base64url")}.`;
};

test("a push after the end of the token is recorded behind the end", (t) => {
  t.mock.timers.enable({ apis: ["Date"], now: NOW });
  const records = [];
  const device = { client: "bob-1", user: "bob" };
  const recorder = new Recorder({ record: (record) => records.push(record) }, device);
  const [short, long] = [60, 3600].map((seconds) => {
    const inner = {};
    recorder.socket(inner, token(seconds));
    return (frame) => inner.onmessage({ data: JSON.stringify(frame) });
  });
  const message = { event: "message", conversation: "c", seq: 1, id: "m", sender: "ada" };
  const taken = () =>
    records.splice(0).map(({ type, event, connection, ...rest }) => {
      assert.deepEqual(rest, device);
      assert.equal(typeof connection, "string");
      return event === undefined ? type : `${type} ${event}`;
    });

  short(message);
  short({ event: "subscribed", ref: "1", conversation: "c", head: 1, events: [] });
  assert.deepEqual(taken(), ["pushed message"]);

  // Pushes that were under way may still arrive.
  t.mock.timers.setTime(NOW + 60_000 + UNDER_WAY_MS);
  short({ event: "added", conversation: "d" });
  assert.deepEqual(taken(), ["pushed added"]);

  t.mock.timers.setTime(NOW + 60_001 + UNDER_WAY_MS);
  long(message);
  short({ event: "error", ref: "2", code: "unauthenticated" });
  short(message);
  assert.deepEqual(taken(), ["pushed message", "expired", "pushed message"]);
});
