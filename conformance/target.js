/** The target: the endpoints that the environment names, or a local harness on free ports. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import { AwsClient } from "aws4fetch";

import { handshake } from "./socket.js";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const { CONFAB_WS, CONFAB_HTTP, CONFAB_STACK } = process.env;

/** Whether the target is a deployed stack. */
export const deployed = [CONFAB_WS, CONFAB_HTTP, CONFAB_STACK].some(Boolean);

/**
 * @type {{ws: string, http: string, management: string, lambda: string, stack: string, aws:
 *   AwsClient, stop: () => Promise<void>}}
 */
export const target = {};

export async function start() {
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION } = process.env;
  if (deployed) {
    const given = { CONFAB_WS, CONFAB_HTTP, CONFAB_STACK, AWS_REGION };
    for (const [name, value] of Object.entries(given))
      assert.ok(value, `${name} is not set: set all of ${Object.keys(given).join(", ")}`);
    Object.assign(target, {
      ws: CONFAB_WS,
      http: CONFAB_HTTP,
      stack: CONFAB_STACK,
      management: CONFAB_WS.replace(/^ws/, "http"),
      lambda: service("lambda"),
      dynamodb: service("dynamodb"),
      sqs: service("sqs"),
      s3: service("s3"),
    });
    client(AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION);
    return;
  }
  const folder = await mkdtemp(join(tmpdir(), "conformance-"));
  const ready = join(folder, "ready.json");
  const ports = ["http", "ws", "lambda", "dynamodb"].map((service) => `--${service}-port=0`);
  const options = [
    "--template",
    join(ROOT, "conformance/template.yaml"),
    "--ready-file",
    ready,
    ...ports,
  ];
  const program = join(process.env.CARGO_TARGET_DIR ?? join(ROOT, "target"), "debug/harness");
  const harness = spawn(program, options, { cwd: ROOT, stdio: ["ignore", "pipe", "inherit"] });
  process.on("exit", () => harness.kill());
  const ended = new Promise((resolve) => harness.once("exit", resolve));
  target.stop = async () => {
    harness.kill("SIGINT");
    assert.equal(await ended, 0, "the exit status of the harness");
    await rm(folder, { recursive: true });
  };
  await new Promise((resolve, reject) => {
    createInterface(harness.stdout).on(
      "line",
      (line) => line.startsWith("Ready after") && resolve(),
    );
    ended.then((code) => reject(new Error(`the harness ended with ${code} before it was ready`)));
  });
  const { accessKeyId, secretAccessKey, ...addresses } = JSON.parse(await readFile(ready, "utf8"));
  Object.assign(target, addresses, { stack: "local" });
  client(accessKeyId, secretAccessKey, undefined, "us-east-1");
}

function client(accessKeyId, secretAccessKey, sessionToken, region) {
  target.aws = new AwsClient({
    accessKeyId,
    secretAccessKey,
    sessionToken,
    region,
    service: "execute-api",
    retries: 0,
  });
}

/** Sends one signed request to the management API. */
export function manage(method, id, body) {
  return target.aws.fetch(`${target.management}/@connections/${encodeURIComponent(id)}`, {
    method,
    body,
  });
}

/**
 * Sends one signed request to Lambda's Invoke API.
 *
 * @param {string} name of the function within the stack
 * @param {object | string} event an object is sent as JSON
 * @param {{headers?: Record<string, string>, query?: string}} [options]
 */
export async function invoke(name, event, { headers = {}, query = "" } = {}) {
  const url = `${target.lambda}/2015-03-31/functions/${target.stack}-${name}/invocations${query}`;
  const body = typeof event === "string" ? event : JSON.stringify(event);
  const answer = await target.aws.fetch(url, {
    method: "POST",
    body,
    headers,
    aws: { service: "lambda" },
  });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, text, json: () => JSON.parse(text) };
}

/** Returns the URL of a service of AWS. The end of the host is another one in China. */
function service(name) {
  return `https://${name}.${new URL(CONFAB_WS).host.split(".execute-api.")[1]}`;
}

/** Calls an operation of DynamoDB or SQS. It must succeed. */
export async function call(service, operation, body) {
  const api = { dynamodb: "DynamoDB_20120810", sqs: "AmazonSQS" }[service];
  const answer = await target.aws.fetch(`${target[service]}/`, {
    method: "POST",
    body: JSON.stringify(body),
    headers: {
      "content-type": "application/x-amz-json-1.0",
      "x-amz-target": `${api}.${operation}`,
    },
    aws: { service },
  });
  const text = await answer.text();
  assert.equal(answer.status, 200, `${operation}: ${text}`);
  return JSON.parse(text || "{}");
}

/** Returns the script of an authorizer with this context and policy. */
export function allow(context = {}, resource = "*", effect = "Allow") {
  const Statement = [{ Action: "execute-api:Invoke", Effect: effect, Resource: resource }];
  const policyDocument = { Version: "2012-10-17", Statement };
  return [{ answer: { principalId: "tester", policyDocument, context } }];
}

/**
 * Performs a handshake with scripts for the authorizer, `$connect` and, through the authorizer's
 * context, `$disconnect`.
 */
export function scriptedHandshake({
  authorizer,
  connect = [],
  disconnect = [],
  headers = {},
} = {}) {
  const url = new URL(target.ws);
  url.searchParams.set(
    "authorizer",
    JSON.stringify(authorizer ?? allow({ disconnect: JSON.stringify(disconnect) })),
  );
  url.searchParams.set("connect", JSON.stringify(connect));
  return handshake(url.href, { "X-Conformance": "yes", ...headers });
}

/** Opens a connection and asks for its connection id. */
export async function open(options) {
  const { status, socket } = await scriptedHandshake(options);
  assert.equal(status, 101);
  socket.send({ action: "reply" });
  socket.id = (await socket.json()).requestContext.connectionId;
  return socket;
}
