/** The workflow on GitHub runs every step of `./test`. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
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

test("the workflows install only pinned tools, of the versions that the tests use", () => {
  const folder = `${ROOT}/.github/workflows`;
  const installed = new Set();
  for (const file of readdirSync(folder)) {
    const lines = readFileSync(`${folder}/${file}`, "utf8").split("\n");
    for (const line of lines.filter((text) => /\b(pip|pipx|uv) install\b/.test(text))) {
      const [, requirements] = line.match(/^ *pip install --requirement (\S+)$/) ?? [];
      assert.ok(requirements, `${file}: ${line.trim()}`);
      installed.add(requirements);
    }
  }
  const versions = new Map();
  for (const file of [...installed, "e2e/requirements.txt", "e2e/tools/requirements.txt"]) {
    for (const line of readFileSync(`${ROOT}/${file}`, "utf8").trim().split("\n")) {
      const [, name, version] = line.match(/^([\w-]+)==([\w.]+)$/) ?? [];
      assert.ok(version, `${file}: ${line}`);
      assert.equal(versions.get(name) ?? version, version, `${file}: ${name}`);
      versions.set(name, version);
    }
  }
  assert.ok(versions.has("ziglang") && versions.has("aws-sam-cli"));
});
