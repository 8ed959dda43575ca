/**
 * Authentication: invalid tokens and foreign origins are rejected before the upgrade and on every
 * HTTP route.
 */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { before, test } from "node:test";

import { call, Client, handshake } from "../lib/client.js";
import { Person } from "../lib/people.js";
import { assertProblem, assertRejected } from "../lib/protocol.js";
import { suite } from "../lib/suite.js";
import {
  altered,
  keyConfused,
  publicKeys,
  read,
  signedByAnother,
  unsigned,
} from "../lib/tokens.js";

/** Tokens that abuse the keys that an issuer publishes. */
async function badPublishedKeys(token) {
  const { header, claims } = read(token);
  const keys = await publicKeys(claims.iss);
  const key = keys.find(({ kid }) => kid === header.kid) ?? keys[0];
  return {
    "signed by another key under an unknown key id": signedByAnother(token, { kid: "unknown" }),
    "signed by a key in its own header": signedByAnother(token, (jwk) => ({ jwk, kid: undefined })),
    ...Object.fromEntries(
      keyConfused(token, key).map(([form, confused]) => [
        `HS256 with the public key as ${form}`,
        confused,
      ]),
    ),
  };
}

suite("identity", (stack) => {
  /** @type {Person} */ let ada;

  before(async () => {
    ada = await Person.create(stack, "Ada");
  });

  /** The three ways to present a token. Status 101 or 200 means that it was accepted. */
  const ways = {
    "as subprotocol": async (token) =>
      (await handshake(stack.ws, { "sec-websocket-protocol": `confab.v1, bearer.${token}` }))
        .status,
    "as header": async (token) =>
      (await handshake(stack.ws, { authorization: `Bearer ${token}` })).status,
    "over HTTP": async (token) => (await call(stack, token, "GET", "/conversations")).status,
  };

  test("a valid token is accepted everywhere", async () => {
    const statuses = {};
    for (const [way, present] of Object.entries(ways)) statuses[way] = await present(ada.token);
    assert.deepEqual(statuses, { "as subprotocol": 101, "as header": 101, "over HTTP": 200 });
  });

  test("an invalid token is rejected everywhere", async (t) => {
    const { header, claims } = read(ada.token);
    const bad = {
      "not a token": "open-sesame",
      "signed by another key": signedByAnother(ada.token),
      "another user under a valid signature": altered(ada.token, { sub: "mallory" }),
      "a later expiry under a valid signature": altered(ada.token, { exp: claims.exp + 86_400 }),
      "alg none": unsigned(ada.token),
      "alg None": unsigned(ada.token, "None"),
      "alg none with a signature": `${unsigned(ada.token)}${ada.token.split(".")[2]}`,
      expired: await stack.tokenFor(ada.user, { expiresIn: -3600 }),
      "for another audience": await stack.tokenFor(ada.user, { audience: "another-audience" }),
      // An issuer that signs with a shared secret publishes no keys.
      ...(header.alg === "HS256" ? {} : await badPublishedKeys(ada.token)),
    };
    for (const [what, token] of Object.entries(bad)) {
      await t.test(what, async () => {
        stack.secretToken(token);
        assert.equal(await ways["as subprotocol"](token), 401);
        assert.equal(await ways["as header"](token), 401);
        // An HTTP API responds 403 if its authorizer rejects the token, and 401 if the authorizer
        // was not asked.
        assert.ok([401, 403].includes(await ways["over HTTP"](token)));
      });
    }
  });

  test("a missing token is rejected everywhere", async () => {
    assert.equal((await handshake(stack.ws, {})).status, 401);
    assert.equal(
      (await handshake(stack.ws, { "sec-websocket-protocol": "confab.v1" })).status,
      401,
    );
    assert.equal((await handshake(stack.ws, { authorization: "Basic YWRhOmFkYQ==" })).status, 401);
    for (const [method, path] of [
      ["GET", "/conversations"],
      ["POST", "/conversations"],
      ["GET", "/conversations/x/events"],
      ["POST", "/conversations/x/messages"],
    ]) {
      assert.equal((await call(stack, undefined, method, path)).status, 401, `${method} ${path}`);
    }
  });

  test("a token in the URL is ignored", async () => {
    for (const name of ["token", "access_token", "Authorization"]) {
      assert.equal((await handshake(`${stack.ws}?${name}=${ada.token}`, {})).status, 401, name);
    }
  });

  test("a foreign origin is rejected even with a valid token", async () => {
    for (const origin of [
      "https://evil.example",
      "null",
      `${stack.http}.evil.example`,
      "http://localhost:1",
    ]) {
      const { status } = await handshake(stack.ws, {
        origin,
        "sec-websocket-protocol": `confab.v1, bearer.${ada.token}`,
      });
      assert.equal(status, 403, origin);
    }
  });

  test("the subprotocol is echoed if it was offered, and the token never is", async () => {
    const bearer = `bearer.${ada.token}`;
    const table = [
      [{ "sec-websocket-protocol": `confab.v1, ${bearer}` }, "confab.v1"],
      [{ "sec-websocket-protocol": `${bearer}, confab.v1` }, "confab.v1"],
      [
        { "sec-websocket-protocol": "confab.v1", authorization: `Bearer ${ada.token}` },
        "confab.v1",
      ],
      [{ "sec-websocket-protocol": bearer }, undefined],
      [{ authorization: `Bearer ${ada.token}` }, undefined],
    ];
    for (const [offer, echo] of table) {
      const { status, headers } = await handshake(stack.ws, offer);
      assert.equal(status, 101);
      assert.equal(headers["sec-websocket-protocol"], echo, Object.keys(offer).join());
    }
  });

  test("a token that expires during a connection is rejected from then on", async () => {
    // The test repeats the request instead of waiting: first replies are pongs, the last is the
    // rejection.
    const token = await stack.tokenFor(ada.user, { expiresIn: 5 });
    const client = await Client.connect(stack, token);
    assert.equal((await call(stack, token, "GET", "/conversations")).status, 200);
    let reply;
    do reply = await client.request("ping");
    while (reply.event === "pong");
    assertRejected(reply, "unauthenticated");
    assertRejected(await client.request("subscribe", { conversation: "any" }), "unauthenticated");
    // The gateway still caches the authorizer's answer, so it is the function that checks the
    // expiry.
    assertProblem(await call(stack, token, "GET", "/conversations"), "unauthenticated");
    await client.close();
  });

  test("nothing is pushed to a connection after its token has ended", async () => {
    const bob = await Person.create(stack, "Bob");
    const conversation = await ada.start([bob]);
    const lasting = await bob.connect();
    const subscribe = (client) => client.request("subscribe", { conversation });
    assert.equal((await subscribe(lasting)).event, "subscribed");
    const say = async (body) => {
      const message = { id: randomUUID(), body };
      const answer = await ada.post(`/conversations/${conversation}/messages`, message);
      assert.equal(answer.status, 201, JSON.stringify(answer.body));
    };
    // The functions are warm when the token starts.
    await say("Before the short token.");

    const brief = await Client.connect(stack, await stack.tokenFor(bob.user, { expiresIn: 10 }));
    assert.equal((await subscribe(brief)).event, "subscribed");
    await say("While the token is valid.");
    assert.equal((await brief.next()).body, "While the token is valid.");
    while ((await brief.request("ping")).event === "pong");

    await say("After the token has ended.");
    const invitation = await ada.start([bob], "After the token has ended");
    await lasting.next(({ body }) => body === "After the token has ended.");
    await lasting.next((frame) => frame.event === "added" && frame.conversation === invitation);
    // Ada's answers came after the pushes, and this reply comes after her answers.
    brief.send({ action: "ping", ref: "marker" });
    assert.deepEqual(await brief.before(({ ref }) => ref === "marker"), []);
    await Promise.all([brief.close(), lasting.close()]);
  });
});
