/**
 * Two tabs of one user in real Chromium: one connection, no duplicates, and both show everything.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Person } from "../lib/people.js";
import { suite } from "../lib/suite.js";
import { launch, Window } from "../lib/window.js";

suite("browser: tabs", (stack) => {
  /** @type {import('playwright-core').Browser} */ let browser;

  before(async () => {
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
  });

  /** Opens two tabs of a new user with the same conversation. The first tab leads. */
  async function tabs(title) {
    const [ada, bob] = await Promise.all(["Ada", "Bob"].map((name) => Person.create(stack, name)));
    const conversation = await ada.start([bob], title);
    const first = await (await Window.open(browser, stack, ada)).logIn();
    const second = await (await first.another()).logIn();
    for (const tab of [first, second]) await tab.openListed(title);
    const say = (id, body) => bob.post(`/conversations/${conversation}/messages`, { id, body });
    const stored = async () => (await ada.log(conversation)).map(({ body }) => body);
    return { first, second, say, stored };
  }

  test("one tab holds the connection, and both show every message once", async () => {
    const { first, second, say, stored } = await tabs("Side by side");
    await say("b-1", "To both of you.");
    await second.message("To both of you.", "sent").waitFor();
    await Promise.all([first.say("From the first."), second.say("From the second.")]);
    for (const tab of [first, second])
      for (const body of ["From the first.", "From the second."])
        await tab.message(body, "sent").waitFor();
    const all = await stored();
    assert.deepEqual(all.toSorted(), ["From the first.", "From the second.", "To both of you."]);
    for (const tab of [first, second]) await tab.shows(all);
    assert.deepEqual([first.sockets.length, second.sockets.length], [1, 0]);
    await first.close();
  });

  test("when the leading tab closes while it sends, the other takes over", async () => {
    const { first, second, say, stored } = await tabs("Taking over");
    // The message is stored, but its function is killed before the reply. The next message waits
    // behind it.
    await stack.injectFaults({ function: "killAfter", on: ["SendMessageFunction"], times: 1 });
    await first.say("Stored, never acknowledged.");
    await second.say("Waiting its turn.");
    for (const tab of [first, second])
      for (const body of ["Stored, never acknowledged.", "Waiting its turn."])
        await tab.message(body).waitFor();
    await first.closeTab();
    await second.connected();
    await say("b-1", "To the one that is left.");
    await second.message("To the one that is left.", "sent").waitFor();
    await second.message("Waiting its turn.", "sent").waitFor();
    const all = await stored();
    assert.deepEqual(all.toSorted(), [
      "Stored, never acknowledged.",
      "To the one that is left.",
      "Waiting its turn.",
    ]);
    await second.shows(all);
    assert.equal(second.sockets.length, 1);

    const third = await (await second.another()).logIn();
    await third.openListed("Taking over");
    await third.shows(all);
    assert.equal(third.sockets.length, 0);
    await second.close();
  });
});
