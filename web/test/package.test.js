/** The package as users get it: packed, installed, and used from TypeScript. */

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

const WEB = fileURLToPath(new URL("..", import.meta.url));
const TSC = join(WEB, "node_modules", "typescript", "bin", "tsc");

const CONSUMER = `
import { Code, connect, Rejection, StateName, type Entry, type Message, type State } from "confab-client";

const client = await connect({ http: "https://chat.example", ws: "wss://chat.example/dev", token: async ({ refused }) => (refused ? null : "a.b.c") });
const state: State = client.state;
if (state.name === StateName.signedOut) await client.start();
const lunch = client.conversation(await client.create({ title: "Lunch", participants: ["grace"] }));
const endMessages: () => void = client.on("message", ({ conversation, body }: Entry) => console.log(conversation, body));
const end: () => void = lunch.subscribe(() => lunch.messages.map(({ body, state }: Message) => body + state));
try {
  const { seq }: Entry = await lunch.send("Shall we?");
  console.log(seq.toFixed());
} catch (error) {
  if (error instanceof Rejection && error.code === Code.tooLarge) console.log(error.field);
}
for await (const entry of lunch.entries({ after: 0 })) console.log(entry.body?.trim());
end();
endMessages();
`;

const folder = mkdtempSync(join(tmpdir(), "confab-package-"));
const installed = join(folder, "node_modules", "confab-client");

before(() => {
  execFileSync("npm", ["pack", "--silent", "--pack-destination", folder], { cwd: WEB });
  const [tarball] = readdirSync(folder);
  mkdirSync(installed, { recursive: true });
  execFileSync("tar", [
    "-xzf",
    join(folder, String(tarball)),
    "-C",
    installed,
    "--strip-components=1",
  ]);
  writeFileSync(join(folder, "package.json"), '{"type": "module"}');
});
after(() => rmSync(folder, { recursive: true }));

/**
 * Compiles a file that uses the package.
 * @param {string} source
 * @param {string} resolution
 */
function compile(source, resolution) {
  writeFileSync(join(folder, "consumer.mts"), source);
  const module = resolution === "bundler" ? "esnext" : resolution;
  const options = [
    "--noEmit",
    "--strict",
    "--target",
    "es2022",
    "--lib",
    "es2023,dom",
    "--module",
    module,
    "--moduleResolution",
    resolution,
  ];
  const { status, stdout } = spawnSync(process.execPath, [TSC, ...options, "consumer.mts"], {
    cwd: folder,
    encoding: "utf8",
  });
  return { status, stdout };
}

test("the package contains the library, its types and its README, and nothing else", () => {
  const held = readdirSync(installed).sort();
  assert.deepEqual(held, ["README.md", "client", "package.json", "types"]);
  const modules = (/** @type {string} */ where) =>
    readdirSync(join(installed, where))
      .map((name) => name.replace(/(\.d)?\.[jt]s$/, ""))
      .sort();
  assert.deepEqual(modules("types"), modules("client"), "each module has types");
});

test("TypeScript accepts the package, as Node and as bundlers resolve it", () => {
  for (const resolution of ["nodenext", "bundler"])
    assert.deepEqual(compile(CONSUMER, resolution), { status: 0, stdout: "" }, resolution);
});

test("TypeScript rejects wrong uses of the package", () => {
  const { stdout } = compile(
    CONSUMER.replace('lunch.send("Shall we?")', "lunch.send(42)").replace("http: ", "htpp: "),
    "nodenext",
  );
  assert.match(stdout, /'number' is not assignable to parameter of type 'string'/);
  assert.match(stdout, /'htpp' does not exist/);
});

test("Node can load the package, as for server-side rendering", () => {
  writeFileSync(
    join(folder, "load.mjs"),
    'import { connect } from "confab-client"; process.stdout.write(typeof connect);',
  );
  assert.equal(
    execFileSync(process.execPath, ["load.mjs"], { cwd: folder, encoding: "utf8" }),
    "function",
  );
});
