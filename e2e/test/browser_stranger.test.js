/** A page of somebody else: the README's two files, as they stand there, beside a copy of the library. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { Person } from "../lib/people.js";
import { suite } from "../lib/suite.js";
import { launch } from "../lib/window.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const folder = await mkdtemp(join(tmpdir(), "confab-page-"));

/** The fenced blocks of the README's section on an own page. */
async function filesOfReadme() {
  const readme = await readFile(join(ROOT, "README.md"), "utf8");
  const section = readme.split(/^## /m).find((part) => part.startsWith("From an own page"));
  const [, html] = section.match(/^```html\n(.*?)^```/ms);
  const [, js] = section.match(/^```js\n(.*?)^```/ms);
  return { html, js };
}

/** Puts the page together. */
async function build() {
  const { html, js } = await filesOfReadme();
  await writeFile(join(folder, "chat.html"), html);
  await writeFile(join(folder, "chat.js"), js);
  await cp(join(ROOT, "web", "client"), join(folder, "client"), { recursive: true });
  return { web: folder };
}

suite(
  "browser: a page of somebody else",
  (stack) => {
    /** @type {import('playwright-core').Browser} */ let browser;

    before(async () => {
      browser = await launch();
    });
    after(async () => {
      await browser?.close();
      await rm(folder, { recursive: true });
    });

    test("the files of the README have 30 lines at most", async () => {
      const { html, js } = await filesOfReadme();
      const lines = `${html}${js}`.split("\n").filter((line) => line.trim() !== "");
      assert.ok(lines.length <= 30, `${lines.length} lines`);
    });

    test("they send and receive, in two windows", async () => {
      const [ada, grace] = await Promise.all([
        Person.create(stack, "Ada", "ada"),
        Person.create(stack, "Grace", "grace"),
      ]);
      await ada.post("/conversations", { id: "lunch", title: "Lunch", participants: ["grace"] });
      const offences = [];
      const open = async ({ user }) => {
        const page = await (await browser.newContext()).newPage();
        page.on("pageerror", (error) => offences.push(error.message));
        page.on(
          "console",
          (message) =>
            /content security policy/i.test(message.text()) && offences.push(message.text()),
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
      assert.deepEqual(offences, []);
    });
  },
  build,
);
