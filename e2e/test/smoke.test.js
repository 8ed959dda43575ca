/** The smoke test passes on a stack that works, and says what is wrong with one that does not. */
import assert from "node:assert/strict";
import { before, test } from "node:test";

import { CHECKS } from "../../smoke/checks.js";
import { allows } from "../../smoke/page.js";
import { smoke } from "../../smoke/run.js";
import { handshakeProxy } from "../lib/handshake_proxy.js";
import { Person } from "../lib/people.js";
import { runSmoke } from "../lib/smoke.js";
import { suite } from "../lib/suite.js";

suite("smoke", (stack) => {
  /** @type {Person[]} */ let people;

  before(async () => {
    people = await Promise.all(["Ada", "Bob"].map((name) => Person.create(stack, name)));
  });

  const tokens = () => /** @type {[string, string]} */ (people.map(({ token }) => token));
  const target = (changes = {}) => ({
    http: stack.http,
    ws: stack.ws,
    origin: stack.http,
    page: null,
    ...changes,
  });

  test("the smoke test passes, with the page's URL alone", async () => {
    const { status, lines } = await runSmoke([stack.http]);
    assert.deepEqual(
      lines,
      CHECKS.filter(({ name }) => !name.includes("idle")).map(({ name }) => `ok    ${name}`),
    );
    assert.equal(status, 0);
  });

  test("it takes the URLs of the stack and ready tokens from the environment", async () => {
    const { status, lines } = await runSmoke(["--origin", stack.http], {
      CONFAB_HTTP: stack.http,
      CONFAB_WS: stack.ws,
      CONFAB_TOKENS: tokens().join("\n"),
    });
    assert.deepEqual([status, lines.at(-1)], [0, `ok    ${CHECKS.at(-1).name}`]);
  });

  test("it prints no token", async () => {
    const { output } = await runSmoke([stack.http], { CONFAB_TOKENS: tokens().join(" ") });
    for (const token of tokens())
      for (const part of token.split(".").slice(1)) assert.ok(!output.includes(part));
  });

  test("an incomplete command is refused before anything is sent", async () => {
    const table = [
      [[], {}, /give the page's URL/],
      [["ftp://example.org"], {}, /not a URL/],
      [[stack.http, stack.ws], { CONFAB_TOKENS: "a b" }, /--origin is required/],
      [["--origin", stack.http, stack.http, stack.ws], {}, /no tokens: set CONFAB_SECRET_FILE/],
      [
        ["--origin", stack.http, stack.http, stack.ws],
        { CONFAB_SECRET: "secret" },
        /CONFAB_ISSUER and CONFAB_AUDIENCE are required/,
      ],
      [[stack.http], { CONFAB_SECRET_FILE: "/no/such/file" }, /cannot be read/],
      [["--token", "secret", stack.http], {}, /--token/],
    ];
    for (const [given, variables, expected] of table) {
      const { status, output } = await runSmoke(given, variables);
      assert.match(output, expected);
      assert.equal(status, 2, output);
    }
  });

  test("a message is pushed after ten idle minutes", async () => {
    let aheadMs = 0;
    const lines = [];
    const passed = await smoke({
      target: target(),
      tokens: tokens(),
      patience: 30_000,
      idleMinutes: 11,
      print: (line) => lines.push(line),
      pause: async (ms) => {
        aheadMs += ms;
        const body = JSON.stringify({ aheadMs });
        const answer = await fetch(`${stack.http}/.local/clock`, { method: "PUT", body });
        assert.equal(answer.status, 200);
      },
    });
    assert.ok(passed, lines.join("\n"));
    assert.equal(aheadMs, 11 * 60_000);
  });

  test("a page of missed entries that is too long is named", async () => {
    // A gateway that passes no longer replies drops the connection.
    const longest = 16_384;
    for (const [change, expected] of [
      [(text) => (text.length > longest ? null : text), /does not arrive.*lower PAGE_BYTES/],
      [
        (text) => text.replace(/"event":"subscribed"/, `$&,"padding":"${"x".repeat(32_768)}"`),
        /has \d{5} bytes.*Lower PAGE_BYTES/,
      ],
    ]) {
      const proxy = await handshakeProxy(stack.ws, change);
      const lines = [];
      await smoke({
        target: target({ ws: proxy.url }),
        tokens: tokens(),
        patience: 30_000,
        idleMinutes: 0,
        print: (line) => lines.push(line),
      });
      await proxy.close();
      assert.match(lines.at(-1), /^FAIL {2}a client that was away catches up/);
      assert.match(lines.at(-1), expected);
    }
  });
});

test("what a policy allows is decided as browsers do", () => {
  const page = "https://chat.example.org";
  const table = [
    [
      "default-src 'none'; connect-src 'self' wss://ws.example.org",
      "wss://ws.example.org/dev",
      true,
    ],
    ["connect-src 'self'", "wss://ws.example.org/dev", false],
    ["connect-src 'self'", "wss://chat.example.org/dev", true],
    ["connect-src https:", "https://api.example.org", true],
    ["connect-src https:", "wss://api.example.org", false],
    ["connect-src https://*.example.org", "https://api.example.org", true],
    ["connect-src https://*.example.org", "https://api.example.com", false],
    ["default-src 'self'", "https://api.example.org", false],
    ["script-src 'self'", "https://api.example.org", true],
  ];
  for (const [policy, url, expected] of table)
    assert.equal(allows(policy, page, url), expected, `${policy} ${url}`);
});
