/** The copies of third-party libraries equal the files of their packages. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { COPIES, copyOf, FOLDER } from "./copies.js";

const read = (/** @type {string} */ name) => readFileSync(new URL(name, FOLDER), "utf8");

test("each copy equals its package", () => {
  for (const [copy, original] of Object.entries(COPIES))
    assert.equal(read(copy), copyOf(original), `${copy}: run node test/copies.js`);
  assert.deepEqual(readdirSync(FOLDER).sort(), [...Object.keys(COPIES), "README.md"].sort());
});

test("the versions are pinned", () => {
  const { devDependencies } = JSON.parse(
    readFileSync(new URL("../package.json", import.meta.url), "utf8"),
  );
  for (const name of ["linkify-it", "uc.micro"])
    assert.match(devDependencies[name], /^\d+\.\d+\.\d+$/, name);
});
