/**
 * The protocol documents as checks: docs/asyncapi.yaml for frames, docs/openapi.yaml for HTTP.
 *
 * Everything a server sends must match the documents. Tests send invalid requests on purpose, so
 * for requests the reply is checked:
 *
 * - a reply that blames the form of the request is only allowed if the request violates a schema;
 * - a request that violates a schema must be rejected.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

import { Ajv2020 } from "ajv/dist/2020.js";
import { load } from "js-yaml";

import { fromPath } from "./paths.js";

/** @param {string} name a file in docs/ */
const read = (name) => readFileSync(new URL(`../../docs/${name}`, import.meta.url), "utf8");

export const ASYNCAPI = load(read("asyncapi.yaml"));
export const OPENAPI = load(read("openapi.yaml"));
export const PROTOCOL = JSON.parse(read("schemas/protocol.json"));

/** Codes that blame the form of a request, which is what a schema describes. */
const FORM_ERRORS = ["malformed", "invalid", "too_large", "unknown_action"];

// The documents put types into the branches of `anyOf`, and required members beside the properties
// of another branch.
const ajv = new Ajv2020({
  strict: true,
  strictRequired: false,
  strictTypes: false,
  allErrors: false,
});
const byteLength = (text) => Buffer.byteLength(text);
const ELEMENT =
  "(?:\\p{Emoji_Modifier_Base}\\p{Emoji_Modifier}|[0-9#*]\\u20e3|[\\u{1f1e6}-\\u{1f1ff}]{2}" +
  "|\\u{1f3f4}[\\u{e0030}-\\u{e0039}\\u{e0061}-\\u{e007a}]+\\u{e007f}" +
  "|(?![0-9#*\\u{1f1e6}-\\u{1f1ff}])\\p{Emoji})";
const EMOJI = new RegExp(`^${ELEMENT}(?:\\u200d${ELEMENT})*$`, "u");
const isEmoji = (text) => {
  const key = text.replaceAll(/[\ufe0e\ufe0f]/g, "");
  return [...key].length <= 10 && byteLength(key) <= 32 && EMOJI.test(key);
};
ajv.addKeyword({
  keyword: "x-maxBytes",
  type: "string",
  validate: (max, text) => byteLength(text) <= max,
});
ajv.addKeyword({
  keyword: "x-maxEncodedBytes",
  type: "string",
  validate: (max, text) => byteLength(JSON.stringify(text)) - 2 <= max,
});
ajv.addKeyword({
  keyword: "x-normalized",
  type: "string",
  validate: (form, text) => text === text.normalize(form),
});
ajv.addKeyword({
  keyword: "x-reactionCursor",
  type: "string",
  validate: (_, text) => {
    const [emoji, ...words] = text.split(" ");
    const user = words.join(" ");
    return isEmoji(emoji) && user !== "" && byteLength(user) <= 128 && !/\p{Cc}/u.test(user);
  },
});
ajv.addKeyword({ keyword: "x-emoji", type: "string", validate: (_, text) => isEmoji(text) });
ajv.addKeyword({
  keyword: "x-maxDistinct",
  type: "array",
  validate: (max, list) => new Set(list).size <= max,
});
ajv.addKeyword({
  keyword: "x-distinctBy",
  type: "array",
  validate: (member, list) => new Set(list.map((item) => item?.[member])).size === list.length,
});
ajv.addSchema(PROTOCOL, "schemas/protocol.json");

/** Follows a `$ref` within a document; returns anything else unchanged. */
function resolved(document, part) {
  if (part?.$ref === undefined) return part;
  const steps = part.$ref.split("/").slice(1);
  return steps.reduce((at, step) => at[step], document);
}

/**
 * Returns the check of a message of docs/asyncapi.yaml.
 *
 * @param {string} name
 * @returns {import('ajv').ValidateFunction}
 */
export const messageCheck = (name) => ajv.compile(ASYNCAPI.components.messages[name].payload);

/**
 * Returns the check of any schema of the documents.
 *
 * @param {object} schema
 * @returns {import('ajv').ValidateFunction}
 */
export const check = (schema) => ajv.compile(schema);

const operations = Object.values(ASYNCAPI.operations);
const names = (messages) => messages.map(({ $ref }) => $ref.split("/").at(-1));
const received = operations.filter(({ action }) => action === "receive");
/** The actions of a client. */
export const ACTIONS = received.flatMap(({ messages }) => names(messages));
/** The actions that have no reply. */
export const SILENT = received
  .filter(({ reply }) => reply === undefined)
  .flatMap(({ messages }) => names(messages));
const sent = [
  ...operations
    .filter(({ action }) => action === "send")
    .flatMap(({ messages }) => names(messages)),
  ...received.flatMap(({ reply }) => (reply === undefined ? [] : names(reply.messages))),
];
/**
 * The messages of a server by the `event` of their frames; the gateway's own frames have none. A
 * message has another name than its event where an action has the same name.
 */
