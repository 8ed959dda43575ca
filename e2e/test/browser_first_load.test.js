/** Measures what the page loads until a conversation is on the screen, in real Chromium. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";

import { Person } from "../lib/people.js";
import { suite } from "../lib/suite.js";
import { launch, Window } from "../lib/window.js";

const LIMIT = 60_000;

suite("browser: first load", (stack) => {
  /** @type {import('playwright-core').Browser} */ let browser;

  before(async () => {
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
  });

  test("the page loads less than 60 KB, compressed, until a conversation is shown", async () => {
    const [ada, bob] = await Promise.all(["Ada", "Bob"].map((name) => Person.create(stack, name)));
    const conversation = await ada.start([bob], "First");
    await bob.post(`/conversations/${conversation}/messages`, {
      id: "b-1",
      body: stack.secret("Welcome to the page."),
    });
    /** @type {Map<string, Promise<number>>} */ const loaded = new Map();
    const window = await Window.open(browser, stack, ada, {}, async (page) => {
      page.on("response", (response) => {
        const { origin, pathname } = new URL(response.url());
        // The size of API responses depends on what users write.
        if (origin !== new URL(stack.http).origin || response.request().resourceType() === "fetch")
          return;
        loaded.set(
          pathname,
          response.body().then((body) => gzipSync(body).length),
        );
      });
    });
    await window.logIn();
    await window.openListed("First");
    await window.message("Welcome to the page.", "sent").waitFor();
    const sizes = Object.fromEntries(
      await Promise.all([...loaded].map(async ([path, size]) => [path, await size])),
    );
    const bytes = Object.values(sizes).reduce((sum, size) => sum + size, 0);
    assert.ok(
      sizes["/client/client.js"] > 0 && sizes["/style.css"] > 0,
      `files of the page are missing: ${Object.keys(sizes)}`,
    );
    assert.ok(bytes < LIMIT, `${bytes} bytes: ${JSON.stringify(sizes)}`);
    console.log(`# first load: ${bytes} bytes with gzip in ${loaded.size} files`);
    await window.close();
  });
});
