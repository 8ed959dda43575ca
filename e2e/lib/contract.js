/**
 * The protocol's documents as checks: docs/asyncapi.yaml for frames, docs/openapi.yaml for HTTP.
 *
 * What servers send must be exactly what the documents say. What tests send is often wrong on purpose, so there it is
 * the answer that is held to the documents: whoever is told that his request has a flaw of form must have broken a
 * schema, and whoever has broken one must not be granted anything.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

import { Ajv2020 } from "ajv/dist/2020.js";
import { load } from "js-yaml";

/** @param {string} name a file in docs/ */
const read = (name) => readFileSync(new URL(`../../docs/${name}`, import.meta.url), "utf8");

export const ASYNCAPI = load(read("asyncapi.yaml"));
export const OPENAPI = load(read("openapi.yaml"));
export const PROTOCOL = JSON.parse(read("schemas/protocol.json"));

/** Codes that blame the form of a request, which is what schemas tell. */
const FLAWS_OF_FORM = ["malformed", "invalid", "too_large", "unknown_action"];

// Types may be said by a subschema of `anyOf`, and required members by a branch that the properties stand beside.
const ajv = new Ajv2020({
  strict: true,
  strictRequired: false,
  strictTypes: false,
  allErrors: false,
});
const byteLength = (text) => Buffer.byteLength(text);
ajv.addKeyword({
  keyword: "x-maxBytes",
  type: "string",
  validate: (most, text) => byteLength(text) <= most,
});
ajv.addKeyword({
  keyword: "x-maxEncodedBytes",
  type: "string",
  validate: (most, text) => byteLength(JSON.stringify(text)) - 2 <= most,
});
ajv.addKeyword({
  keyword: "x-maxDistinct",
  type: "array",
  validate: (most, list) => new Set(list).size <= most,
});
ajv.addSchema(PROTOCOL, "schemas/protocol.json");

/** What `$ref` stands for, if that is what the part of a document is. */
function resolved(document, part) {
  if (part?.$ref === undefined) return part;
  const steps = part.$ref.split("/").slice(1);
  return steps.reduce((at, step) => at[step], document);
}

/** The check of a message in docs/asyncapi.yaml. @param {string} name @returns {import('ajv').ValidateFunction} */
export const messageCheck = (name) => ajv.compile(ASYNCAPI.components.messages[name].payload);

/** The check of any schema in the documents. @param {object} schema @returns {import('ajv').ValidateFunction} */
export const check = (schema) => ajv.compile(schema);

const operations = Object.values(ASYNCAPI.operations);
const names = (messages) => messages.map(({ $ref }) => $ref.split("/").at(-1));
const received = operations.filter(({ action }) => action === "receive");
/** The actions of clients. */
export const ACTIONS = received.flatMap(({ messages }) => names(messages));
/** The frames of servers, by `event`; the gateway's own have none. */
const EVENTS = [
  ...operations
    .filter(({ action }) => action === "send")
    .flatMap(({ messages }) => names(messages)),
  ...received.flatMap(({ reply }) => names(reply.messages)),
];

/**
 * Holds a frame from the server to its schema.
 *
 * @param {any} frame
 */
export function assertServerFrame(frame) {
  const name = frame?.event ?? "gatewayError";
  assert.ok(EVENTS.includes(name), `docs/asyncapi.yaml knows no frame ${JSON.stringify(frame)}`);
  assertFits(messageCheck(name), frame, `a frame from the server, ${name}`);
}

/**
 * Whether a client's frame is one that the document describes.
 *
 * @param {any} frame
 */
export function isClientFrame(frame) {
  return ACTIONS.includes(frame?.action) && messageCheck(frame.action)(frame);
}

/**
 * Holds the answer to a client's frame to what the frame was.
 *
 * @param {any} frame as it was sent
 * @param {any} reply
 */
