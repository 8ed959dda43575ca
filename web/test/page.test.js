/** Rules for the source of the page as a whole. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { gzipSync } from "node:zlib";

const root = new URL("../", import.meta.url);
const modules = ["", "client/", "views/"].flatMap((folder) =>
  readdirSync(new URL(folder || ".", root))
    .filter((name) => name.endsWith(".js"))
    .map((name) => folder + name),
);
const read = (/** @type {string} */ name) => readFileSync(new URL(name, root), "utf8");

test("text cannot become markup, code or style; there are no alerts and no logs; tokens end with the window", () => {
  const forbidden = [
    "innerHTML",
    "outerHTML",
    "insertAdjacentHTML",
    "document.write",
    "createContextualFragment",
    "DOMParser",
    "setHTML",
    "srcdoc",
    "eval(",
    "new Function",
    '"style"',
    ".cssText",
    "alert(",
    "confirm(",
    "prompt(",
    "console.",
    "localStorage",
  ];
  assert.ok(modules.length > 15, "the sources were found");
  for (const name of modules) {
    for (const word of forbidden)
      assert.equal(read(name).includes(word), false, `${name} has ${word}`);
  }
});

test("the first load is under 60 KB compressed", () => {
  const loaded = new Set([
    "index.html",
    ...[...read("index.html").matchAll(/(?:href|src)="([^"]+)"/g)].map(([, name]) => String(name)),
  ]);
  for (const name of loaded) {
    if (!name.endsWith(".js")) continue;
    for (const [, from] of read(name).matchAll(/^(?:import .*|export .*|\}) from "(.*)";$/gm))
      loaded.add(new URL(String(from), new URL(name, root)).href.slice(root.href.length));
  }
  const bytes = [...loaded].reduce((sum, name) => sum + gzipSync(read(name)).length, 0);
  assert.ok(loaded.size > 20, "the modules were followed");
  assert.ok(bytes < 60_000, `${bytes} bytes in ${loaded.size} files`);
});

test("the document needs no exception from its content security policy", () => {
  const html = read("index.html");
  assert.doesNotMatch(html, /<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|https?:/i);
});

test("modules import only what is served beside them", () => {
  for (const name of modules) {
    for (const [, from] of read(name).matchAll(/^import .* from "(.*)";$/gm)) {
      assert.match(String(from), /^\.\.?\/.*\.js$/, name);
      readFileSync(new URL(String(from), new URL(name, root)));
    }
  }
});

test("the page imports only the public modules of the client, types included", () => {
  const { exports } = JSON.parse(read("package.json"));
  const open = Object.values(exports).flatMap(({ types, default: main }) => [
    main.replace("./client/", ""),
    types.replace("./types/", "").replace(".d.ts", ".js"),
  ]);
  const outside = modules.filter((name) => !name.startsWith("client/"));
  for (const name of outside) {
    const imported = [...read(name).matchAll(/["'](?:\.\.?\/)+client\/([^"']*)["']/g)];
    for (const [, from] of imported) assert.ok(open.includes(String(from)), `${name}: ${from}`);
  }
});

test("no module imports itself through others", () => {
  /** @type {(name: string) => string[]} */
  const importsOf = (name) =>
    [...read(name).matchAll(/^(?:import .*|export .*|\}) from "(.*)";$/gm)].map(([, from]) =>
      new URL(String(from), new URL(name, root)).href.slice(root.href.length),
    );
  const finished = new Set();
  /** @type {(name: string, path: string[]) => void} */
  const visit = (name, path) => {
    assert.equal(path.includes(name), false, [...path, name].join(" imports "));
    if (finished.has(name)) return;
    for (const imported of importsOf(name)) visit(imported, [...path, name]);
    finished.add(name);
  };
  for (const name of modules) visit(name, []);
  assert.ok(finished.size >= modules.length, "the modules were followed");
});

test("one module of the client uses browser globals", () => {
  for (const name of modules.filter(
    (name) => name.startsWith("client/") && name !== "client/browser.js",
  )) {
    assert.doesNotMatch(read(name), /\b(document|window|navigator|sessionStorage)\.\w/, name);
  }
});
