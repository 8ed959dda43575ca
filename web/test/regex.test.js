/**
 * Checks that the work on a text from other users grows linearly with its length. The tests count
 * the steps of regular expressions, not the time: for twice the text, at most 2.5 times as many.
 */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import ts from "typescript";
import { cleanBody } from "../client/protocol.js";
import { initials } from "../views/element.js";
import { piecesOf } from "../views/links.js";
import { stepsOf } from "./regex_steps.js";

const root = new URL("../", import.meta.url);
const modules = ["", "client/", "views/"].flatMap((folder) =>
  readdirSync(new URL(folder || ".", root))
    .filter((name) => name.endsWith(".js"))
    .map((name) => folder + name),
);

/**
 * @param {(text: string) => unknown} work
 * @param {(size: number) => string} textOf
 * @param {number} size
 */
function growth(work, textOf, size) {
  const [once, twice] = [size, 2 * size].map((size) => stepsOf(() => work(textOf(size))));
  return Number(twice) / Math.max(Number(once), 1);
}

/** Returns each regular expression of a module. @param {string} name */
function expressionsIn(name) {
  const text = readFileSync(new URL(name, root), "utf8");
  const file = ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true, ts.ScriptKind.JS);
  /** @type {RegExp[]} */
  const found = [];
  /** @param {ts.Node} node */
  const visit = (node) => {
    if (ts.isRegularExpressionLiteral(node)) {
      const end = node.text.lastIndexOf("/");
      found.push(new RegExp(node.text.slice(1, end), node.text.slice(end + 1)));
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

test("the counted steps are those of a backtracking matcher", () => {
  const text = (/** @type {number} */ size) => `${"x".repeat(size)}!`;
  const linear = growth((text) => /x+y/y.test(text), text, 500);
  const quadratic = growth((text) => /x+y/.test(text), text, 500);
  const cubic = growth((text) => /x+x+y/.test(text), text, 100);
  assert.deepEqual([linear, quadratic, cubic].map(Math.round), [2, 4, 8]);
});

test("every regular expression is linear", () => {
  const common = ["a", "0", " ", "\n", ".", "/", ":", ",", "-", "_", "\\", "\u202e", "\u{1f600}"];
  let count = 0;
  for (const name of modules) {
    for (const expression of expressionsIn(name)) {
      count += 1;
      const written = [...expression.source].filter((character) => !common.includes(character));
      const units = [...new Set([...common, ...written])];
      const match = (/** @type {string} */ text) => text.replace(expression, "");
      for (const unit of units) {
        for (const last of ["", "!", "\n", "a"]) {
          const times = growth(match, (size) => unit.repeat(size) + last, 100);
          assert.ok(times <= 2.5, `${name} ${expression}: ${JSON.stringify(unit)} takes ${times}`);
        }
      }
    }
  }
  assert.ok(count > 10, "the expressions were found");
});

test("links are found in linear time", () => {
  const SIZE = 1_000;
  for (const textOf of [
    (/** @type {number} */ size) => `http://a${".".repeat(size)}x${")".repeat(size)}`,
    ...[
      ["", "http://a", ""],
      ["", "http://a/[", "]"],
      ["", "http://a/(((", ")"],
      ["", "http://a/'", ""],
      ["", "http://a@", ""],
      ["", "http://a.", "http://"],
      ["", "www.a.", ""],
      ["", "http:", ""],
      ["", "http://a.b/c ", ""],
      ["", "\u770bhttps://a.b\uff0c", ""],
      ["", "https://\u0430.b/", ""],
      ["", "https://a/www.b.c/", "["],
      ["http://", "a.", "/"],
      ["http://", "a-", "."],
      ["http://", "a@", "/"],
      ["http://a", "-", "."],
      ["http://a/", ".", ")"],
      ["http://a/", "!", ""],
      ["http://a/", "[", "]"],
      ["http://a/", "(a", ")"],
      ["http://a/", '"', ""],
      ["http://a/", "\u202e", ""],
    ].map(
      ([first, unit = "", last]) =>
        (/** @type {number} */ size) =>
          `${first}${unit.repeat(size / unit.length)}${last}`,
    ),
  ]) {
    const text = textOf(SIZE);
    const times = growth(piecesOf, textOf, SIZE);
    assert.ok(times <= 2.5, `${text.slice(0, 40)}…${text.slice(-3)} takes ${times}`);
  }
});

test("texts and names are cleaned in linear time", () => {
  for (const unit of [
    " ",
    "\n",
    " \n",
    "\r",
    "\r\n",
    "\u200b",
    "\u3164 ",
    "a ",
    "\t\n",
    "\ud800",
  ]) {
    for (const work of [cleanBody, initials]) {
      const times = growth(work, (size) => `${unit.repeat(size)}a`, 1_000);
      assert.ok(times <= 2.5, `${work.name}: ${JSON.stringify(unit)} takes ${times}`);
    }
  }
});