const EVENTS = new Map(
  sent.map((name) => {
    const { $ref } = ASYNCAPI.components.messages[name].payload;
    return [PROTOCOL.$defs[$ref.split("/").at(-1)].properties?.event?.const ?? name, name];
  }),
);

/** Asserts that a frame from the server matches its schema. @param {any} frame */
export function assertServerFrame(frame) {
  const name = frame?.event ?? "gatewayError";
  assert.ok(
    EVENTS.has(name),
    `docs/asyncapi.yaml does not describe the frame ${JSON.stringify(frame)}`,
  );
  assertFits(messageCheck(EVENTS.get(name)), frame, `the server's frame ${name}`);
}

/** Returns whether a client's frame matches the document. @param {any} frame */
export function isClientFrame(frame) {
  return ACTIONS.includes(frame?.action) && messageCheck(frame.action)(frame);
}

/**
 * Asserts that a reply is allowed for the frame it answers.
 *
 * @param {any} frame as sent
 * @param {any} reply
 */
export function assertAnswers(frame, reply) {
  // The gateway's own frames say nothing about the request.
  if (reply.event === undefined) return;
  const blamed = FORM_ERRORS.includes(reply.code);
  const exchange = `${shortened(frame)} was answered ${shortened(reply)}`;
  if (isClientFrame(frame)) {
    // No schema can express the number of subscriptions of a connection.
    const full = frame.action === "subscribe" && reply.field === "conversation";
    assert.ok(
      !blamed || full,
      `the document accepts this request but the server rejects it: ${exchange}`,
    );
    assert.ok(
      names(ASYNCAPI.operations[frame.action].reply.messages).includes(reply.event),
      exchange,
    );
  } else {
    assert.equal(
      reply.event,
      "error",
      `the server accepts this request but the document rejects it: ${exchange}`,
    );
  }
}

/** The routes of docs/openapi.yaml, each with a pattern for its path. */
const ROUTES = Object.entries(OPENAPI.paths).map(([template, item]) => ({
  item,
  names: [...template.matchAll(/\{(\w+)\}/g)].map(([, name]) => name),
  pattern: new RegExp(`^${template.replaceAll(/\{\w+\}/g, "([^/]+)")}$`),
}));

/**
 * Returns what the document says about the route of a request, with the values of its parameters.
 * Returns undefined for a route that the document does not have.
 */
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
      path: (name) => [fromPath(values[found.names.indexOf(name)])],
      query: (name) => searchParams.getAll(name),
      header: () => [],
    },
  };
}

/**
 * Asserts that an HTTP response is allowed for its request.
 *
 * @param {{method: string, path: string, json?: any}} request
 * @param {{status: number, headers: Headers, body: any}} answer
 */
export function assertHttpAnswer(request, answer) {
  const found = route(request.method, request.path);
  // Other paths are answered by the page or by the gateway.
  if (found === undefined) return;
  const { operation } = found;
  const type = answer.headers.get("content-type")?.split(";")[0];
  const response = `was answered ${answer.status} ${shortened(answer.body)}`;
  const exchange = `${request.method} ${request.path} ${shortened(request.json)} ${response}`;
  const content = resolved(OPENAPI, operation.responses[answer.status])?.content[type];
  assert.ok(content, `docs/openapi.yaml does not describe this status or type: ${exchange}`);
  assertFits(check(content.schema), answer.body, exchange);
  if (type === "application/problem+json")
    assert.equal(answer.body.status, answer.status, exchange);

  const blamed = FORM_ERRORS.includes(answer.body.code);
  // The id may be in the body or in a header. The schema of the body cannot express that it is
  // missing from both, or in both.
  const mayBeHeader = ["sendMessage", "editMessage", "deleteMessage"];
  const unnamed = answer.body.field === "id" && mayBeHeader.includes(operation.operationId);
  if (fitsRequest(found, request.json))
    assert.ok(
      !blamed || unnamed,
      `the document accepts this request but the server rejects it: ${exchange}`,
    );
  else
    assert.ok(
      answer.status >= 400,
      `the server accepts this request but the document rejects it: ${exchange}`,
    );
}

/** Returns whether path, query and body match the operation. */
function fitsRequest({ operation, parameters, given }, json) {
  // Parameters of a path or a query are text. A text that reads as a number may also be a number.
  const isNumber = (text) => /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text);
  const fits = (schema, text) =>
    check(schema)(text) || (isNumber(text) && check(schema)(Number(text)));
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
  assert.fail(`${what} violates its schema: ${ajv.errorsText(fits.errors)}\n${shortened(value)}`);
}

const shortened = (value) => {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 600 ? `${text.slice(0, 600)}… (${text.length} characters)` : text;
};
