import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { isForInputMethod } from "../views/element.js";

test("keys during a composition, and keys that Safari marks by 229 after one, belong to the input method", () => {
  for (const [isComposing, keyCode, expected] of /** @type {[boolean, number, boolean][]} */ ([
    [false, 13, false],
    [true, 13, true],
    [false, 229, true],
    [false, 27, false],
  ])) {
    const event = /** @type {KeyboardEvent} */ ({ isComposing, keyCode });
    assert.equal(isForInputMethod(event), expected, `${isComposing} ${keyCode}`);
  }
});

test("every module that handles keys leaves those of input methods alone", () => {
  const root = new URL("../", import.meta.url);
  const views = readdirSync(new URL("views", root)).map((name) => `views/${name}`);
  const handlers = ["app.js", ...views].filter((name) =>
    /keydown|keyup|keypress/.test(readFileSync(new URL(name, root), "utf8")),
  );
  assert.ok(handlers.length >= 3, "the handlers were found");
  for (const name of handlers)
    assert.match(readFileSync(new URL(name, root), "utf8"), /isForInputMethod\(event\)/, name);
});
