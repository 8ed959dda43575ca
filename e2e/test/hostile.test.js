/**
 * Whatever a client sends, it gets a reply that the documents allow, and the stack logs no error.
 */
import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { PATIENCE_MS } from "../lib/client.js";
import { assertAnswers, assertHttpAnswer, assertServerFrame, SILENT } from "../lib/contract.js";
import { frames, requests, SECRET } from "../lib/hostile.js";
import { Person } from "../lib/people.js";
import { suite } from "../lib/suite.js";

/**
 * The number of cases over all transports and lanes: as many as a change can wait for.
 * `CONFAB_CASES=10000` is a thorough run.
 */
const CASES = Number(process.env.CONFAB_CASES ?? 1_000);
/** The number of concurrent connections and HTTP clients. */
const LANES = 2;

/** The seed is fixed, so that a new failure is due to the change. Other seeds try other cases. */
const seed = Number(process.env.CONFAB_SEED ?? 20_261_122);
/** Frames that are pushed. */
const PUSHED = [
  "message",
  "messageEdited",
  "messageDeleted",
  "reaction",
  "participantAdded",
  "participantRemoved",
  "added",
  "removed",
  "typing",
  "read",
];
/** The gateway may route such a text to an action that has no reply. */
const isSilent = (text) => SILENT.some((action) => text.includes(`"${action}"`));

suite("hostile", (stack) => {
  /**
   * Runs the cases in all lanes. The error of a failed lane contains the smallest case that fails.
   */
  async function runCases(t, cases, attempt) {
    t.diagnostic(`CONFAB_SEED=${seed}`);
    stack.secret(SECRET);
    const lanes = Array.from({ length: LANES }, async (_, lane) => {
      const person = await Person.create(stack, `Mallory${lane}`);
      const conversation = await person.start([]);
      const numRuns = CASES / LANES / 2;
      await fc.assert(fc.asyncProperty(cases(conversation), await attempt(person)), {
        numRuns,
        seed: seed + lane,
      });
      return person.log(conversation);
    });
    for (const log of await Promise.all(lanes))
      assert.ok(log.length > 0, "some of the messages are valid and stored");
  }

  test("every frame gets a documented reply", async (t) => {
    await runCases(t, frames, async (person) => {
      let socket;
      return async ({ text, exact }) => {
        socket ??= await person.connect();
        const connection = socket;
        socket = undefined;
        connection.send(text);
        if (isSilent(text)) {
          assert.equal((await connection.request("ping")).event, "pong");
          // The text may have got a reply after all, which must not count for the next frame.
          await connection.close();
          return;
        }
        const reply = await connection.next(({ event }) => !PUSHED.includes(event));
        assertServerFrame(reply);
        assert.ok(reply.event !== undefined, `the gateway sent ${JSON.stringify(reply)}`);
        assert.notEqual(reply.code, "internal");
        if (exact) {
          assertAnswers(JSON.parse(text), reply);
        } else {
          const pong = await connection.request("ping");
          assert.deepEqual(pong, { event: "pong", heads: {} }, "the connection remains usable");
        }
        // The next frame uses the same connection, and fails if this frame broke it.
        socket = connection;
      };
    });
  });

  test("every HTTP request gets a documented response", async (t) => {
    await runCases(t, requests, async (person) => async ({ method, path, headers, body }) => {
      const response = await fetch(stack.http + path, {
        method,
        headers: {
          authorization: `Bearer ${person.token}`,
          "content-type": "application/json",
          ...headers,
        },
        body: body?.text,
        signal: AbortSignal.timeout(PATIENCE_MS),
      });
      const answer = {
        status: response.status,
        headers: response.headers,
        body: await response.json(),
      };
      assert.ok(answer.status < 500, JSON.stringify(answer.body));
      assert.ok(answer.body.code !== undefined || answer.status < 400, JSON.stringify(answer.body));
      if (body?.exact ?? true)
        assertHttpAnswer({ method, path, json: body && JSON.parse(body.text) }, answer);
    });
  });

  test("no error is logged", () => {
    assert.deepEqual(
      stack
        .output()
        .split("\n")
        .filter((line) => /\bERROR\b/.test(line)),
      [],
    );
  });
});