export function assertAnswers(frame, reply) {
  // The gateway's own frames say nothing of the request.
  if (reply.event === undefined) return;
  const blamed = FLAWS_OF_FORM.includes(reply.code);
  const story = `${shortened(frame)} was answered ${shortened(reply)}`;
  if (isClientFrame(frame)) {
    // The one limit that no schema can see: how many subscriptions a connection has.
    const full = frame.action === "subscribe" && reply.field === "conversation";
    assert.ok(!blamed || full, `the document takes what the server refuses: ${story}`);
    assert.ok(names(ASYNCAPI.operations[frame.action].reply.messages).includes(reply.event), story);
  } else {
    assert.equal(reply.event, "error", `the server takes what the document refuses: ${story}`);
  }
}

/** Routes of docs/openapi.yaml with a pattern for their paths. */
const ROUTES = Object.entries(OPENAPI.paths).map(([template, item]) => ({
  item,
  names: [...template.matchAll(/\{(\w+)\}/g)].map(([, name]) => name),
  pattern: new RegExp(`^${template.replaceAll(/\{\w+\}/g, "([^/]+)")}$`),
}));

/** What the document says of the request's route, with the values that the request gives; undefined if it has none. */
function route(method, path) {
  const { pathname, searchParams } = new URL(path, "http://localhost");
  const found = ROUTES.find(
    ({ item, pattern }) => pattern.test(pathname) && item[method.toLowerCase()],
  );
  if (found === undefined) return undefined;
  const operation = found.item[method.toLowerCase()];
  const values = found.pattern.exec(pathname).slice(1).map(decodeURIComponent);
  const parameters = [...(found.item.parameters ?? []), ...(operation.parameters ?? [])];
  return {
    operation,
    parameters: parameters.map((parameter) => resolved(OPENAPI, parameter)),
    given: {
      path: (name) => [values[found.names.indexOf(name)]],
      query: (name) => searchParams.getAll(name),
      header: () => [],
    },
  };
}

/**
 * Holds an answer over HTTP to its route, its status and its request.
 *
 * @param {{method: string, path: string, json?: any}} request
 * @param {{status: number, headers: Headers, body: any}} answer
 */
export function assertHttpAnswer(request, answer) {
  const found = route(request.method, request.path);
  // What is no route of ours is the page's or the gateway's to answer.
  if (found === undefined) return;
  const { operation } = found;
  const type = answer.headers.get("content-type")?.split(";")[0];
  const told = `was answered ${answer.status} ${shortened(answer.body)}`;
  const story = `${request.method} ${request.path} ${shortened(request.json)} ${told}`;
  const content = resolved(OPENAPI, operation.responses[answer.status])?.content[type];
  assert.ok(content, `docs/openapi.yaml knows no such status or type: ${story}`);
  assertFits(check(content.schema), answer.body, story);
  if (type === "application/problem+json") assert.equal(answer.body.status, answer.status, story);

  const blamed = FLAWS_OF_FORM.includes(answer.body.code);
  // An id that is nowhere, or in two places, is beyond what the schema of a body can tell.
  const unnamed = answer.body.field === "id" && operation.operationId === "sendMessage";
  if (fitsRequest(found, request.json))
    assert.ok(!blamed || unnamed, `the document takes what the server refuses: ${story}`);
  else assert.ok(answer.status >= 400, `the server takes what the document refuses: ${story}`);
}

/** Whether path, query and body of a request are as its operation says. */
function fitsRequest({ operation, parameters, given }, json) {
  // A path and a query hold text: what is written as a whole number stands for one, unless a text is wanted.
  const fits = (schema, text) =>
    check(schema)(text) || (/^[+-]?\d+$/.test(text) && check(schema)(Number(text)));
  const body = operation.requestBody?.content["application/json"].schema;
  return (
    parameters.every((declared) =>
      given[declared.in](declared.name).every((text) => fits(declared.schema, text)),
    ) &&
    (body === undefined || check(body)(json))
  );
}

function assertFits(fits, value, what) {
  if (fits(value)) return;
  assert.fail(`${what} breaks its schema: ${ajv.errorsText(fits.errors)}\n${shortened(value)}`);
}

const shortened = (value) => {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 600 ? `${text.slice(0, 600)}… (${text.length} characters)` : text;
};
