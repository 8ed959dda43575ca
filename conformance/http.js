/** Section 5: the HTTP API. */
import assert from "node:assert/strict";

import { answer, fact, KB, keys } from "./fact.js";
import { open, target } from "./target.js";

export function httpFacts() {
  const http = [
    ["5 [D]", "any other JSON becomes the body of a 200", [{ answer: [1] }], 200, "[1]"],
    ["5 [D]", "a status and a body", answer({ statusCode: 418, body: "tea" }), 418, "tea"],
    ["5 [M]", "a function that fails", [{ fail: "x" }], 500, '{"message":"Internal Server Error"}'],
  ];
  for (const [source, name, script, status, body] of http) {
    fact(source, `HTTP: ${name}: ${status}`, async () => {
      const seen = await fetch(`${target.http}/open/x`, {
        headers: { "x-script": JSON.stringify(script) },
      });
      assert.deepEqual([seen.status, await seen.text()], [status, body]);
    });
  }
  fact("5 [D]", "HTTP: the most specific route is chosen, with its parameters", async () => {
    const event = await (await fetch(`${target.http}/open/items/a%20b?x=1&x=2`)).json();
    assert.deepEqual([event.version, event.routeKey], ["2.0", "GET /open/items/{id}"]);
    assert.deepEqual(
      [event.pathParameters, event.queryStringParameters],
      [{ id: "a b" }, { x: "1,2" }],
    );
  });
  fact(
    "5 [D]",
    "HTTP: an event has the keys of payload 2.0, without those that have no value",
    async () => {
      const event = await (await fetch(`${target.http}/open/x`)).json();
      assert.deepEqual(keys(event), [
        "headers",
        "isBase64Encoded",
        "pathParameters",
        "rawPath",
        "rawQueryString",
        "requestContext",
        "routeKey",
        "version",
      ]);
      const sent = await fetch(`${target.http}/open/x`, {
        method: "POST",
        headers: { cookie: "a=1; b=2" },
        body: "text",
      });
      const { body, cookies, headers } = await sent.json();
      assert.deepEqual([body, cookies, headers["content-length"]], ["text", ["a=1", "b=2"], "4"]);
    },
  );
  fact("5 [C]", "HTTP: a path is decoded twice and cut at a question mark", async () => {
    const paths = [
      ["/open/a%20b", "/open/a b", "a b"],
      ["/open/a%3Fb", "/open/a", "a"],
      ["/open/a%23b", "/open/a#b", "a#b"],
      ["/open/a%252Fb", "/open/a/b", "a/b"],
      ["/open/a%253Fb", "/open/a?b", "a?b"],
      ["/open/a%2525b", "/open/a%b", "a%b"],
    ];
    for (const [sent, rawPath, proxy] of paths) {
      const event = await (await fetch(target.http + sent)).json();
      assert.deepEqual([event.rawPath, event.pathParameters], [rawPath, { proxy }], sent);
    }
    assert.equal((await fetch(`${target.http}/open/a%25b`)).status, 400);
  });
  fact("5 [O]", "HTTP: a body without a content type is base64", async () => {
    const body = new Uint8Array(Buffer.from("text"));
    const sent = await (await fetch(`${target.http}/open/x`, { method: "POST", body })).json();
    assert.deepEqual([sent.body, sent.isBase64Encoded], ["dGV4dA==", true]);
  });
  fact("5 [D]", "HTTP_PROXY: the request reaches the endpoint, with its changes", async () => {
    const url = `${target.http}/proxied/items/a%20b?x=1&secret=2`;
    const seen = await fetch(url, { method: "PUT", headers: { "x-own": "own" }, body: "text" });
    assert.equal(seen.status, 200);
    const { rawPath, queryStringParameters, requestContext, headers, body } = await seen.json();
    assert.deepEqual([rawPath, requestContext.http.method], ["/open/items/a b", "PUT"]);
    assert.deepEqual(queryStringParameters, { x: "1" });
    assert.deepEqual([headers["x-own"], headers["x-mapped"]], ["own", "1"]);
    assert.equal(body, "text");
  });
  fact("5 [D]", "HTTP_PROXY: the response of the endpoint is the response", async () => {
    const script = JSON.stringify(
      answer({ statusCode: 418, body: "tea", headers: { "x-a": "b" } }),
    );
    const seen = await fetch(`${target.http}/proxied/x`, { headers: { "x-script": script } });
    assert.deepEqual([seen.status, await seen.text()], [418, "tea"]);
    assert.equal(seen.headers.get("x-a"), "b");
  });
  fact("5 [O]", "HTTP_PROXY: the endpoint learns the host that the client called", async () => {
    const { headers } = await (await fetch(`${target.http}/proxied/x`)).json();
    assert.match(headers.forwarded, new RegExp(`host=${new URL(target.http).host};`));
  });
  fact("5 [M]", "HTTP: an unknown route: 404", async () => {
    const seen = await fetch(`${target.http}/nowhere`, { method: "POST" });
    assert.deepEqual([seen.status, await seen.text()], [404, '{"message":"Not Found"}']);
  });
  fact("5 [M]", "HTTP: an integration timeout: 503", async () => {
    const gate = await open();
    const script = JSON.stringify([{ awaitEnd: gate.id }]);
    const seen = await fetch(`${target.http}/slow`, { headers: { "x-script": script } });
    assert.deepEqual([seen.status, await seen.text()], [503, '{"message":"Service Unavailable"}']);
    gate.cut();
  });
  fact("5 [D]", "HTTP: a body over 10 MB: 413", async () => {
    const body = "x".repeat(10 * KB * KB + 1);
    assert.equal((await fetch(`${target.http}/open/x`, { method: "POST", body })).status, 413);
  });
  fact("5 [D]", "HTTP: request line and headers over 10,240 bytes are rejected", async () => {
    const headers = { "x-long": "x".repeat(10_240) };
    assert.ok(
      [400, 413, 431, 494].includes((await fetch(`${target.http}/open/x`, { headers })).status),
    );
  });
  // Throttles are targets and not exact, so the flood is much larger than the burst.
  fact("5 [M]", "HTTP: more requests than a route's throttle allows: 429", async () => {
    const seen = await Promise.all(
      Array.from({ length: 60 }, async () => {
        const response = await fetch(`${target.http}/scarce`);
        return `${response.status} ${await response.text()}`;
      }),
    );
    const throttled = seen.filter((text) => text.startsWith("429 "));
    assert.ok(throttled.length > 0, seen[0]);
    assert.deepEqual([...new Set(throttled)], ['429 {"message":"Too Many Requests"}']);
    const { status } = await fetch(`${target.http}/open/x`);
    assert.equal(status, 200, "other routes are not throttled");
  });
  const simple = (isAuthorized) =>
    JSON.stringify(answer({ isAuthorized, context: { call: "$request" } }));
  const ask = (path, authorization) =>
    fetch(target.http + path, { headers: authorization ? { authorization } : {} });
  const call = async (path) =>
    (await (await ask(path, simple(true))).json()).requestContext.authorizer.lambda.call;
  fact("5 [D]", "HTTP: a cached authorizer is called once for the same identity", async () => {
    assert.equal(await call("/cached"), await call("/cached"));
    assert.notEqual(await call("/uncached"), await call("/uncached"));
  });
  fact(
    "5 [M]",
    "HTTP: 401 without identity, 403 if the authorizer denies, 500 if it fails",
    async () => {
      assert.equal((await ask("/cached")).status, 401);
      assert.equal((await ask("/cached", simple(false))).status, 403);
      assert.equal((await ask("/cached", JSON.stringify([{ fail: "x" }]))).status, 500);
    },
  );
}
