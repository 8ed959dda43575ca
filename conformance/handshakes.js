/**
 * Facts about handshakes: what the gateway makes of the responses of the authorizer and `$connect`,
 * and which subprotocol it returns.
 */
import assert from "node:assert/strict";

import { answer, fact } from "./fact.js";
import { handshake } from "./socket.js";
import { allow, scriptedHandshake, target } from "./target.js";

/** Pairs of action and effect. */
const ALLOWED = ["execute-api:Invoke", "Allow"];
const DENIED = ["execute-api:*", "Deny"];

const document = (...statements) => ({
  Version: "2012-10-17",
  Statement: statements.map(([Action, Effect]) => ({ Action, Effect, Resource: "*" })),
});

/** Returns the script of an authorizer that answers with these statements and no context. */
const permit = (...statements) =>
  answer({ principalId: "tester", policyDocument: document(...statements) });

/** Declares the facts. */
export function handshakeFacts() {
  const handshakes = [
    ["2.4 [D]", "200 accepts", { connect: answer({ statusCode: 200 }) }, 101],
    ["2.4 [D]", "204 accepts", { connect: answer({ statusCode: 204 }) }, 101],
    ...[302, 400, 401, 403, 404, 429, 500, 503].map((statusCode) => [
      "2.4 [D]",
      `$connect returns ${statusCode}`,
      { connect: answer({ statusCode }) },
      statusCode,
    ]),
    ["2.4 [O]", "$connect fails", { connect: [{ fail: "x" }] }, 502],
    ["2.4 [O]", "$connect exits", { connect: [{ exit: 1 }] }, 502],
    ["2.4 [O]", "$connect times out", { connect: ["hang"] }, 502],
    ...[null, "text", [], {}, { statusCode: "x" }].map((value) => [
      "2.4 [O]",
      `$connect returns ${JSON.stringify(value)}`,
      { connect: answer(value) },
      502,
    ]),
    ["2.4 [U]", "a status as text", { connect: answer({ statusCode: "200" }) }, 101],
    ["1.4 [O]", "a policy that denies", { authorizer: allow({}, "*", "Deny") }, 403],
    [
      "1.4 [O]",
      "a policy for a resource below $connect",
      { authorizer: allow({}, "arn:aws:execute-api:*:*:*/*/*/*") },
      403,
    ],
    [
      "1.4 [D]",
      "a policy with wildcards",
      { authorizer: allow({}, "arn:aws:execute-api:*:*:*/*/$connect") },
      101,
    ],
    [
      "1.4 [D]",
      "a policy with a question mark",
      { authorizer: allow({}, "arn:aws:execute-api:*:*:*/*/?connect") },
      101,
    ],
    [
      "1.4 [O]",
      "a policy for another action",
      { authorizer: permit(["lambda:InvokeFunction", "Allow"]) },
      403,
    ],
    [
      "1.4 [O]",
      "a policy that both allows and denies",
      { authorizer: permit(ALLOWED, DENIED) },
      403,
    ],
    ["1.4 [O]", "a policy without statements", { authorizer: permit() }, 403],
    [
      "1.4 [D]",
      "an authorizer that fails with Unauthorized",
      { authorizer: [{ fail: "Unauthorized" }] },
      401,
    ],
    [
      "1.4 [O]",
      "an authorizer that fails with another error",
      { authorizer: [{ fail: "other" }] },
      500,
    ],
    [
      "1.4 [O]",
      "an authorizer without a policy",
      { authorizer: answer({ principalId: "a" }) },
      500,
    ],
    [
      "1.4 [O]",
      "an authorizer without a principal",
      { authorizer: answer({ policyDocument: document(ALLOWED) }) },
      500,
    ],
    ["1.4 [O]", "an authorizer that returns null", { authorizer: answer(null) }, 500],
    ["1.4 [O]", "an authorizer that exits", { authorizer: [{ exit: 1 }] }, 500],
    ["1.4 [D]", "an authorizer response over 8 KB", { authorizer: allow({ a: "$8KB" }) }, 500],
    [
      "1.4 [D]",
      "a context of strings, numbers and booleans",
      { authorizer: allow({ a: "b", c: 1, d: true }) },
      101,
    ],
    ["1.4 [O]", "no context", { authorizer: permit(ALLOWED) }, 101],
    ["1.4 [O]", "a nested context", { authorizer: allow({ a: { b: 1 } }) }, 500],
    ["1.4 [O]", "an empty header as identity source", { headers: { "X-Conformance": "" } }, 401],
  ];
  for (const [source, name, scripts, status] of handshakes) {
    fact(source, `handshake: ${name}: ${status}`, async () => {
      const seen = await scriptedHandshake(scripts);
      seen.socket?.cut();
      assert.equal(seen.status, status);
    });
  }
  fact("1.4 [O]", "handshake: no identity source: 401", async () => {
    assert.equal((await handshake(target.ws)).status, 401);
  });
  fact("2.4 [M]", "handshake: another stage: 403", async () => {
    assert.equal((await handshake(`${target.ws}x`)).status, 403);
  });
  fact("2.4 [O]", "handshake: no upgrade: 426", async () => {
    assert.equal((await handshake(target.ws, {}, { plain: true })).status, 426);
  });

  const offered = { headers: { "Sec-WebSocket-Protocol": "one, two" } };
  const protocols = [
    ["2.4 [D]", "is not accepted unless $connect returns it", {}, undefined],
    [
      "2.4 [D]",
      "is taken from the returned headers",
      { headers: { "Sec-WebSocket-Protocol": "two" } },
      "two",
    ],
    [
      "2.4 [D]",
      "is found regardless of case",
      { headers: { "sec-websocket-protocol": "two" } },
      "two",
    ],
    [
      "1.5 [D]",
      "is taken from multiValueHeaders",
      { multiValueHeaders: { "Sec-WebSocket-Protocol": ["two"] } },
      "two",
    ],
    [
      "1.5 [D]",
      "is found there regardless of case",
      { multiValueHeaders: { "SEC-websocket-protocol": ["two"] } },
      "two",
    ],
  ];
  for (const [source, name, returned, expected] of protocols) {
    fact(source, `subprotocol: it ${name}`, async () => {
      const { socket, headers } = await scriptedHandshake({
        ...offered,
        connect: answer({ statusCode: 200, ...returned }),
      });
      socket.cut();
      assert.equal(headers["sec-websocket-protocol"], expected);
    });
  }
}
