/** The protocol documents are valid, and their examples match their schemas. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { createConfig, lint } from "@redocly/openapi-core";

import { ASYNCAPI, check, messageCheck, OPENAPI, PROTOCOL } from "../lib/contract.js";

for (const name of ["asyncapi.yaml", "openapi.yaml"]) {
  test(`docs/${name} has no lint errors`, async () => {
    // The local server really is on localhost.
    const config = await createConfig({
      extends: ["recommended-strict"],
      rules: { "no-server-example.com": "off" },
    });
    const ref = fileURLToPath(new URL(`../../docs/${name}`, import.meta.url));
    const problems = await lint({ ref, config });
    assert.deepEqual(
      problems.map(
        ({ ruleId, message, location }) => `${ruleId} at ${location[0]?.pointer}: ${message}`,
      ),
      [],
    );
  });
}

test("every example of a frame matches its schema", () => {
  for (const [name, { examples }] of Object.entries(ASYNCAPI.components.messages)) {
    assert.ok(examples.length > 0, `${name} has an example`);
    for (const { payload } of examples) assertFits(messageCheck(name), payload, name);
  }
});

test("every example of a request or a response matches its schema", () => {
  const contents = [];
  const visit = (part, place) => {
    if (part === null || typeof part !== "object") return;
    for (const [type, media] of Object.entries(part.content ?? {}))
      contents.push([`${place} ${type}`, media]);
    for (const [name, inner] of Object.entries(part)) visit(inner, `${place}/${name}`);
  };
  visit(OPENAPI, "");
  assert.ok(contents.length > 10);
  for (const [place, { schema, example, examples = { only: { value: example } } }] of contents) {
    for (const { value } of Object.values(examples)) assertFits(check(schema), value, place);
  }
});

test("every error code has an example as a frame and over HTTP", () => {
  const codes = PROTOCOL.$defs.code.enum;
  const frames = ASYNCAPI.components.messages.error.examples.map(({ payload }) => payload.code);
  const text = JSON.stringify(OPENAPI);
  assert.deepEqual(
    codes.filter((code) => !frames.includes(code)),
    [],
  );
  // The gateway itself rejects an unknown path or method.
  assert.deepEqual(
    codes.filter((code) => !text.includes(`"code":"${code}"`)),
    ["unknown_action"],
  );
});

test("schemas of what a server sends allow no further members", () => {
  for (const [name, schema] of Object.entries(PROTOCOL.$defs)) {
    const isSent =
      schema.type === "object" &&
      ![
        "subscribeToOne",
        "subscribeToMany",
        "catchUpWithOne",
        "catchUpWithMany",
        "unsubscribe",
        "sendMessage",
        "editMessage",
        "deleteMessage",
        "react",
        "ping",
        "newConversation",
        "newMessage",
        "typing",
        "receipt",
        "newReceipt",
        "newEdit",
        "newPresence",
        "reads",
        "newRemovals",
      ].includes(name);
    if (isSent) assert.equal(schema.additionalProperties, false, name);
  }
});

function assertFits(fits, value, what) {
  assert.ok(fits(value), `${what}: ${JSON.stringify(value)} ${JSON.stringify(fits.errors)}`);
}
