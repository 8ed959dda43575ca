/** Every screen of the page before axe-core, on a phone and on a desk, light and dark: no rule is broken anywhere. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import axe from "axe-core";

import { Person } from "../lib/people.js";
import { spoil } from "../lib/spoilt.js";
import { suite } from "../lib/suite.js";
import { fill } from "../lib/table.js";
import { launch, Window } from "../lib/window.js";

/** Colours that are half faded in or out are nobody's. */
const STILL = { reducedMotion: "reduce" };
const DEVICES = {
  desk: { ...STILL, viewport: { width: 1200, height: 800 } },
  phone: {
    ...STILL,
    viewport: { width: 360, height: 720 },
    deviceScaleFactor: 2,
    isMobile: true,
    hasTouch: true,
  },
};
/** Of WCAG 2.2 AA, and left out by axe unless asked for. */
const RULES = { "target-size": { enabled: true } };

/** Where something lies above the text, such as the button that leads to its end, axe cannot tell; the text is judged on other screens. */
const isCovered = ({ any }) => /^elmPartiallyObscured$|^bgOverlap$/.test(any[0]?.data?.messageKey);

/** What is wrong with what a window shows, each as "rule: element", in both schemes; and which rules had something to judge. */
async function judged(window) {
  const wrong = [];
  const rules = new Set();
  for (const colorScheme of ["light", "dark"]) {
    await window.page.emulateMedia({ colorScheme });
    // Evaluated, not added as an element, which the page's policy would refuse.
    await window.page.evaluate(`globalThis.axe ?? ${axe.source}`);
    const { violations, incomplete, passes } = await window.page.evaluate(
      (options) => globalThis.axe.run(options),
      { rules: RULES },
    );
    for (const { id, nodes } of [...violations, ...incomplete])
      for (const node of nodes.filter((one) => !isCovered(one)))
        wrong.push(`${colorScheme}, ${id}: ${node.target.join(" ")}: ${node.failureSummary}`);
    for (const { id } of passes) rules.add(id);
  }
  return { wrong, rules };
}

suite("browser: accessibility", (stack) => {
  /** @type {import('playwright-core').Browser} */ let browser;

  before(async () => {
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
  });

  const assertAccessible = async (window, screen) =>
    assert.deepEqual((await judged(window)).wrong, [], screen);

  for (const [device, options] of Object.entries(DEVICES)) {
    test(`on a ${device}: logging in, and a list that is empty`, async () => {
      const window = await Window.open(browser, stack, await Person.arrive(stack, "Ada"), options);
      await window.hook("login-user").waitFor();
      await assertAccessible(window, "log-in");
      await window.logIn();
      await window.page.getByText("No conversations yet").waitFor();
      await assertAccessible(window, "nothing in the list");
      await window.page.evaluate(() => sessionStorage.clear());
      await window.page.route("**/config.json", async (route) => {
        const response = await route.fetch();
        await route.fulfill({ response, json: { ...(await response.json()), login: undefined } });
      });
      await window.page.reload();
      await window.hook("login-token").fill("no token");
      await window.hook("login-submit").click();
      await window.page.getByText("This is not a token").waitFor();
      await assertAccessible(window, "logging in with a token that is none");
      await window.close();
    });

    test(`on a ${device}: the list, a conversation, its dialogs, and what goes wrong`, async () => {
      const [ada, bob] = await Promise.all(
        ["Ada", "Bob"].map((name) => Person.arrive(stack, name, undefined)),
      );
      const window = await Window.open(browser, stack, ada, options, (page) =>
        spoil(page, "Refused by the server."),
      );
      const story = await ada.start([bob], "A long story");
      await fill(stack, story, ada, 30);
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
      await assertAccessible(window, "who is in it");
      await window.page.locator(`[data-user="${bob.user}"]`).getByTestId("person-remove").click();
      await assertAccessible(window, "removing somebody");
      await window.hook("add-person").fill("x".repeat(200));
      await window.hook("add-person-submit").click();
      await window.page.getByText("That is too long for a user name.").waitFor();
      await assertAccessible(window, "nobody who could be added");
      await window.hook("people-close").click();

      await window.say("Refused by the server.");
      await window.message("Refused by the server.", "failed").waitFor();
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
      await window.openListed("A long story");
      await window.message("Message 30 of a long conversation.", "sent").waitFor();
      await window.hook("message-list").evaluate((log) => (log.parentElement.scrollTop = 0));
      await say("b-3", "Elsewhere.");
      await bob.post(`/conversations/${story}/messages`, {
        id: "b-4",
        body: "And the story goes on.",
      });
      await window.hook("jump-to-end").waitFor();
      await assertAccessible(window, "further up in a long story");
      await window.page.goto(`${stack.http}/#not-mine`);
      await window.page
        .getByText("You are not in this conversation")
        .waitFor({ state: "attached" });
      await assertAccessible(window, "a conversation of others");

      if (device === "phone") await window.page.goto(stack.http);
      await window.hook("new-conversation").click();
      await window.hook("new-participants").fill("carol, dan, ");
      await assertAccessible(window, "starting a conversation");
      await window.hook("new-title").fill("x".repeat(150) + "ü".repeat(40));
      await window.hook("new-submit").click();
      await window.page.getByText("The title is too long.").waitFor();
      await assertAccessible(window, "a conversation that cannot be started");
      await window.close();
    });
  }

  test("what is wrong would be found, by the rules for colours, names and sizes among others", async () => {
    const window = await (
      await Window.open(browser, stack, await Person.arrive(stack, "Ada"), DEVICES.desk)
    ).logIn();
    const { rules } = await judged(window);
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
    const { wrong } = await judged(window);
    for (const rule of ["color-contrast", "button-name"])
      assert.ok(
        wrong.some((one) => one.includes(rule)),
        `${rule} in ${wrong}`,
      );
    await window.close();
  });
});
