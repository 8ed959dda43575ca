/** The page of examples/page, beside a copy of the client library, in real Chromium. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { Person } from "../lib/people.js";
import { suite } from "../lib/suite.js";
import { launch } from "../lib/window.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const FILES = ["chat.html", "chat.js"];
const folder = await mkdtemp(join(tmpdir(), "confab-page-"));

/** Copies the example and the client library into one folder. */
async function build() {
  for (const file of FILES) await cp(join(ROOT, "examples", "page", file), join(folder, file));
  await cp(join(ROOT, "web", "client"), join(folder, "client"), { recursive: true });
  return { web: folder };
}

suite(
  "browser: the example page",
  (stack) => {
    /** @type {import('playwright-core').Browser} */ let browser;

    before(async () => {
      browser = await launch();
    });
    after(async () => {
      await browser?.close();
      await rm(folder, { recursive: true });
    });

    test("the example has at most 30 lines", async () => {
      const files = FILES.map((file) => readFile(join(ROOT, "examples", "page", file), "utf8"));
      const lines = (await Promise.all(files))
        .flatMap((text) => text.split("\n"))
        .filter((line) => line.trim() !== "");
      assert.ok(lines.length <= 30, `${lines.length} lines`);
    });

    test("the example sends and receives in two windows", async () => {
      const [ada, grace] = await Promise.all([
        Person.create(stack, "Ada", "ada"),
        Person.create(stack, "Grace", "grace"),
      ]);
      await ada.post("/conversations", { id: "lunch", title: "Lunch", participants: ["grace"] });
      const problems = [];
      const open = async ({ user }) => {
        const page = await (await browser.newContext()).newPage();
        page.on("pageerror", (error) => problems.push(error.message));
        page.on(
          "console",
          (message) =>
            /content security policy/i.test(message.text()) && problems.push(message.text()),
        );
        page.on("response", async (response) => {
          if (response.url() === stack.login) stack.secretToken((await response.json()).token);
        });
        await page.goto(`${stack.http}/chat.html?user=${user}`);
        await page.getByText("connected").waitFor();
        return page;
      };
      const [adas, graces] = await Promise.all([open(ada), open(grace)]);
      const say = async (page, body) => {
        await page.getByLabel("Message").fill(stack.secret(body));
        await page.getByRole("button").click();
      };
      await say(adas, "Shall we have lunch?");
      await graces.getByText("ada: Shall we have lunch? (sent)").waitFor();
      await say(graces, "Gladly, at noon.");
      await adas.getByText("grace: Gladly, at noon. (sent)").waitFor();
      for (const page of [adas, graces]) assert.equal(await page.getByRole("listitem").count(), 2);
      assert.deepEqual(problems, []);
    });
  },
  build,
);
