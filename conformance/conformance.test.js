/**
 * The facts of docs/aws-behaviour.md, checked against the harness or AWS. Each names its section
 * and its certainty. Uncertain facts ([M], [U]) are decisions that the harness must meet; on AWS a
 * difference is reported and does not fail the run.
 */
import assert from "node:assert/strict";
import { after, before, describe } from "node:test";

import { answer, fact, ID, KB, keys } from "./fact.js";
import { handshakeFacts } from "./handshakes.js";
import { httpFacts } from "./http.js";
import { lambdaFacts } from "./lambda.js";
import { OPCODE } from "./socket.js";
import { sourceFacts } from "./sources.js";
import { storageFacts } from "./storage.js";
import { allow, manage, open, scriptedHandshake, start, target } from "./target.js";

describe("conformance", { concurrency: 4 }, () => {
  before(start);
  after(() => target.stop?.());

  handshakeFacts();

  const endings = [
    ["1.3 [C]", "a close frame without a code", (socket) => socket.close(), 1005],
    ["1.3 [M]", "a close frame with 1000", (socket) => socket.close(1000), 1000],
    [
      "1.3 [M]",
      "the client's own code",
      (socket) => socket.close(4001, "own words"),
      4001,
      "own words",
    ],
    [
      "1.3 [O]",
      "DeleteConnection",
      (socket) => manage("DELETE", socket.id),
      1000,
      "Connection Closed Normally",
    ],
    ["1.3 [U]", "a cut network connection", (socket) => socket.cut(), 1006],
  ];
  for (const [source, name, leave, code, reason] of endings) {
    fact(source, `$disconnect is called after ${name}: ${code}`, async () => {
      const observer = await open();
      await leave(await open({ disconnect: [{ report: { to: observer.id, as: "end" } }] }));
      const { event } = await observer.json();
      assert.equal(event.requestContext.disconnectStatusCode, code);
      if (reason) assert.equal(event.requestContext.disconnectReason, reason);
      assert.deepEqual(keys(event), [
        "headers",
        "isBase64Encoded",
        "multiValueHeaders",
        "requestContext",
      ]);
      assert.deepEqual(keys(event.headers), ["Host", "X-Forwarded-For", "x-api-key", "x-restapi"]);
      observer.cut();
    });
  }

  fact(
    "1.1 [C]",
    "events of $connect and of a message have the documented keys and formats",
    async () => {
      const observer = await open();
      const report = [{ report: { to: observer.id, as: "connect" } }];
      const socket = await open({ connect: report, headers: { "X-Odd-cASE": "1" } });
      const { event } = await observer.json();
      assert.deepEqual(keys(event), [
        "headers",
        "isBase64Encoded",
        "multiValueHeaders",
        "multiValueQueryStringParameters",
        "queryStringParameters",
        "requestContext",
      ]);
      assert.equal(event.headers["X-Odd-cASE"], "1");
      const common = [
        "apiId",
        "authorizer",
        "connectedAt",
        "connectionId",
        "domainName",
        "eventType",
        "extendedRequestId",
      ];
      common.push(
        "identity",
        "messageDirection",
        "requestId",
        "requestTime",
        "requestTimeEpoch",
        "routeKey",
        "stage",
      );
      assert.deepEqual(keys(event.requestContext), common);
      socket.send("no JSON");
      const message = await socket.json();
      assert.deepEqual(keys(message), ["body", "isBase64Encoded", "requestContext"]);
      assert.deepEqual(keys(message.requestContext), [...common, "messageId"].sort());
      assert.equal(message.body, "no JSON");
      const { requestContext } = message;
      assert.equal(requestContext.routeKey, "$default");
      for (const id of ["connectionId", "messageId", "requestId"])
        assert.match(requestContext[id], ID);
      assert.equal(requestContext.requestId, requestContext.extendedRequestId);
      assert.match(
        requestContext.requestTime,
        /^\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000$/,
      );
      assert.equal(requestContext.connectedAt, event.requestContext.connectedAt);
      assert.equal(requestContext.authorizer.principalId, "tester");
      for (const end of [socket, observer]) end.cut();
    },
  );

  const failed = "Internal server error";
  const messages = [
    [
      "2.1 [D]",
      "an unknown action goes to $default",
      { action: "nowhere", script: answer({ statusCode: 200, body: "d" }) },
      "d",
    ],
    [
      "2.1 [U]",
      "the action $connect goes to $default",
      { action: "$connect", script: answer({ statusCode: 200, body: "d" }) },
      "d",
    ],
    ["2.2 [O]", "a function that fails", { action: "reply", script: [{ fail: "x" }] }, failed],
    ["2.2 [O]", "a function that exits", { action: "reply", script: [{ exit: 1 }] }, failed],
    ["2.2 [O]", "a function that times out", { action: "hasty", script: ["hang"] }, failed],
    ["2.2 [O]", "a function that is throttled", { action: "throttled" }, failed],
    [
      "2.2 [O]",
      "a function that returns status 400",
      { action: "silent", script: answer({ statusCode: 400 }) },
      failed,
    ],
    ["6.1 [D]", "a runtime in a shell", { action: "shell" }, "from a shell"],
  ];
  for (const [source, name, message, expected] of messages) {
    fact(source, `message: ${name}: ${expected}`, async () => {
      const socket = await open();
      socket.send(message);
      const { text } = await socket.next();
      if (expected === failed) {
        const frame = JSON.parse(text);
        assert.deepEqual(keys(frame), ["connectionId", "message", "requestId"]);
        assert.deepEqual([frame.message, frame.connectionId], [failed, socket.id]);
      } else assert.equal(text, expected);
      socket.cut();
    });
  }

  fact("2.5 [D]", "a MOCK integration replies with its template", async () => {
    const socket = await open();
    socket.send({ action: "mock" });
    assert.deepEqual(await socket.json(), { id: socket.id, route: "mock" });
    socket.cut();
  });
  fact("2.3 [D]", "a route without a route response sends no reply", async () => {
    const socket = await open();
    const steps = [
      { post: { to: "self", data: "marker" } },
      ...answer({ statusCode: 200, body: "unheard" }),
    ];
    socket.send({ action: "silent", script: steps });
    assert.equal((await socket.next()).text, "marker");
    socket.send({ action: "reply", script: answer({ statusCode: 200, body: "heard" }) });
    assert.equal((await socket.next()).text, "heard");
    socket.cut();
  });

  fact("0.19 [D]", "messages of one connection are handled concurrently", async () => {
    const [gate, socket] = [await open(), await open()];
    socket.send({
      action: "reply",
      script: [{ awaitEnd: gate.id }, ...answer({ statusCode: 200, body: "first" })],
    });
    socket.send({ action: "reply", script: answer({ statusCode: 200, body: "second" }) });
    assert.equal((await socket.next()).text, "second");
    gate.cut();
    assert.equal((await socket.next()).text, "first");
    socket.cut();
  });

  fact("2.2 [M]", "an integration timeout is reported in a frame", async () => {
    const [gate, socket] = [await open(), await open()];
    socket.send({ action: "slow", script: [{ awaitEnd: gate.id }] });
    assert.equal((await socket.json()).message, "Endpoint request timed out");
    for (const end of [gate, socket]) end.cut();
  });

  // Throttles are targets and not exact, so the flood is much larger than the burst.
  fact("2.2 [M]", "a throttled message is reported in a frame", async () => {
    const socket = await open();
    const flood = 60;
    for (let n = 0; n < flood; n += 1) socket.send({ action: "scarce" });
    const frames = [];
    while (frames.length < flood) frames.push(await socket.json());
    const throttled = frames.filter(({ message }) => message !== undefined);
    assert.ok(throttled.length > 0, JSON.stringify(frames[0]));
    for (const frame of throttled) {
      assert.deepEqual(keys(frame), ["connectionId", "message", "requestId"]);
      assert.deepEqual([frame.message, frame.connectionId], ["Too Many Requests", socket.id]);
    }
    // Other routes are not throttled, and the connection stays open.
    socket.send({ action: "reply", script: answer({ statusCode: 200, body: "heard" }) });
    assert.equal((await socket.next()).text, "heard");
    socket.cut();
  });

  const sendInFrames = (socket, lengths) => {
    for (const [index, length] of lengths.entries())
      socket.frame(index ? OPCODE.continuation : OPCODE.text, "x".repeat(length), {
        last: index === lengths.length - 1,
      });
  };
  fact("3 [D]", "a message of 128 KB in frames of 32 KB is accepted", async () => {
    const socket = await open();
    sendInFrames(socket, Array(4).fill(32 * KB));
    assert.equal((await socket.json()).body.length, 128 * KB);
    socket.cut();
  });
  const closings = [
    ["0.11 [D]", "a binary frame", (socket) => socket.frame(OPCODE.binary, "x"), 1003],
    [
      "3 [D]",
      "a long frame among short ones",
      (socket) => sendInFrames(socket, [KB, 32 * KB + 1]),
      1009,
    ],
    ["3 [D]", "a frame over 32 KB", (socket) => socket.send("x".repeat(32 * KB + 1)), 1009],
    [
      "3 [D]",
      "a message over 128 KB",
      (socket) => sendInFrames(socket, [...Array(4).fill(32 * KB), 1]),
      1009,
    ],
  ];
  for (const [source, name, send, code] of closings) {
    fact(source, `${name} closes the connection with ${code}`, async () => {
      const socket = await open();
      send(socket);
      assert.equal((await socket.next()).code, code);
    });
  }

  fact(
    "3 [D]",
    "a message may consist of several frames, and pings between them are answered",
    async () => {
      const socket = await open();
      socket.frame(OPCODE.text, "x".repeat(32 * KB), { last: false });
      socket.frame(OPCODE.ping, "are you there");
      assert.deepEqual(await socket.next(), { kind: "pong", text: "are you there" });
      socket.frame(OPCODE.continuation, "y".repeat(8 * KB));
      assert.equal((await socket.json()).body.length, 40 * KB);
      socket.cut();
    },
  );

  fact("3 [M]", "posted data arrives in frames of at most 32 KB", async () => {
    const socket = await open();
    assert.equal((await manage("POST", socket.id, "x".repeat(128 * KB))).status, 200);
    const { kind, frames } = await socket.next();
    assert.equal(kind, "text");
    assert.ok(
      frames.every((length) => length <= 32 * KB),
      String(frames),
    );
    assert.equal((await manage("POST", socket.id, "x".repeat(128 * KB + 1))).status, 413);
    socket.cut();
  });

  fact("1.4 [O]", "every event contains the authorizer's context", async () => {
    const observer = await open();
    const report = (as) => [{ report: { to: observer.id, as } }];
    const context = { colour: "blue", disconnect: JSON.stringify(report("disconnect")) };
    const socket = await open({ authorizer: allow(context), connect: report("connect") });
    socket.send("x");
    const events = [(await observer.json()).event, await socket.json()];
    socket.close();
    events.push((await observer.json()).event);
    assert.deepEqual(
      events.map(({ requestContext: { eventType, authorizer } }) => [
        eventType,
        authorizer.colour,
        authorizer.principalId,
      ]),
      [
        ["CONNECT", "blue", "tester"],
        ["MESSAGE", "blue", "tester"],
        ["DISCONNECT", "blue", "tester"],
      ],
    );
    for (const { requestContext } of events)
      assert.equal(typeof requestContext.authorizer.integrationLatency, "number");
    observer.cut();
  });

  fact("4 [D]", "@connections: GET, DELETE, 400, 410, and unsigned requests", async () => {
    const socket = await open();
    const described = await (await manage("GET", socket.id)).json();
    assert.deepEqual(keys(described), ["connectedAt", "identity", "lastActiveAt"]);
    for (const time of [described.connectedAt, described.lastActiveAt])
      assert.match(time, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    assert.match(described.identity.sourceIp, /^[\d.:a-f]+$/);
    const url = `${target.management}/@connections/${encodeURIComponent(socket.id)}`;
    assert.equal((await fetch(url)).status, 403);
    assert.equal((await target.aws.fetch(url.replace("@", "%40"))).status, 200);
    assert.equal((await manage("DELETE", socket.id)).status, 204);
    assert.equal((await socket.next()).code, 1000);
    const gone = await manage("GET", socket.id);
    assert.deepEqual(
      [gone.status, gone.headers.get("x-amzn-errortype"), await gone.text()],
      [410, "GoneException", ""],
    );
    for (const method of ["POST", "DELETE"])
      assert.equal((await manage(method, socket.id)).status, 410);
    assert.equal((await manage("POST", "malformed", "x")).status, 400);
  });
  fact("4 [O]", "@connections: the contents of errors", async () => {
    const socket = await open();
    const seen = async (answer) => {
      const { status, headers } = await answer;
      return [
        status,
        headers.get("x-amzn-errortype")?.split(":")[0],
        (await (await answer).json()).message,
      ];
    };
    assert.deepEqual(await seen(manage("POST", "malformed", "x")), [
      400,
      "BadRequestException",
      "Invalid connectionId: malformed",
    ]);
    const [status, type, message] = await seen(manage("POST", socket.id, "x".repeat(128 * KB + 1)));
    assert.deepEqual([status, type, typeof message], [413, "PayloadTooLargeException", "string"]);
    socket.cut();
  });
  fact("4 [O]", "@connections: another stage is forbidden", async () => {
    const url = `${target.management}x/@connections/${encodeURIComponent("BFHPhfCWIAMCKlQ=")}`;
    assert.equal((await target.aws.fetch(url)).status, 403);
  });
  fact("4 [D]", "sequential posts arrive in order, including empty ones", async () => {
    const socket = await open();
    const texts = ["one", "", "three"];
    for (const text of texts) assert.equal((await manage("POST", socket.id, text)).status, 200);
    for (const text of texts) assert.equal((await socket.next()).text, text);
    socket.cut();
  });

  fact("0.2 [D]", "a connection does not exist while $connect runs", async () => {
    const observer = await open();
    const script = [
      { post: { to: "self", data: "x" } },
      { report: { to: observer.id, as: "connect" } },
    ];
    const { socket } = await scriptedHandshake({ connect: script });
    assert.equal((await observer.json()).outcomes[0].status, 410);
    for (const end of [socket, observer]) end.cut();
  });

  fact("4 [D]", "a function without the permission cannot post", async () => {
    const [observer, socket] = [await open(), await open()];
    const script = [{ post: { to: observer.id, data: "x" } }];
    socket.send({
      action: "powerless",
      script: [...script, ...answer({ statusCode: 200, body: "rejected" })],
    });
    assert.equal((await socket.next()).text, "rejected");
    assert.equal((await manage("POST", observer.id, "marker")).status, 200);
    assert.equal((await observer.next()).text, "marker");
    for (const end of [socket, observer]) end.cut();
  });

  httpFacts();
  lambdaFacts();
  sourceFacts();
  storageFacts();
});
