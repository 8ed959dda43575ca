import assert from "node:assert/strict";
import { test } from "node:test";
import { Drafts } from "../session.js";

/** A window's session storage. @returns {Storage} */
function storage() {
  /** @type {Map<string, string>} */
  const items = new Map();
  return /** @type {Storage} */ (
    /** @type {unknown} */ ({
      getItem: (/** @type {string} */ key) => items.get(key) ?? null,
      setItem: (/** @type {string} */ key, /** @type {string} */ value) =>
        void items.set(key, value),
      removeItem: (/** @type {string} */ key) => void items.delete(key),
      get length() {
        return items.size;
      },
    })
  );
}

test("a draft survives a reload, and belongs to one conversation", () => {
  const window = storage();
  const drafts = new Drafts(window, "ada");
  drafts.set("lunch", "Shall we");
  drafts.set("__proto__", "An odd name");
  const reloaded = new Drafts(window, "ada");
  assert.deepEqual(
    ["lunch", "__proto__", "dinner"].map((id) => reloaded.get(id)),
    ["Shall we", "An odd name", ""],
  );
});

test("deleted drafts leave nothing in the storage, and neither does logging out", () => {
  const window = storage();
  const drafts = new Drafts(window, "ada");
  drafts.set("lunch", "Shall we");
  drafts.set("lunch", "");
  assert.equal(window.length, 0);
  drafts.set("lunch", "Shall we");
  drafts.clear();
  assert.equal(drafts.get("lunch"), "");
  assert.equal(window.length, 0);
});

test("another user does not see the drafts, and deletes them", () => {
  const window = storage();
  new Drafts(window, "ada").set("lunch", "Shall we");
  assert.equal(new Drafts(window, "grace").get("lunch"), "");
  assert.equal(window.length, 0);
});

test("a full or malformed storage loses no draft on screen", () => {
  const window = storage();
  window.setItem("confab.drafts", '{"user":"ada","texts":[1]');
  const drafts = new Drafts(window, "ada");
  window.setItem = () => {
    throw new DOMException("full", "QuotaExceededError");
  };
  drafts.set("lunch", "Shall we");
  assert.equal(drafts.get("lunch"), "Shall we");
});
