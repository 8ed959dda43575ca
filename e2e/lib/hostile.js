/**
 * Generates valid and invalid requests from the protocol documents: each field on both sides of its
 * limits, with other types, missing, duplicated or nested, and text that is barely JSON.
 */
import fc from "fast-check";

import { ACTIONS, ASYNCAPI, OPENAPI, PROTOCOL } from "./contract.js";
import { inPath } from "./paths.js";

/** A text that must not appear in any log. It is one of the values of every field. */
export const SECRET = "a text that must not be logged";

/** The longest frame that the gateway accepts; it closes the connection after a longer one. */
const LONGEST_FRAME = 32 * 1024;
const LAST_POSITION = 999_999_999_999;

const nested = (depth, inside = 1) =>
  Array.from({ length: depth }).reduce((value) => [value], inside);
const repeated = (lengths, units) =>
  fc
    .tuple(fc.constantFrom(...lengths), fc.constantFrom(...units))
    .map(([length, unit]) => unit.repeat(length));

/** Values around every limit of the protocol, and of every type. */
const odd = fc.oneof(
  fc.constantFrom(
    null,
    true,
    false,
    [],
    {},
    [[]],
    [null],
    { event: "sent" },
    { $ref: "#" },
    SECRET,
  ),
  fc.constantFrom(
    0,
    -1,
    1,
    0.5,
    1e300,
    5e-324,
    LAST_POSITION,
    LAST_POSITION + 1,
    2 ** 53,
    2 ** 64,
    -(2 ** 63),
  ),
  fc.constantFrom(
    "",
    " ",
    "0",
    "1",
    "-1",
    "null",
    "\u0000",
    "\u007f",
    "\u0085",
    "\u2028",
    "\ufeff",
    "\u202e",
    "\u200b",
    "\u3164",
    "\u2800",
    "\u00ad",
    "\ufffd",
    "ad\u200ba",
    "\ud7ff",
  ),
  fc.constantFrom(
    "__proto__",
    "constructor",
    "$connect",
    "$disconnect",
    "$default",
    "conversation#x",
    "a/b",
    "..",
    "%00",
  ),
  fc.constantFrom(
    "e\u0301",
    "👩‍👩‍👧",
    "ﷺ",
    "\u{10ffff}",
    "line\nbreak",
    "tab\t",
    "return\r",
    '"\\"',
  ),
  repeated([63, 64, 65, 127, 128, 129, 199, 200, 201], ["a", "ü", '"', "😀"]),
  repeated([8191, 8192, 8193], ['"', "\n", "ü"]),
  repeated([16_383, 16_384, 16_385], ["a", "\u007f"]),
  fc.integer({ min: 1, max: 100 }).map((depth) => nested(depth)),
  fc.array(fc.string({ unit: "binary" }), { maxLength: 100 }),
  fc.string({ unit: "binary", maxLength: 300 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.jsonValue(),
);

/** The same values as text, for paths and queries. */
const oddTexts = odd.map((value) => (typeof value === "string" ? value : JSON.stringify(value)));

/**
 * Generates values that match a schema of docs/schemas, the limits more often than chance would.
 */
function fitting(schema) {
  if (schema.$ref !== undefined) return fitting(PROTOCOL.$defs[schema.$ref.split("/").at(-1)]);
  if (schema.anyOf !== undefined) return fc.oneof(...schema.anyOf.map(fitting));
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  switch ([schema.type].flat()[0]) {
    case "null":
      return fc.constant(null);
    case "boolean":
      return fc.boolean();
    case "number":
      return fc.oneof(fc.integer({ min: -2, max: 20 }), fc.constantFrom(0.5, LAST_POSITION));
    case "integer": {
      const { minimum: min = -LAST_POSITION, maximum: max = LAST_POSITION } = schema;
      return fc.oneof(
        fc.constantFrom(min, max),
        fc.integer({ min: Math.max(min, 0), max: 20 }),
        fc.integer({ min, max }),
      );
    }
    case "array":
      return fc.array(fitting(schema.items), { maxLength: 100 });
    case "object":
      return schema.properties === undefined ? dictionary(schema) : record(schema);
    default:
      return text(schema);
  }
}

function text({
  pattern = "^.*$",
  minLength = 0,
  "x-maxBytes": bytes,
  "x-maxEncodedBytes": encoded,
  "x-normalized": form,
  "x-emoji": isEmoji,
  "x-reactionCursor": isCursor,
}) {
  if (isCursor) return fc.constantFrom("👍 ada", "❤️ ada lovelace");
  if (isEmoji) return fc.constantFrom("👍", "👍🏿", "❤️", "1️⃣", "🇩🇪", "👩‍👩‍👧‍👦", "🏴󠁧󠁢󠁷󠁬󠁳󠁿");
  const max = bytes ?? encoded;
  const any = fc
    .stringMatching(new RegExp(pattern, "u"), { size: "small" })
    .filter((value) => form === undefined || value === value.normalize(form));
  if (max === undefined) return any;
  const full = fc.constantFrom("a".repeat(max), "ü".repeat(max / 2), "😀".repeat(max / 4));
  return fc.oneof(
    any.filter(
      (value) => value.length >= minLength && Buffer.byteLength(JSON.stringify(value)) < max,
    ),
    full,
  );
}

const dictionary = ({ additionalProperties, maxProperties }) =>
  fc.dictionary(fc.stringMatching(/^[A-Za-z0-9._:-]{1,64}$/), fitting(additionalProperties), {
    maxKeys: maxProperties + 1,
  });

const record = ({ properties, required }) =>
  fc.record(
    Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, fitting(schema)])),
    {
      requiredKeys: required,
    },
  );

