/** The smoke test names what is wrong with a stack, in one line that says what to do. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";

import { runSmoke } from "../lib/smoke.js";
import { Stack } from "../lib/stack.js";
import { permissions, writeChanged, writeWithout } from "./template.js";

const WEB = fileURLToPath(new URL("../../web", import.meta.url));

let folder;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "confab-smoke-"));
});
after(() => rm(folder, { recursive: true }));

/** Returns the permission of a function to do one action. */
const permission = (name, action) => {
  const found = permissions().find((one) => one.function === name && one.action === action);
  assert.ok(found, `${name} has no permission ${action}`);
  return found;
};

/** Each defect, and what the failing line must say. */
const DEFECTS = [
  {
    defect: "a route has no RouteResponse",
    write: (path) => writeChanged(path, ({ Resources }) => delete Resources.PingRouteResponse),
    expected: [
      /^FAIL {2}every action with a reply is answered: There is no reply to ping/,
      /RouteResponse/,
    ],
  },
  {
    defect: "the HTTP API does not allow the page's origin",
    write: (path) =>
      writeChanged(path, ({ Resources }) => {
        Resources.RestApi.Properties.CorsConfiguration.AllowOrigins = ["https://other.example"];
      }),
    expected: [
      /^FAIL {2}pages may call the HTTP API/,
      /no Access-Control-Allow-Origin.*AllowedOrigins/,
    ],
  },
  {
    defect: "the HTTP API does not allow the header of the token",
    write: (path) =>
      writeChanged(path, ({ Resources }) => {
        Resources.RestApi.Properties.CorsConfiguration.AllowHeaders = ["content-type"];
      }),
    expected: [/^FAIL {2}pages may call the HTTP API/, /authorization.*AllowHeaders/],
  },
  {
    defect: "the stack expects another issuer",
    write: (path) =>
      writeChanged(path, ({ Metadata }) => {
        // biome-ignore lint/suspicious/noTemplateCurlyInString: a placeholder of the harness
        Metadata.Harness.Parameters.TokenIssuer = "${CognitoIssuer}";
      }),
    expected: [/^FAIL {2}the tokens are accepted over HTTP/, /iss “http.*TokenIssuer/],
  },
  {
    defect: "a function may not push",
    write: (path) =>
      writeWithout(path, permission("SendMessageFunction", "execute-api:ManageConnections")),
    expected: [
      /^FAIL {2}a message is stored and pushed/,
      /SendMessageFunction may execute-api:ManageConnections/,
    ],
    denied: true,
  },
  {
    defect: "a function may not write",
    write: (path) => writeWithout(path, permission("SendMessageFunction", "dynamodb:PutItem")),
    expected: [/^FAIL {2}a message is stored and pushed/, /internal.*“AccessDenied”.*permission/],
    denied: true,
  },
  {
    defect: "connections may not be stored",
    write: (path) => writeWithout(path, permission("ConnectFunction", "dynamodb:PutItem")),
    expected: [/^FAIL {2}a handshake with a token is accepted/, /“AccessDenied”.*permission/],
    denied: true,
  },
];

// The smoke test mostly waits for what does not come.
describe("smoke test", { concurrency: 3 }, () => {
  for (const [index, { defect, write, expected, denied = false }] of DEFECTS.entries()) {
    test(`the smoke test fails if ${defect}`, async () => {
      const path = join(folder, `${index}.yaml`);
      await write(path);
      const stack = new Stack();
      await stack.start({ template: path, dynamodb: "embedded", web: WEB });
      const { status, lines } = await runSmoke(["--patience", "10", stack.http]);
      const failures = lines.filter((line) => line.startsWith("FAIL"));
      assert.equal(failures.length, 1, lines.join("\n"));
      for (const pattern of expected) assert.match(failures[0], pattern);
      assert.equal(status, 1);
      if (denied) await assert.rejects(stack.stop(), /the template lacks permissions/);
      else await stack.stop();
    });
  }
});
