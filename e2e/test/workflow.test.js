/** The workflow on GitHub runs every step of `./test`. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { load } from "js-yaml";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

test("the workflow has one job for each step of ./test", () => {
  const { jobs } = load(readFileSync(`${ROOT}/.github/workflows/test.yml`, "utf8"));
  const steps = execFileSync(`${ROOT}/test`, ["--list"], { encoding: "utf8" }).trim().split("\n");
  // It needs a deployed stack, so it is a step of the workflow that deploys.
  const deployed = steps.pop();
  assert.equal(deployed, "deployed");
  assert.deepEqual(jobs.step.strategy.matrix.step, steps);
  const rollout = load(readFileSync(`${ROOT}/.github/workflows/rollout.yml`, "utf8"));
  const commands = Object.values(rollout.jobs).flatMap((job) => job.steps.map(({ run }) => run));
  assert.ok(commands.includes("./test deployed"), "a rollout ends with the smoke test");
});
