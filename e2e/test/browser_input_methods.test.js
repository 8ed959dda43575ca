/** Keys of input methods and the text that people type, in real Chromium. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Person } from "../lib/people.js";
import { suite } from "../lib/suite.js";
import { launch, Window } from "../lib/window.js";

suite("browser: input methods", (stack) => {
  /** @type {import('playwright-core').Browser} */ let browser;

  before(async () => {
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
  });

  test("Enter and Escape of an input method neither send the message nor leave the conversation", async () => {
    const [ada, bob] = await Promise.all(["Ada", "Bob"].map((name) => Person.create(stack, name)));
    await ada.start([bob], "Keys");
    const window = await Window.open(browser, stack, ada);
    await window.logIn();
    await window.openListed("Keys");
    const composer = window.hook("composer-input");
    await composer.fill("にほん");
    // Safari reports the key that ends a composition like this (WebKit bug 165004).
    for (const key of ["Enter", "Escape"])
      await composer.dispatchEvent("keydown", { key, keyCode: 229, isComposing: false });
    assert.equal(await composer.inputValue(), "にほん");
    assert.equal(await window.hook("message").count(), 0);
    await composer.press("Enter");
    await window.message("にほん", "sent").waitFor();
    await window.close();
  });
});
