/** Finding people by a part of their name. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Directory } from "../client/directory.js";
import { findPeople } from "../client/finding.js";

const directory = new Directory({ user: "alice", name: "Alice" });
for (const [id, people] of Object.entries({
  a: { "u-1": "Grace Hopper", "u-2": "José García", alice: "Alice" },
  b: { "u-1": "Grace Hopper", bob: "bob" },
}))
  directory.add(
    { id, participants: Object.entries(people).map(([user, name]) => ({ user, name, role: "" })) },
    0,
  );

test("people of the user's conversations are found by each word of their names, once, without the user", async () => {
  for (const [text, expected] of /** @type {[string, string[]][]} */ ([
    ["gra", ["u-1"]],
    ["  HOPPER  g", ["u-1"]],
    ["jose", ["u-2"]],
    ["g", ["u-1", "u-2"]],
    ["u-", ["u-1", "u-2"]],
    ["bob", ["bob"]],
    ["alice", []],
    ["race", []],
    [" ", []],
  ])) {
    const found = await findPeople(text, "alice", directory);
    assert.deepEqual(
      found.map(({ user }) => user),
      expected,
      text,
    );
  }
});

test("a provider adds people; what it returns is checked, and a failure adds none", async () => {
  const provider = async () =>
    /** @type {any[]} */ ([
      { user: "u-1", name: "Another name" },
      { user: "u-9", name: "Graham" },
      { user: "u-8" },
      { user: "alice", name: "Alice" },
      { user: 7 },
      null,
    ]);
  assert.deepEqual(await findPeople("gra", "alice", directory, provider), [
    { user: "u-1", name: "Grace Hopper" },
    { user: "u-9", name: "Graham" },
    { user: "u-8", name: "u-8" },
  ]);
  const hostile = async () => [
    { user: "mallory", name: "\u202eecarg\u200b" },
    { user: "trudy", name: "\u2063\u3164 \u200d" },
    { user: "eve", name: "👩\u200d👧 Eve" },
  ];
  assert.deepEqual(await findPeople("x", "alice", directory, hostile), [
    { user: "mallory", name: "ecarg" },
    { user: "trudy", name: "trudy" },
    { user: "eve", name: "👩\u200d👧 Eve" },
  ]);
  const failing = async () => {
    throw new Error("no people today");
  };
  assert.equal((await findPeople("gra", "alice", directory, failing)).length, 1);
  const nonsense = async () => /** @type {any} */ ("<h1>Log in</h1>");
  assert.equal((await findPeople("gra", "alice", directory, nonsense)).length, 1);
});
