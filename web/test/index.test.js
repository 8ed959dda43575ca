/** `connect` and `readClaims`: what is rejected before a client is created. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, readClaims } from "../client/index.js";
import { tokenOf } from "./fakes.js";

const OPTIONS = { http: "https://chat.example", ws: "wss://chat.example/dev" };

/** Tokens that cannot be a subprotocol: with a space, a comma, padding, or a non-ASCII letter. */
const UNOFFERABLE = [
  "",
  "no token",
  "a.b",
  "a.b.c",
  ...[" ", ",", "=", "\n", "é", "\u0000", "%"].map((mark) => `${tokenOf("alice")}${mark}`),
];

test("connect fails without a token, or with one that cannot be a subprotocol", async () => {
  for (const token of [null, ...UNOFFERABLE]) {
    assert.equal(readClaims(token), null, String(token));
    await assert.rejects(connect({ ...OPTIONS, token: () => token }), { name: "SignedOut" });
  }
});

test("an error of the provider passes through connect", async () => {
  const failure = new Error("no login today");
  await assert.rejects(
    connect({
      ...OPTIONS,
      token: async () => {
        throw failure;
      },
    }),
    failure,
  );
});

test("an invalid address is rejected before a token is asked for", async () => {
  for (const wrong of [
    { http: "chat.example" },
    { http: "wss://chat.example" },
    { ws: "https://chat.example" },
    { ws: "/dev" },
  ]) {
    await assert.rejects(
      connect({ ...OPTIONS, ...wrong, token: () => assert.fail("asked for a token") }),
      TypeError,
    );
  }
});

test("claims have user, name and end; without a valid name, the name is the user id", () => {
  assert.deepEqual(readClaims(tokenOf("alice", { name: "Älice", exp: 7 })), {
    user: "alice",
    name: "Älice",
    expiresAt: 7_000,
  });
  assert.deepEqual(readClaims(tokenOf("alice", { name: 7, exp: "soon" })), {
    user: "alice",
    name: "alice",
    expiresAt: null,
  });
  assert.equal(readClaims(tokenOf("", {})), null);
});
