/**
 * Runs axe-core on every screen of the page, on a phone and a desktop, light and dark. No rule may
 * be violated.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { audit } from "../lib/audit.js";
import { Person } from "../lib/people.js";
import { corrupt } from "../lib/corrupt_frames.js";
import { suite } from "../lib/suite.js";
import { fill } from "../lib/table.js";
import { launch, Window } from "../lib/window.js";

/** Without animations, so that no colour is judged in the middle of a transition. */
const STILL = { reducedMotion: "reduce" };
const DEVICES = {
  desktop: { ...STILL, viewport: { width: 1200, height: 800 } },
  phone: {
    ...STILL,
    viewport: { width: 360, height: 720 },
    deviceScaleFactor: 2,
    isMobile: true,
    hasTouch: true,
  },
};

suite("browser: accessibility", (stack) => {
  /** @type {import('playwright-core').Browser} */ let browser;

  before(async () => {
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
  });

  const assertAccessible = async (window, screen) =>
    assert.deepEqual((await audit(window)).violations, [], screen);

  for (const [device, options] of Object.entries(DEVICES)) {
    test(`on a ${device}: the login and an empty list`, async () => {
      const window = await Window.open(browser, stack, await Person.create(stack, "Ada"), options);
      await window.hook("login-user").waitFor();
      await assertAccessible(window, "login");
      await window.logIn();
      await window.page.getByText("No conversations yet").waitFor();
      await assertAccessible(window, "an empty list");
      await window.page.evaluate(() => sessionStorage.clear());
      await window.page.route("**/config.json", async (route) => {
        const response = await route.fetch();
        await route.fulfill({ response, json: { ...(await response.json()), login: undefined } });
      });
      await window.page.reload();
      await window.hook("login-token").fill("no token");
      await window.hook("login-submit").click();
      await window.page.getByText("This is not a token").waitFor();
      await assertAccessible(window, "login with an invalid token");
      await window.close();
    });

    test(`on a ${device}: the list, a conversation, its dialogs and its errors`, async () => {
      const [ada, bob] = await Promise.all(
        ["Ada", "Bob"].map((name) => Person.create(stack, name, undefined)),
      );
      const window = await Window.open(browser, stack, ada, options, (page) =>
        corrupt(page, "Rejected by the server."),
      );
      const long = await ada.start([bob], "A long conversation");
      await fill(stack, long, ada, 30);
      const walk = await ada.start([bob], "A walk by the river");
      const say = (id, body) =>
        bob.post(`/conversations/${walk}/messages`, { id, body: stack.secret(body) });
      await ada.post(`/conversations/${walk}/messages`, {
        id: "a-1",
        body: "Shall we?\nOn Sunday, that is.",
      });
      await say("b-1", "Gladly: https://example.org/river has the way.");
      await window.logIn();
      await window.listed("A walk by the river").waitFor();
      await say("b-2", "And bring your boots.");
      await window.listed("And bring your boots.").waitFor();
      await assertAccessible(window, "the list");

      await window.openListed("A walk by the river");
      await window.message("And bring your boots.", "sent").waitFor();
      await assertAccessible(window, "a conversation");

      await window.hook("people").click();
      await window.page.locator(`[data-testid="person"][data-user="${bob.user}"]`).waitFor();
      await assertAccessible(window, "the participants");
      await window.page.locator(`[data-user="${bob.user}"]`).getByTestId("person-remove").click();
      await assertAccessible(window, "removing a participant");
      await window.hook("add-person").fill("x".repeat(200));
      await window.hook("add-person-submit").click();
      await window.page.getByText("That is too long for a user name.").waitFor();
      await assertAccessible(window, "an invalid participant");
      await window.hook("people-close").click();

      await window.say("Rejected by the server.");
      await window.message("Rejected by the server.", "failed").waitFor();
      await assertAccessible(window, "a failed message");
      await window.context.setOffline(true);
      await window.say("Written without a network.");
      await window.connection("offline");
      await window.message("Written without a network.", "pending").waitFor();
      await assertAccessible(window, "offline");
      await window.context.setOffline(false);
      await window.message("Written without a network.", "sent").waitFor();

      if (await window.page.getByRole("button", { name: "Back to the conversations" }).isVisible())
        await window.page.getByRole("button", { name: "Back to the conversations" }).click();
      await window.openListed("A long conversation");
      await window.message("Message 30 of a long conversation.", "sent").waitFor();
      await window.hook("message-list").evaluate((log) => (log.parentElement.scrollTop = 0));
      await say("b-3", "Elsewhere.");
      await bob.post(`/conversations/${long}/messages`, {
        id: "b-4",
        body: "And so it goes on.",
      });
      await window.hook("jump-to-end").waitFor();
      await assertAccessible(window, "scrolled up in a long conversation");
      await window.page.goto(`${stack.http}/#not-mine`);
      await window.page
        .getByText("You are not in this conversation")
        .waitFor({ state: "attached" });
      await assertAccessible(window, "a conversation without the user");

      if (device === "phone") await window.page.goto(stack.http);
      await window.hook("new-conversation").click();
      await window.hook("new-participants").fill("carol, dan, ");
      await assertAccessible(window, "starting a conversation");
      await window.hook("new-title").fill("x".repeat(150) + "ü".repeat(40));
      await window.hook("new-submit").click();
      await window.page.getByText("The title is too long.").waitFor();
      await assertAccessible(window, "an invalid new conversation");
      await window.close();
    });
  }

  test("violations of the rules for colours, names and sizes are found", async () => {
    const window = await (
      await Window.open(browser, stack, await Person.create(stack, "Ada"), DEVICES.desktop)
    ).logIn();
    const { rules } = await audit(window);
    for (const rule of [
      "color-contrast",
      "button-name",
      "target-size",
      "region",
      "page-has-heading-one",
    ])
      assert.ok(rules.has(rule), rule);
    await window.page.evaluate(() => {
      const faint = Object.assign(document.createElement("p"), {
        textContent: "Hardly to be read",
      });
      faint.style.color = "#bbb";
      document.querySelector(".empty").after(faint, document.createElement("button"));
    });
    const { violations } = await audit(window);
    for (const rule of ["color-contrast", "button-name"])
      assert.ok(
        violations.some((one) => one.includes(rule)),
        `${rule} in ${violations}`,
      );
    await window.close();
  });
});
