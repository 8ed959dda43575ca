/**
 * Messages that change and refer to one another, in real Chromium: replies, edits, deletions and
 * reactions of two people.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { audit } from "../lib/audit.js";
import { Person } from "../lib/people.js";
import { suite } from "../lib/suite.js";
import { blockable, launch, Window } from "../lib/window.js";

const STILL = { reducedMotion: "reduce" };
const PHONE = {
  ...STILL,
  viewport: { width: 360, height: 720 },
  deviceScaleFactor: 2,
  isMobile: true,
  hasTouch: true,
};

suite("browser: living messages", (stack) => {
  /** @type {import('playwright-core').Browser} */ let browser;

  before(async () => {
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
  });

  const open = async (person, options = STILL, prepare = undefined) =>
    (await Window.open(browser, stack, person, options, prepare)).logIn();
  const speak = (person, conversation, id, body, more = {}) =>
    person.post(`/conversations/${conversation}/messages`, {
      id,
      body: stack.secret(body),
      ...more,
    });
  const assertAccessible = async (window, screen) =>
    assert.deepEqual((await audit(window)).violations, [], screen);
  /** Opens the actions of the message with this text. */
  const act = async (window, body) => {
    await window.message(body).hover();
    await window.message(body).getByTestId("message-actions").click();
    await window.hook("message-menu").waitFor();
  };
  const choose = async (window, body, command) => {
    await act(window, body);
    await window.hook(command).click();
  };
  const chip = (window, body, emoji) =>
    window.message(body).locator(`[data-testid="reaction"][data-emoji="${emoji}"]`);
  /** The test id of the element with the focus. */
  const focused = (window) =>
    window.page.evaluate(
      () => document.activeElement?.dataset.testid ?? document.activeElement?.className,
    );

  /** Ada and Bob in one conversation, with a window each. */
  async function talking(title, options, prepare) {
    const [ada, bob] = await Promise.all(["Ada", "Bob"].map((name) => Person.create(stack, name)));
    const conversation = await ada.start([bob], title);
    await speak(ada, conversation, "a-1", "Helo, everybody.");
    const adas = await Window.open(browser, stack, ada, options ?? STILL, prepare);
    await adas.submitLogin();
    const bobs = await open(bob);
    for (const window of [adas, bobs]) {
      await window.openListed(title);
      await window.message("Helo, everybody.", "sent").waitFor();
      await window.hook("message-actions").first().waitFor({ state: "attached" });
    }
    const close = () => Promise.all([adas.close(), bobs.close()]);
    return { ada, bob, adas, bobs, conversation, close };
  }

  for (const transport of ["sockets", "HTTP"]) {
    test(`an edit, a reply and a deletion show to both, over ${transport}`, async () => {
      const { adas, bobs, ada, conversation, close } = await talking(
        `By ${transport}`,
        STILL,
        transport === "HTTP" ? (page) => blockable(page, true) : undefined,
      );
      await choose(adas, "Helo, everybody.", "menu-edit");
      assert.equal(await adas.hook("composer-input").inputValue(), "Helo, everybody.");
      await adas.hook("composer-input").fill(stack.secret("Hello, everybody."));
      await adas.page.keyboard.press("Enter");
      for (const window of [adas, bobs]) {
        await window.message("Hello, everybody.", "sent").waitFor({ timeout: 60_000 });
        await window
          .hook("message-edited")
          .filter({ hasText: /^\(edited .*\d.*\)$/ })
          .waitFor();
      }
      await choose(bobs, "Hello, everybody.", "menu-reply");
      await bobs.hook("composer-mode").filter({ hasText: "Ada" }).waitFor();
      await bobs.say("Hello, Ada.");
      const quotes = [adas, bobs].map((window) =>
        window.message("Hello, Ada.").getByTestId("message-quote"),
      );
      for (const quote of quotes) await quote.filter({ hasText: "Hello, everybody." }).waitFor();
      assert.equal(await bobs.hook("composer-mode").count(), 0);
      await choose(adas, "Hello, everybody.", "menu-edit");
      await adas.hook("composer-input").fill(stack.secret("Good morning."));
      await adas.hook("composer-send").click();
      for (const quote of quotes)
        await quote.filter({ hasText: "Good morning." }).waitFor({ timeout: 60_000 });
      await choose(adas, "Good morning.", "menu-delete");
      await adas.hook("delete-dialog").filter({ hasText: "Good morning." }).waitFor();
      await adas.hook("delete-confirm").click();
      await adas.message("You deleted a message").waitFor();
      await bobs.message("\u2068Ada\u2069 deleted a message").waitFor({ timeout: 60_000 });
      for (const quote of quotes) await quote.filter({ hasText: "Deleted message" }).waitFor();
      assert.doesNotMatch(
        await bobs.page.locator("body").textContent(),
        /Good morning|Hello, every/,
      );
      const log = await ada.log(conversation);
      assert.deepEqual(
        log.map(({ event }) => event),
        ["message", "messageEdited", "message", "messageEdited", "messageDeleted"],
      );
      assert.equal(log[2].replyTo, 1);
      await close();
    });

    test(`reactions show to both, over ${transport}; a double click ends as it began`, async () => {
      const { adas, bobs, ada, conversation, close } = await talking(
        `Reactions by ${transport}`,
        STILL,
        transport === "HTTP" ? (page) => blockable(page, true) : undefined,
      );
      const body = "Helo, everybody.";
      await act(adas, body);
      await adas.page.locator('[data-testid="react"][data-emoji="❤"]').click();
      for (const window of [adas, bobs])
        await chip(window, body, "❤").filter({ hasText: "❤\ufe0f1" }).waitFor({ timeout: 60_000 });
      assert.equal(await chip(adas, body, "❤").getAttribute("aria-pressed"), "true");
      assert.equal(await chip(bobs, body, "❤").getAttribute("aria-pressed"), "false");
      const named = bobs.page.getByRole("button", { name: /^❤\ufe0f .Ada.$/, pressed: false });
      await named.waitFor();
      await chip(bobs, body, "❤").click();
      for (const window of [adas, bobs])
        await chip(window, body, "❤").filter({ hasText: "❤\ufe0f2" }).waitFor({ timeout: 60_000 });
      await chip(adas, body, "❤").dblclick();
      assert.equal(await chip(adas, body, "❤").getAttribute("aria-pressed"), "true");
      // Any emoji can be chosen, or pasted.
      await act(adas, body);
      await adas.hook("react-more").click();
      await adas.hook("emoji-search").fill("rocket");
      await adas.hook("emoji").filter({ hasText: "🚀" }).click();
      await chip(bobs, body, "🚀").waitFor({ timeout: 60_000 });
      await act(adas, body);
      await adas.hook("react-more").click();
      await adas.hook("emoji-search").fill("👍🏽");
      await adas.page.keyboard.press("Enter");
      await chip(bobs, body, "👍🏽").waitFor({ timeout: 60_000 });
      await chip(bobs, body, "❤").click();
      for (const window of [adas, bobs])
        await chip(window, body, "❤").filter({ hasText: "❤\ufe0f1" }).waitFor({ timeout: 60_000 });
      for (const window of [adas, bobs]) {
        await window.page.reload();
        await window.message(body, "sent").waitFor({ timeout: 60_000 });
        await chip(window, body, "❤").filter({ hasText: "❤\ufe0f1" }).waitFor({ timeout: 60_000 });
        const shown = await window
          .hook("reaction")
          .evaluateAll((all) =>
            all.map((one) => `${one.dataset.emoji} ${one.querySelector(".count").textContent}`),
          );
        assert.deepEqual(shown, ["❤ 1", "🚀 1", "👍🏽 1"]);
      }
      const wishes = (await ada.log(conversation)).filter(({ event }) => event === "reaction");
      for (const { on, user } of wishes.filter(({ emoji }) => emoji !== "❤"))
        assert.deepEqual([on, user], [true, ada.user]);
      await close();
    });
  }

  test("what was changed offline survives a reload, and is stored once", async () => {
    const { ada, adas, bobs, conversation, close } = await talking("Offline");
    await speak(ada, conversation, "a-2", "This one goes.");
    await adas.message("This one goes.", "sent").waitFor();
    await adas.context.setOffline(true);
    await adas.connection("offline");
    await choose(adas, "Helo, everybody.", "menu-edit");
    await adas.hook("composer-input").fill(stack.secret("Hello, everybody."));
    await adas.hook("composer-send").click();
    await adas.message("Hello, everybody.", "pending").waitFor();
    await choose(adas, "This one goes.", "menu-delete");
    await adas.hook("delete-confirm").click();
    await adas.message("You deleted a message", "pending").waitFor();
    // A message that is not sent yet can be edited, too.
    await adas.say("Writen offline.");
    await adas.message("Writen offline.", "pending").waitFor();
    await choose(adas, "Writen offline.", "menu-edit");
    await adas.hook("composer-input").fill(stack.secret("Written offline."));
    await adas.hook("composer-send").click();
    await adas.message("Written offline.", "pending").waitFor();
    // What was not sent leaves no trace.
    await adas.say("Never mind.");
    await adas.message("Never mind.", "pending").waitFor();
    await choose(adas, "Never mind.", "menu-delete");
    await adas.hook("delete-confirm").click();
    await adas.message("Never mind.").waitFor({ state: "detached" });
    // The page itself is loaded again while only the sockets and requests of the chat fail.
    await adas.context.setOffline(false);
    await adas.page.reload();
    for (const window of [adas, bobs]) {
      await window.message("Hello, everybody.", "sent").waitFor({ timeout: 60_000 });
      await window.message("Written offline.", "sent").waitFor({ timeout: 60_000 });
      await window.page.locator('[data-testid="message"][data-seq="2"][data-deleted]').waitFor();
    }
    const log = await ada.log(conversation);
    assert.deepEqual(
      log.map(({ event }) => event),
      ["message", "message", "messageEdited", "messageDeleted", "message", "messageEdited"],
    );
    assert.deepEqual(
      [log[0].body, log[1].body, log[4].body],
      ["Hello, everybody.", "", "Written offline."],
    );
    await close();
  });

  test("a draft keeps what it replies to: over a reload, another conversation and an edit", async () => {
    const { ada, bob, adas, bobs, conversation, close } = await talking("Replies");
    await ada.start([bob], "Elsewhere");
    const mode = (words) => adas.hook("composer-mode").filter({ hasText: words });
    await choose(adas, "Helo, everybody.", "menu-reply");
    await mode("Replying to \u2068You\u2069").waitFor();
    const draft = stack.secret("Half a reply");
    await adas.hook("composer-input").fill(draft);
    await adas.openListed("Elsewhere");
    await adas.page.waitForFunction(() => !document.querySelector('[data-testid="composer-mode"]'));
    assert.equal(await adas.hook("composer-input").inputValue(), "");
    await adas.openListed("Replies");
    await mode("Helo, everybody.").waitFor();
    await choose(adas, "Helo, everybody.", "menu-edit");
    await mode("Editing").waitFor();
    await adas.page.keyboard.press("Escape");
    await mode("Replying").waitFor();
    await adas.page.reload();
    await mode("Replying to \u2068You\u2069").filter({ hasText: "Helo, everybody." }).waitFor();
    assert.equal(await adas.hook("composer-input").inputValue(), draft);
    await adas.hook("composer-send").click();
    await bobs.message("Half a reply", "sent").getByTestId("message-quote").waitFor();
    assert.equal(await adas.hook("composer-mode").count(), 0);

    // Also if the part of the page that shows it cannot be loaded.
    await choose(adas, "Half a reply", "menu-reply");
    await adas.page.route(/decorations\.js/, (route) => route.abort());
    await adas.page.reload();
    await adas.message("Half a reply", "sent").waitFor();
    await adas.say("A whole one.");
    await bobs.message("A whole one.", "sent").getByTestId("message-quote").waitFor();
    await adas.page.unroute(/decorations\.js/);

    // If that message is deleted meanwhile, the draft replies to nothing.
    await bobs.page.reload();
    await choose(bobs, "A whole one.", "menu-reply");
    await bobs.hook("composer-mode").waitFor();
    assert.equal(
      (await ada.delete(`/conversations/${conversation}/messages/3?id=d-1`)).status,
      201,
    );
    await bobs.hook("composer-mode").waitFor({ state: "detached" });
    await bobs.say("No reply.");
    await adas.message("No reply.", "sent").waitFor();
    const log = await ada.log(conversation);
    assert.deepEqual(
      log.filter(({ event }) => event === "message").map(({ replyTo }) => replyTo),
      [undefined, 1, 2, undefined],
    );
    await close();
  });

  test("everything is done with the keyboard, and the focus is never lost", async () => {
    const { adas, bobs, close } = await talking("Keys");
    const { page } = adas;
    const press = async (...keys) => {
      for (const key of keys) await page.keyboard.press(key);
    };
    await adas.hook("composer-input").focus();
    // Editing the last message.
    await press("ArrowUp");
    await adas.hook("composer-mode").filter({ hasText: "Editing" }).waitFor();
    await assertAccessible(adas, "editing");
    await press("Escape");
    assert.equal(await adas.hook("composer-mode").count(), 0);
    assert.equal(await focused(adas), "composer-input");
    await press("ArrowUp", "Home", "Shift+End");
    await page.keyboard.type(stack.secret("Hello, everybody."));
    await press("Enter");
    await bobs.message("Hello, everybody.", "sent").waitFor();
    assert.equal(await focused(adas), "composer-input");
    // A draft is not lost while a message is edited from the list.
    await page.keyboard.type("Half a thought");
    await press("Shift+Tab");
    assert.equal(await focused(adas), "message-actions");
    await press("Enter");
    await adas.hook("message-menu").waitFor();
    await assertAccessible(adas, "the menu of a message");
    assert.equal(await focused(adas), "react");
    await press("Enter");
    await chip(bobs, "Hello, everybody.", "👍").waitFor();
    assert.equal(await focused(adas), "message-actions");
    // Taking it back removes the button that had the focus.
    await press("ArrowRight");
    assert.equal(await focused(adas), "reaction");
    await assertAccessible(adas, "reactions");
    await press("Enter");
    await chip(bobs, "Hello, everybody.", "👍").waitFor({ state: "detached" });
    assert.match(await focused(adas), /^message/);
    // The picker gives the focus back.
    await press("ArrowRight");
    assert.equal(await focused(adas), "message-actions");
    await press("Enter");
    await adas.hook("react-more").focus();
    await press("Enter");
    await adas.hook("emoji-picker").waitFor();
    assert.equal(await focused(adas), "emoji-search");
    await assertAccessible(adas, "the picker of emoji");
    await press("Escape");
    assert.equal(await focused(adas), "message-actions");
    // Cancelling an edit leads back to the message, and the draft is there.
    await press("Enter");
    await adas.hook("menu-edit").focus();
    await press("Enter");
    assert.equal(await adas.hook("composer-input").inputValue(), "Hello, everybody.");
    await press("Escape");
    assert.equal(await focused(adas), "message-actions");
    assert.equal(await adas.hook("composer-input").inputValue(), "Half a thought");
    await press("Enter");
    await adas.hook("menu-reply").focus();
    await press("Enter");
    assert.equal(await focused(adas), "composer-input");
    await assertAccessible(adas, "replying");
    stack.secret("Half a thought");
    await press("Enter");
    await bobs.message("Half a thought", "sent").getByTestId("message-quote").waitFor();
    await assertAccessible(adas, "a reply");
    // Up and down between the messages, and back.
    await press("Shift+Tab");
    assert.equal(await focused(adas), "message-actions");
    await press("ArrowLeft");
    assert.equal(await focused(adas), "message-quote");
    await press("Enter");
    const seq = () =>
      page.evaluate(() => document.activeElement.closest("[data-seq]")?.dataset.seq);
    await page.waitForFunction(() => document.activeElement.matches('[data-seq="1"]'));
    await press("ArrowDown");
    assert.notEqual(await seq(), "1");
    await press("ArrowUp", "Escape");
    assert.equal(await focused(adas), "composer-input");
    await press("Shift+Tab", "Enter");
    await adas.hook("menu-delete").focus();
    await press("Enter");
    await adas.hook("delete-dialog").waitFor();
    await assertAccessible(adas, "the question before a deletion");
    assert.equal(await focused(adas), "delete-confirm");
    await press("Escape");
    assert.equal(await focused(adas), "message-actions");
    await press("Enter");
    await adas.hook("menu-delete").focus();
    await press("Enter", "Enter");
    await bobs.message("\u2068Ada\u2069 deleted a message").waitFor();
    assert.match(await focused(adas), /^message/);
    await adas.hook("announcement").filter({ hasText: "deleted" }).waitFor({ state: "attached" });
    await assertAccessible(adas, "a deleted message");
    assert.equal(await page.locator(".conversation").isVisible(), true);
    await close();
  });

  test("on a phone, the actions are in reach, and its screens are accessible", async () => {
    const { ada, bob, bobs, conversation, adas } = await talking("A phone");
    await speak(bob, conversation, "b-1", "A reply with https://example.org/a-link", {
      replyTo: 1,
    });
    await adas.close();
    const phone = await open(ada, PHONE);
    await phone.openListed("A phone");
    await phone.hook("message-quote").filter({ hasText: "Helo, everybody." }).waitFor();
    await phone.message("Helo, everybody.").getByTestId("message-actions").tap();
    await phone.hook("message-menu").waitFor();
    await assertAccessible(phone, "the menu");
    await phone.hook("menu-edit").tap();
    await assertAccessible(phone, "editing");
    await phone.hook("composer-input").fill(stack.secret("Hello, everybody."));
    await phone.hook("composer-send").tap();
    await bobs.hook("message-quote").filter({ hasText: "Hello, everybody." }).waitFor();
    await assertAccessible(phone, "a reply and an edited message");
    await bobs.close();
    await phone.close();
  });
});
