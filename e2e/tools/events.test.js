import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readdirSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { suite } from "../lib/suite.js";
import { Program, ROOT, freePort, replacements, run } from "./recipes.js";
import { SAMPLE_EVENTS } from "./sample_events.js";

/** Each suite has its own stack, because each event needs the table as the earlier ones left it. */
suite("sample events with cargo lambda invoke on the harness", (stack) => {
  everyEvent(stack, () => new URL(stack.lambda).port);

  test("every sample event has a test", () => {
    const files = readdirSync(join(ROOT, "events")).filter((name) => name.endsWith(".json"));
    assert.deepEqual(SAMPLE_EVENTS.map(([file]) => `${file}.json`).sort(), files.sort());
  });
});

suite("sample events with cargo lambda watch", (stack) => {
  let port;
  let watch;
  let environment;

  test("cargo lambda watch starts on the table of a running stack", async () => {
    port = await freePort();
    environment = await adapted(stack, "local.env");
    watch = new Program("cargo", [
      "lambda",
      "watch",
      "-A",
      "::1",
      "-P",
      String(port),
      "--env-file",
      environment,
    ]);
    await watch.says(/invoke_addr|listening|starting/i);
  });

  everyEvent(stack, () => port);

  test("cargo lambda watch stops", async () => {
    await watch.stop();
    await rm(environment);
  });
});

/** Copies a file of `events/` with the addresses of this stack. The caller removes the copy. */
async function adapted(stack, name) {
  const text = await readFile(join(ROOT, "events", name), "utf8");
  const copy = join(tmpdir(), `${randomUUID()}-${name}`);
  await writeFile(copy, replacements(stack)(text));
  return copy;
}

/** Declares one test for each event, sent to the Lambda at `port()`. */
function everyEvent(stack, port) {
  for (const [file, name, expected] of SAMPLE_EVENTS) {
    test(`${file}.json`, async () => {
      const event = await adapted(stack, `${file}.json`);
      const options = ["-P", String(port()), name, "--data-file", event];
      const output = run("cargo", [
        "lambda",
        "invoke",
        ...options,
        "--output-format",
        "json",
      ]).finally(() => rm(event));
      if (expected.failure) {
        // The harness returns the error like any result; `cargo lambda watch` fails the request.
        const failure = await output.catch((error) => error.message);
        assert.ok(failure.includes(expected.failure), failure);
      } else {
        check(JSON.parse(await output), expected);
      }
    });
  }
}

function check(answer, expected) {
  if (expected.effect) {
    assert.equal(answer.policyDocument.Statement[0].Effect, expected.effect);
    return;
  }
  if (expected.result) {
    assertHas(answer, expected.result, JSON.stringify(answer));
    return;
  }
  const status = expected.frame ? 200 : expected.status;
  assert.ok([status].flat().includes(answer.statusCode), JSON.stringify(answer));
  const body = expected.frame ?? expected.body;
  if (body) assertHas(JSON.parse(answer.body), body, answer.body);
  if (expected.headers) assertHas(answer.headers, expected.headers, JSON.stringify(answer));
}

/** Asserts that `actual` has all members of `expected`, in lists by index. */
function assertHas(actual, expected, message) {
  for (const [name, value] of Object.entries(expected)) {
    if (typeof value === "object") assertHas(actual?.[name], value, message);
    else assert.equal(actual?.[name], value, `${name} in ${message}`);
  }
}
