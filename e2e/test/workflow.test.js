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
  assert.deepEqual(jobs.step.strategy.matrix.step, steps);
});
