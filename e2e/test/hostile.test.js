/** Whatever a client sends, it gets the answer that the documents promise, and nothing of ours breaks. */
import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { PATIENCE_MS } from "../lib/client.js";
import { assertAnswers, assertHttpAnswer, assertServerFrame } from "../lib/contract.js";
import { frames, requests, SECRET } from "../lib/hostile.js";
import { Person } from "../lib/people.js";
import { suite } from "../lib/suite.js";

/** Of all transports and lanes together: what a change can wait for. `CONFAB_CASES=10000` is a thorough run. */
const CASES = Number(process.env.CONFAB_CASES ?? 1_000);
/** Connections, and senders over HTTP, that try at the same time. */
const LANES = 2;

/** The same cases for every change, so that one that fails is the change's doing; another seed explores. */
const seed = Number(process.env.CONFAB_SEED ?? 20_261_122);
/** What comes unasked. */
const PUSHED = ["message", "participantAdded", "participantRemoved", "added", "removed"];

suite("hostile", (stack) => {
  /** Lets every lane try its share; the error of one that fails holds the smallest case that does. */
  async function tried(t, cases, attempt) {
    t.diagnostic(`CONFAB_SEED=${seed}`);
    stack.secret(SECRET);
    const lanes = Array.from({ length: LANES }, async (_, lane) => {
      const person = await Person.arrive(stack, `Mallory${lane}`);
      const conversation = await person.start([]);
      const numRuns = CASES / LANES / 2;
      await fc.assert(fc.asyncProperty(cases(conversation), await attempt(person)), {
        numRuns,
        seed: seed + lane,
      });
      return person.log(conversation);
    });
    for (const log of await Promise.all(lanes))
      assert.ok(log.length > 0, "some of it was right and is stored");
  }

  test("frames", async (t) => {
    await tried(t, frames, async (person) => {
      let socket;
      return async ({ text, exact }) => {
        socket ??= await person.connect();
        const connection = socket;
        socket = undefined;
        connection.send(text);
        const reply = await connection.next(({ event }) => !PUSHED.includes(event));
        assertServerFrame(reply);
        assert.ok(reply.event !== undefined, `the gateway said ${JSON.stringify(reply)}`);
        assert.notEqual(reply.code, "internal");
        if (exact) {
          assertAnswers(JSON.parse(text), reply);
        } else {
          const pong = await connection.request("ping");
          assert.deepEqual(pong, { event: "pong", heads: {} }, "the connection is usable");
        }
        // The next frame goes the same way: had this one broken it, that one would not be answered.
        socket = connection;
      };
    });
  });

  test("requests over HTTP", async (t) => {
    await tried(t, requests, async (person) => async ({ method, path, headers, body }) => {
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

  test("no log tells of an error", () => {
    assert.deepEqual(
      stack
        .output()
        .split("\n")
        .filter((line) => /\bERROR\b/.test(line)),
      [],
    );
  });
});
