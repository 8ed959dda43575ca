/** Who is let in, and what happens to everybody else: refused before the upgrade, and at every HTTP route. */
import assert from "node:assert/strict";
import { before, test } from "node:test";

import { call, Client, handshake } from "../lib/client.js";
import { Person } from "../lib/people.js";
import { assertProblem, assertRejected } from "../lib/protocol.js";
import { suite } from "../lib/suite.js";
import { altered, keyConfused, publicKeys, read, signedByAnother, unsigned } from "../lib/tokens.js";

suite("identity", (stack) => {
  /** @type {Person} */ let ada;

  before(async () => {
    ada = await Person.arrive(stack, "Ada");
  });

  /** The three doors that ask for a token. A status of 101 or 200 is admittance. */
  const doors = {
    "as subprotocol": async (token) =>
      (await handshake(stack.ws, { "sec-websocket-protocol": `confab.v1, bearer.${token}` }))
        .status,
    "as header": async (token) =>
      (await handshake(stack.ws, { authorization: `Bearer ${token}` })).status,
    "over HTTP": async (token) => (await call(stack, token, "GET", "/conversations")).status,
  };

  test("a good token opens every door", async () => {
    const statuses = {};
    for (const [door, knock] of Object.entries(doors)) statuses[door] = await knock(ada.token);
    assert.deepEqual(statuses, { "as subprotocol": 101, "as header": 101, "over HTTP": 200 });
  });

  test("a token that proves nothing opens none", async (t) => {
    const { header, claims } = read(ada.token);
    const keys = await publicKeys(claims.iss);
    const key = keys.find(({ kid }) => kid === header.kid) ?? keys[0];
    const bad = {
      "no token but a word": "open-sesame",
      "signed by another key": signedByAnother(ada.token),
      "signed by another key under an unknown key id": signedByAnother(ada.token, {
        kid: "nobody",
      }),
      "signed by a key that it brings along": signedByAnother(ada.token, (jwk) => ({
        jwk,
        kid: undefined,
      })),
      "another user under a good signature": altered(ada.token, { sub: "mallory" }),
      "a later end under a good signature": altered(ada.token, { exp: claims.exp + 86_400 }),
      "alg none": unsigned(ada.token),
      "alg None": unsigned(ada.token, "None"),
      "alg none with a signature": `${unsigned(ada.token)}${ada.token.split(".")[2]}`,
      expired: await stack.tokenFor(ada.user, { expiresIn: -3600 }),
      "for another audience": await stack.tokenFor(ada.user, { audience: "somebody-else" }),
      ...Object.fromEntries(
        keyConfused(ada.token, key).map(([form, token]) => [
          `HS256 with the public key as ${form}`,
          token,
        ]),
      ),
    };
    for (const [what, token] of Object.entries(bad)) {
      await t.test(what, async () => {
        stack.secretToken(token);
        assert.equal(await doors["as subprotocol"](token), 401);
        assert.equal(await doors["as header"](token), 401);
        // An HTTP API answers 403 when its authorizer refuses, and 401 when it was not asked.
        assert.ok([401, 403].includes(await doors["over HTTP"](token)));
      });
    }
  });

  test("without a token every door is shut", async () => {
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

  test("a token in the URL counts for nothing", async () => {
    for (const name of ["token", "access_token", "Authorization"]) {
      assert.equal((await handshake(`${stack.ws}?${name}=${ada.token}`, {})).status, 401, name);
    }
  });

  test("a page of a foreign origin is refused even with a good token", async () => {
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

  test("the protocol is echoed when it was offered, and the token never", async () => {
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

  test("a token that ends during the connection ends what it allows", async () => {
    // Asked over and over rather than waited for: the first answers are pongs, the last one must be the refusal.
    const token = await stack.tokenFor(ada.user, { expiresIn: 5 });
    const client = await Client.connect(stack, token);
    assert.equal((await call(stack, token, "GET", "/conversations")).status, 200);
    let reply;
    do reply = await client.request("ping");
    while (reply.event === "pong");
    assertRejected(reply, "unauthenticated");
    assertRejected(await client.request("subscribe", { conversation: "any" }), "unauthenticated");
    // The gateway still has the authorizer's answer, so it is the function that looks at the clock.
    assertProblem(await call(stack, token, "GET", "/conversations"), "unauthenticated");
    await client.close();
  });
});