const numbered = (lengths, make) =>
  fc.constantFrom(...lengths).map((length) => Array.from({ length }, (_, index) => make(index)));
/** The last accepted and the first rejected values of each field. */
const EDGES = {
  ref: repeated([63, 64, 65], ["a", "\u0001"]),
  conversation: repeated([0, 63, 64, 65], ["a", ":"]),
  id: repeated([0, 63, 64, 65], ["a", "-"]),
  body: fc.oneof(
    repeated([0, 1, 16_383, 16_384, 16_385], ["a"]),
    repeated([8191, 8192, 8193], ['"', "\n", "ü"]),
  ),
  after: fc.constantFrom(-1, 0, 1, 0.5, LAST_POSITION, LAST_POSITION + 1),
  emoji: fc.constantFrom(
    "",
    "a",
    "👍👍",
    "👍🏻🏻",
    "🇩",
    "‍",
    "️",
    "1",
    "👩‍👩‍👩‍👩‍👩‍👩",
    "👨🏻‍👨🏻‍👨🏻‍👨🏻",
  ),
  read: fc.constantFrom(-1, 0, 1, 0.5, LAST_POSITION, LAST_POSITION + 1),
  title: fc.oneof(repeated([0, 1, 199, 200, 201], ["a"]), repeated([50, 51], ["😀"])),
  presence: fc.constantFrom("active", "away", "here"),
  conversations: numbered([0, 1, 20, 21], (index) => ({ conversation: `c${index}`, after: 0 })),
  watch: numbered([0, 5, 6], (index) => `c${index}`),
  positions: numbered([0, 19, 20, 21], (index) => [`c${index}`, index]).map(Object.fromEntries),
  participants: fc.oneof(
    numbered([0, 89, 90, 91], (index) => `user-${index}`),
    numbered([200], (index) => `user-${index % 3}`),
    repeated([127, 128, 129], ["a"]).map((user) => [user]),
  ),
  users: numbered([0, 24, 25, 26], (index) => `user-${index}`),
};

/** Changes one or two members of an object, which may make it invalid. */
function altered(objects, names) {
  const change = fc.oneof(
    ...names
      .filter((name) => name in EDGES)
      .map((name) => fc.record({ name: fc.constant(name), value: EDGES[name] })),
    fc.record({
      name: fc.oneof(fc.constantFrom(...names), fc.string({ unit: "binary" })),
      value: odd,
    }),
  );
  return fc.oneof(
    objects,
    fc.tuple(objects, change).map(([object, { name, value }]) => ({ ...object, [name]: value })),
    fc.tuple(objects, fc.constantFrom(...names)).map(([object, name]) => {
      const { [name]: _, ...rest } = object;
      return rest;
    }),
    fc.tuple(objects, change, change).map(([object, one, other]) => ({
      ...object,
      [one.name]: one.value,
      [other.name]: other.value,
    })),
  );
}

/**
 * Text that is barely JSON. The documents do not say which error it gets, only that it gets one.
 */
function mangled(objects) {
  const json = objects.map((object) => JSON.stringify(object));
  const insides = fc.constantFrom(
    '"after":1e400',
    '"after":-0.0',
    '"after":5.0',
    '"after":01',
    '"after":123456789012345678901234567890',
    '"body":"\\ud800"',
    '"body":"\\udc00\\ud800"',
    '"id":"\\u0000"',
    '"body":"\u0001"',
    '"body":"raw\nline"',
    '"action":"ping","action":"dance"',
    '"conversation":"a","conversation":"b","conversation":1',
    '"ref":"1","ref":2',
    `"deep":${"[".repeat(127)}${"]".repeat(127)}`,
    `"deep":${"[".repeat(10_000)}`,
    `"deep":${'{"a":'.repeat(3000)}1${"}".repeat(3000)}`,
    '"__proto__":{"action":"ping"}',
    ",",
    "/* comment */",
    "'single':1",
    "NaN",
  );
  return fc.oneof(
    fc.tuple(json, insides).map(([whole, inside]) => whole.replace(/\}$/, `,${inside}}`)),
    fc.tuple(json, fc.nat()).map(([whole, at]) => whole.slice(0, at % (whole.length + 1))),
    fc
      .tuple(json, fc.nat(), fc.string({ unit: "binary", maxLength: 3 }))
      .map(
        ([whole, at, inside]) =>
          whole.slice(0, at % (whole.length + 1)) + inside + whole.slice(at % (whole.length + 1)),
      ),
    fc.string({ unit: "binary" }),
    fc.jsonValue().map((value) => JSON.stringify(value)),
    json.map((whole) => `\ufeff${whole}`),
    json.map((whole) => `[${whole}]`),
    json.map((whole) => ` \t\r\n${whole}\n`),
  );
}

