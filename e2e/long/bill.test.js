/** The bill of a scripted hour agrees to 1 % with the one that docs/cost.md derives by hand. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

import { COUNTS, live } from "../lib/hour.js";
import { suite } from "../lib/suite.js";

const folder = await mkdtemp(join(tmpdir(), "confab-bill-"));
const recording = join(folder, "hour.jsonl");

/** Returns the bill, once it has `count` actions with this name. */
async function billWith(stack, action, count) {
  for (;;) {
    const bill = await (await fetch(`${stack.http}/.local/bill`)).json();
    const seen = bill.actions.filter((one) => one.action === action);
    if (seen.reduce((sum, one) => sum + one.count, 0) >= count) return bill;
  }
}

/** Returns the recorded events, once the last of them is there. */
async function recorded(count) {
  for (;;) {
    const text = readFileSync(recording, "utf8");
    // The last line may not be complete yet.
    const lines = text.slice(0, Math.max(0, text.lastIndexOf("\n"))).split("\n");
    if (lines.length >= count) return lines.map((line) => JSON.parse(line));
  }
}

const near = (actual, expected, what) =>
  assert.ok(Math.abs(actual - expected) <= expected / 100, `${what}: ${actual}, not ${expected}`);

suite(
  "bill",
  (stack) => {
    after(() => rm(folder, { recursive: true }));

    test("a scripted hour costs what docs/cost.md derives by hand", async () => {
      const clients = await live(stack);
      const bill = await billWith(stack, "sendMessage", 2_000);
      const { usage } = bill;
      assert.equal(usage.socketMessages, 2 * COUNTS.messagesIn + COUNTS.pushes);
      assert.equal(usage.pushes, COUNTS.pushes);
      assert.equal(usage.httpRequests, COUNTS.httpRequests);
      near(usage.connectionMs, COUNTS.connectionMinutes * 60_000, "connection time");
      near(usage.invocations, COUNTS.invocations, "invocations");
      near(usage.readUnits, COUNTS.readUnits, "read units");
      near(usage.writeUnits, COUNTS.writeUnits, "write units");

      // What depends on this machine and on the lines of the log is added up from the recording.
      const events = await recorded(10_000);
      const sum = (kind, of) =>
        events.filter((event) => event.kind === kind).reduce((all, event) => all + of(event), 0);
      const billed = ({ attributes }) =>
        (attributes["aws.lambda.billed_ms"] ?? 0) * (attributes["faas.max_memory"] ?? 0);
      near(usage.mbMs, sum("invocation", billed), "duration");
      const size = ({ attributes }) => attributes["log.record.size"] + 26;
      near(usage.logBytes, sum("log", size), "logs");

      const prices = { messages: 1, minutes: 0.25, http: 1, requests: 0.2, reads: 0.125 };
      const byHand =
        ((2 * COUNTS.messagesIn + COUNTS.pushes) * prices.messages +
          COUNTS.connectionMinutes * prices.minutes +
          COUNTS.httpRequests * prices.http +
          COUNTS.invocations * prices.requests +
          COUNTS.readUnits * prices.reads +
          COUNTS.writeUnits * 0.625 +
          usage.queueRequests * 0.4) /
          1e6 +
        (usage.mbMs / 1024 / 1000) * 0.0000166667 +
        (usage.logBytes / 2 ** 30) * 0.5 +
        (usage.egressBytes / 2 ** 30) * 0.09;
      near(bill.total, byHand, "total");
      const into10 = bill.actions.find((one) => one.action === "sendMessage" && one.pushes === 9);
      // Confab signs its pushes itself, without the header of the trace, so those of invocations that
      // run at the same time belong to no action.
      assert.ok(into10.count > 0 && into10.count <= 1_000, String(into10.count));
      assert.ok(into10.each > 11e-6 && into10.each < 30e-6, String(into10.each));

      // The prices of another region, and a region without prices.
      const other = await fetch(`${stack.http}/.local/bill?region=eu-central-1`);
      assert.ok((await other.json()).total > bill.total);
      assert.equal((await fetch(`${stack.http}/.local/bill?region=mars`)).status, 400);
      await Promise.all(clients.map((client) => client.close()));
    });

    test("a recording has neither tokens nor what people wrote", async () => {
      const text = readFileSync(recording, "utf8");
      // A token is two JSON objects in base64url; the first letters alone may be in a random id.
      for (const secret of [/Shall we meet/, /bearer\./, /eyJ[\w-]+\.eyJ/])
        assert.ok(!secret.test(text), String(secret));
    });
  },
  async () => ({ record: recording }),
);
