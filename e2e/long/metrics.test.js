/**
 * The metrics that the functions print: a script of requests gives the numbers that it should, and
 * no line contains anything but numbers and words of the program.
 */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";

import { handshake } from "../lib/client.js";
import { Person } from "../lib/people.js";
import { Stack } from "../lib/stack.js";

/** The names of all metrics, and the other members of a line. */
const METRICS =
  "ColdStarts Sends Duplicates LostPuts FanOutSize FanOutMilliseconds Gone Retries Missed Rejections Errors RefusedTokens RefusedOrigins".split(
    " ",
  );

/**
 * Returns the lines in CloudWatch's embedded metric format, with the function that printed each.
 *
 * @param {string} output of the harness
 */
function metricLines(output) {
  return output
    .split("\n")
    .map((line) => /^\S+ (\w+)\s+(\{.*"_aws".*\})$/.exec(line))
    .filter((match) => match !== null)
    .map(([, printer, json]) => ({ printer, line: JSON.parse(json) }));
}

/** Sums up a metric by the result of `key`. */
function totals(lines, name, key = () => "all") {
  const sums = {};
  for (const entry of lines)
    if (entry.line[name] !== undefined)
      sums[key(entry)] = (sums[key(entry)] ?? 0) + entry.line[name];
  return sums;
}

/** Waits until the plan of the stack has injected all its faults. */
async function injected(stack) {
  for (;;) {
    const { faults } = await (await fetch(`${stack.http}/.local/faults`)).json();
    if (faults.every(({ injected, times }) => injected === times)) return;
  }
}

test("a script of requests gives the numbers that it should", async () => {
  const stack = new Stack();
  await stack.start({ "parameter-overrides": "Metrics=on" });
  try {
    await script(stack);
  } finally {
    await stack.stop();
  }

  const lines = metricLines(stack.output());
  const sums = Object.fromEntries(
    METRICS.map((name) => [name, totals(lines, name).all ?? 0]).filter(
      // The time is not known beforehand.
      ([name]) => !["ColdStarts", "FanOutMilliseconds"].includes(name),
    ),
  );
  assert.deepEqual(sums, {
    Sends: 10,
    Duplicates: 1,
    LostPuts: 1,
    FanOutSize: 21,
    Gone: 1,
    Retries: 8,
    Missed: 2,
    Rejections: 3,
    Errors: 1,
    RefusedTokens: 2,
    RefusedOrigins: 1,
  });
  assert.deepEqual(
    totals(lines, "Rejections", ({ line }) => line.Code),
    { not_found: 1, unknown_action: 1, invalid: 1 },
  );
  const { DisconnectFunction: _, ...coldStarts } = totals(
    lines,
    "ColdStarts",
    ({ printer }) => printer,
  );
  assert.deepEqual(coldStarts, {
    AuthorizerFunction: 1,
    ConnectFunction: 1,
    DefaultFunction: 1,
    RestFunction: 1,
    // Two messages at once.
    SendMessageFunction: 2,
    SubscriptionsFunction: 1,
  });

  for (const { line } of lines) {
    const { _aws, Stack: name, Code: code, ...values } = line;
    assert.equal(name, "local");
    if (code !== undefined) assert.match(code, /^[a-z_]+$/);
    for (const [metric, value] of Object.entries(values)) {
      assert.ok(METRICS.includes(metric), metric);
      assert.ok(Number.isInteger(value) && value > 0, `${metric}: ${value}`);
    }
    const named = _aws.CloudWatchMetrics.flatMap(({ Namespace, Dimensions, Metrics }) => {
      assert.equal(Namespace, "Confab");
      for (const dimension of Dimensions.flat()) assert.ok(dimension in line, dimension);
      return Metrics.map(({ Name }) => Name);
    });
    assert.deepEqual([...new Set(named)].sort(), Object.keys(values).sort());
  }
});

/** @param {Stack} stack */
async function script(stack) {
  const [ada, bob, eve] = [
    await Person.create(stack, "Ada"),
    await Person.create(stack, "Bob"),
    await Person.create(stack, "Eve"),
  ];
  const conversation = await ada.start([bob]);
  const message = (id) => ({ conversation, id, body: `The message with the id ${id}.` });

  // Refused: two tokens and an origin.
  const refused = { "sec-websocket-protocol": "confab.v1, bearer.no.token.atall" };
  assert.equal((await handshake(stack.ws, refused)).status, 401);
  const unauthorized = await fetch(`${stack.http}/conversations`, {
    headers: { authorization: "Bearer no.token.atall" },
  });
  assert.equal(unauthorized.status, 401);
  const foreign = {
    "sec-websocket-protocol": `confab.v1, bearer.${ada.token}`,
    origin: "https://elsewhere.example",
  };
  assert.equal((await handshake(stack.ws, foreign)).status, 403);

  // Three connections: each message goes to the two that did not send it.
  const connections = [];
  for (const person of [ada, bob, bob]) {
    const connection = await person.connect();
    const subscribed = await connection.request("subscribe", { conversation, after: 0 });
    assert.equal(subscribed.event, "subscribed");
    connections.push(connection);
  }
  const [adas, bobs] = connections;
  const send = async (connection, id) => {
    const sent = await connection.request("sendMessage", message(id));
    assert.equal(sent.event, "sent", JSON.stringify(sent));
    return sent;
  };

  // Sent, repeated, and sent over HTTP to all three.
  const [first, second] = [randomUUID(), randomUUID()];
  await send(adas, first);
  assert.equal((await send(adas, first)).duplicate, true);
  const posted = await bob.post(`/conversations/${conversation}/messages`, message(second));
  assert.equal(posted.status, 201);

  // Rejected.
  assert.equal((await eve.get(`/conversations/${conversation}/events`)).status, 404);
  assert.equal((await adas.request("dance")).code, "unknown_action");
  const invalid = { ...message("not an id") };
  assert.equal((await adas.request("sendMessage", invalid)).code, "invalid");

  // Two pushes are attempted again, one finds a closed connection, and two are given up after four
  // attempts each.
  for (const fault of [
    { management: "throttle", times: 2 },
    { management: "gone", times: 1 },
    { management: "throttle", times: 8 },
  ]) {
    await stack.injectFaults(fault);
    await send(adas, randomUUID());
    await injected(stack);
  }

  // Ada's message waits before it reads the log, so Bob's starts another process. Then Ada's put
  // waits until Bob has stored his message at the same position.
  for (const call of ["Query", "PutItem"]) {
    await stack.injectFaults({ dynamodb: "latency", on: [call], times: 1, ms: [1500, 1500] });
    const late = send(adas, randomUUID());
    await injected(stack);
    await send(bobs, randomUUID());
    await late;
  }

  // The table fails at each of the three attempts of a call.
  await stack.injectFaults({ dynamodb: "internalError", on: ["GetItem"], times: 3 });
  const failed = await adas.request("ping", { positions: { [conversation]: 0 } });
  assert.equal(failed.code, "internal");
  for (const connection of connections) await connection.close();
}