/**
 * @typedef {object} Hostile
 * @property {string} text
 * @property {boolean} exact whether it is plain JSON, so that the documents determine the reply
 */
const exactly = (objects) =>
  objects.map((object) => ({ text: JSON.stringify(object), exact: true }));
const roughly = (objects) => mangled(objects).map((text) => ({ text, exact: false }));

/**
 * Generates frames of a client.
 *
 * @param {string} conversation one in which the client is a participant
 * @returns {fc.Arbitrary<Hostile>}
 */
export function frames(conversation) {
  const ours = ACTIONS.map((action) => {
    const described = fitting(ASYNCAPI.components.messages[action].payload);
    return fc
      .tuple(described, fc.boolean())
      .map(([frame, known]) =>
        known && frame.conversation !== undefined ? { ...frame, conversation } : frame,
      );
  });
  const names = [
    "action",
    "ref",
    "conversation",
    "id",
    "body",
    "target",
    "emoji",
    "on",
    "after",
    "positions",
    "read",
    "private",
    "stopped",
    "presence",
    "watch",
    "conversations",
    "receipts",
    "unknown",
  ];
  const objects = altered(fc.oneof(...ours), names);
  return fc
    .oneof({ arbitrary: exactly(objects), weight: 3 }, { arbitrary: roughly(objects), weight: 1 })
    .filter(({ text }) => text !== "" && Buffer.byteLength(text) <= LONGEST_FRAME);
}

/**
 * Generates HTTP requests.
 *
 * @param {string} conversation one in which the client is a participant
 * @returns {fc.Arbitrary<{method: string, path: string, headers: Record<string, string>, body?:
 *   Hostile}>}
 */
export function requests(conversation) {
  const operations = Object.entries(OPENAPI.paths).flatMap(([template, item]) =>
    Object.entries(item)
      .filter(([method]) => method !== "parameters")
      .map(([method, operation]) => [template, method.toUpperCase(), operation]),
  );
  // `fetch` resolves dots and slashes in a path, so a path segment must not consist of them.
  const piece = fc
    .oneof(oddTexts, fc.constantFrom("dora", "eric"))
    .filter((value) => !/^\.{0,2}$/.test(value) && value.length < 1000);
  // An HTTP API ends a path at a "?" and refuses a "%", so such ids do not reach the function.
  const id = fc.oneof(
    fc.constant(conversation),
    piece.filter((value) => !/[%?]/.test(value)),
  );
  const number = fc.oneof(
    fitting({ type: "integer" }).map(String),
    oddTexts.filter((value) => value.length < 1000),
  );
  return fc.oneof(
    ...operations.map(([template, method, { parameters = [], requestBody }]) => {
      const query = parameters
        .filter((parameter) => parameter.in === "query")
        .map(({ name }) => name);
      const schema = requestBody?.content["application/json"].schema;
      const objects =
        schema &&
        altered(fitting(schema), [
          "id",
          "title",
          "participants",
          "users",
          "body",
          "after",
          "read",
          "private",
          "shown",
          "unknown",
        ]);
      return fc.record({
        method: fc.constant(method),
        path: fc
          .tuple(
            id,
            piece,
            fc.dictionary(fc.constantFrom(...query, "unknown"), number, { maxKeys: 2 }),
          )
          .map(([id, user, values]) => {
            const path = template
              .replace("{id}", () => encoded(id))
              .replace("{user}", () => inPath(user.toWellFormed()));
            const search = new URLSearchParams(values).toString();
            return search === "" ? path : `${path}?${search}`;
          }),
        headers: fc.constantFrom({}, { "idempotency-key": "key-1" }, { "idempotency-key": "a b" }),
        body: objects ? fc.oneof(exactly(objects), roughly(objects)) : fc.constant(undefined),
      });
    }),
  );
}

/** Encodes a value for a URL. A lone surrogate has no encoding. */
const encoded = (value) => encodeURIComponent(value.toWellFormed());
