/** The door: what is refused before there is a client. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, readClaims } from "../client/index.js";
import { tokenOf } from "./fakes.js";

const OPTIONS = { http: "https://chat.example", ws: "wss://chat.example/dev" };

/** What cannot be offered as a subprotocol is no token: a space, a comma, padding, a letter that is no ASCII. */
const UNOFFERABLE = [
  "",
  "no token",
  "a.b",
  "a.b.c",
  ...[" ", ",", "=", "\n", "é", "\u0000", "%"].map((mark) => `${tokenOf("alice")}${mark}`),
];

test("no token, or one that cannot be offered to a server, makes no client", async () => {
  for (const token of [null, ...UNOFFERABLE]) {
    assert.equal(readClaims(token), null, String(token));
    await assert.rejects(connect({ ...OPTIONS, token: () => token }), { name: "SignedOut" });
  }
});

test("what the provider throws at first is thrown on", async () => {
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

test("an address that is none is told at once, before a token is asked for", async () => {
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

test("a token says whose it is and until when; a name that is none is the user's id", () => {
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
