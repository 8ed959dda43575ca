/**
 * The page beyond sending and receiving: participants, drafts, days, failed messages and
 * announcements for screen readers.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Person } from "../lib/people.js";
import { corrupt, stopCorrupting } from "../lib/corrupt_frames.js";
import { suite } from "../lib/suite.js";
import { fill } from "../lib/table.js";
import { launch, Window } from "../lib/window.js";

suite("browser: the page", (stack) => {
  /** @type {import('playwright-core').Browser} */ let browser;

  before(async () => {
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
  });

  const createPeople = (...names) => Promise.all(names.map((name) => Person.create(stack, name)));
  const open = async (person, options, prepare) =>
    (await Window.open(browser, stack, person, options, prepare)).logIn();
  const personIn = (window, { user }) =>
    window.page.locator(`[data-testid="person"][data-user="${user}"]`);
  const speak = (person, conversation, id, body) =>
    person.post(`/conversations/${conversation}/messages`, { id, body: stack.secret(body) });

  test("participants are shown once they are known, and can be added and removed", async () => {
    const [ada, bob, carol] = await createPeople("Ada", "Bob", "Carol");
    const walk = await ada.start([bob], "A walk");
    await speak(bob, walk, "b-1", "I am Bob, and here.");
    // The server's answer is delayed. Until it arrives, the page must not claim that its list is
    // complete.
    let answer;
    const asked = new Promise((resolve) => (answer = resolve));
    const window = await open(ada, {}, (page) =>
      page.route(`${stack.http}/conversations/${walk}`, async (route) => {
        await asked;
        await route.continue();
      }),
    );
    await window.openListed("A walk");
    const header = window.page.locator(".people");
    await header.filter({ hasText: /Bob.*…$/ }).waitFor();
    assert.equal(await window.hook("people").getAttribute("aria-label"), "People");
    await window.hook("people").click();
    await window.page.getByText("Loading the other participants").waitFor();
    answer();
    await header.filter({ hasText: /You, .Bob.$/ }).waitFor();
    await window.page.getByText("Loading the other participants").waitFor({ state: "hidden" });
    assert.equal(await window.hook("person").count(), 2);
    assert.doesNotMatch(await header.textContent(), /…/);

    await window.hook("add-person").fill(carol.user);
    await window.page.keyboard.press("Enter");
    await personIn(window, carol).waitFor();
    const carols = await open(carol);
    await carols.listed("A walk").waitFor();
    assert.equal(await window.hook("people").getAttribute("aria-label"), "People: 3");

    await personIn(window, bob).getByTestId("person-remove").click();
    await personIn(window, bob).getByRole("button", { name: "Cancel" }).click();
    await personIn(window, bob).getByTestId("person-remove").click();
    await personIn(window, bob).getByTestId("person-confirm").click();
    await personIn(window, bob).waitFor({ state: "detached" });
    const { body } = await ada.get(`/conversations/${walk}`);
    assert.deepEqual(
      body.participants.map(({ user }) => user).toSorted(),
      [ada.user, carol.user].toSorted(),
    );

    // Only the owner removes others; every participant may leave.
    await carols.openListed("A walk");
    await carols.hook("people").click();
    await personIn(carols, ada).waitFor();
    assert.equal(await personIn(carols, ada).getByTestId("person-remove").isVisible(), false);
    await personIn(carols, carol).getByRole("button", { name: "Leave the conversation" }).click();
    await personIn(carols, carol).getByTestId("person-confirm").click();
    await carols.listed("A walk").waitFor({ state: "detached" });
    await carols.hook("people-list").waitFor({ state: "hidden" });
    await header.filter({ hasText: /^You$/ }).waitFor();
    await Promise.all([window.close(), carols.close()]);
  });

  test("a failed addition is reported in the dialog, and the input is kept", async () => {
    const [ada, bob] = await createPeople("Ada", "Bob");
    const walk = await ada.start([bob], "A walk");
    const window = await open(bob);
    await window.openListed("A walk");
    await window.hook("people").click();
    await personIn(window, ada).waitFor();
    await window.context.setOffline(true);
    await window.hook("add-person").fill("carol");
    await window.hook("add-person-submit").click();
    await window.page.getByText("The server did not answer").waitFor();
    assert.equal(await window.hook("add-person").inputValue(), "carol");
    await window.context.setOffline(false);
    await window.connected();
    // The dialog closes when its user is removed from the conversation.
    await ada.delete(`/conversations/${walk}/participants/${bob.user}`);
    await window.hook("people-list").waitFor({ state: "hidden" });
    await window.close();
  });

  test("drafts belong to their conversation, survive a reload and are deleted at logout", async () => {
    const [ada, bob] = await createPeople("Ada", "Bob");
    await ada.start([bob], "One");
    await ada.start([bob], "Two");
    const window = await open(ada);
    const input = window.hook("composer-input");
    await window.openListed("One");
    await input.fill(stack.secret("Half a thought,\nin two lines"));
    await window.openListed("Two");
    assert.equal(await input.inputValue(), "");
    await window.listed("One").filter({ hasText: "Draft: Half a thought," }).waitFor();
    await window.page.reload();
    await window.connected();
    await window.openListed("One");
    assert.equal(await input.inputValue(), "Half a thought,\nin two lines");
    await window.hook("composer-send").click();
    await window.message("Half a thought,\nin two lines", "sent").waitFor();
    await window.page.reload();
    await window.connected();
    await input.waitFor();
    assert.equal(await input.inputValue(), "", "a sent message leaves no draft");

    await input.fill(stack.secret("Never to be read by others"));
    await window.hook("logout").click();
    await window.hook("login-user").waitFor();
    const kept = await window.page.evaluate(() =>
      JSON.stringify([{ ...sessionStorage }, { ...localStorage }]),
    );
    assert.doesNotMatch(kept, /Never to be read/);
    await window.logIn();
    await window.openListed("One");
    assert.equal(await input.inputValue(), "");
    await window.close();
  });

  test("a rejected message can be retried or discarded", async () => {
    const [ada, bob] = await createPeople("Ada", "Bob");
    const walk = await ada.start([bob], "A walk");
    const window = await open(ada, {}, (page) => corrupt(page, "Rejected"));
    await window.openListed("A walk");
    await window.say("Rejected, and later stored.");
    const failed = window.message("Rejected, and later stored.", "failed");
    await failed.getByText(/^Not sent\./).waitFor();
    await window
      .hook("announcement")
      .filter({ hasText: "Not sent: Rejected, and later stored." })
      .waitFor({ state: "attached" });
    await window.say("Rejected for good.");
    await window.message("Rejected for good.", "failed").getByTestId("message-discard").click();
    await window.message("Rejected for good.").waitFor({ state: "detached" });
    await stopCorrupting(window.page);
    await failed.getByTestId("message-retry").click();
    await window.shows(["Rejected, and later stored."]);
    assert.deepEqual(
      (await ada.log(walk)).map(({ body }) => body),
      ["Rejected, and later stored."],
    );
    await window.close();
  });

  test("messages are grouped by day, and new ones are announced to screen readers", async () => {
    const [ada, bob] = await createPeople("Ada", "Bob");
    const long = await ada.start([bob], "A long conversation");
    await fill(stack, long, ada, 3);
    const window = await open(ada);
    await window.openListed("A long conversation");
    await window.message("Message 3 of a long conversation.", "sent").waitFor();
    await speak(bob, long, "b-1", "The first word of today.");
    await window.message("The first word of today.", "sent").waitFor();
    const order = await window.page
      .locator('.day, [data-testid="message"]')
      .evaluateAll((rows) => rows.map((row) => row.dataset.seq ?? row.textContent));
    assert.deepEqual(order, ["November 14, 2023", "1", "2", "3", "Today", "4"]);
    await window
      .hook("announcement")
      .filter({ hasText: "Bob: The first word of today." })
      .waitFor({ state: "attached" });
    await window.close();
  });

  test("the title shows the open conversation and the unread count", async () => {
    const [ada, bob] = await createPeople("Ada", "Bob");
    const [one, two] = [await ada.start([bob], "One"), await ada.start([bob], "Two")];
    const window = await open(bob);
    const titled = (title) =>
      window.page.waitForFunction((wanted) => document.title === wanted, title);
    await titled("Confab");
    await window.openListed("One");
    await titled("One · Confab");
    // A message is read when it was on screen for a second.
    const read = window.sockets
      .at(-1)
      .waitForEvent("framesent", ({ payload }) => JSON.parse(payload).action === "receipt");
    await speak(ada, one, "a-1", "Seen at once.");
    await window.message("Seen at once.", "sent").waitFor();
    await read;
    for (const id of ["a-1", "a-2"]) await speak(ada, two, id, `In the other one, ${id}.`);
    await window.listed("Two").getByLabel("2 unread").waitFor();
    await titled("(2) One · Confab");
    await window.openListed("Two");
    await titled("Two · Confab");
    await window.close();
  });

  test("a conversation of 10,000 messages has rows only on the screen, and a new message adds few", async () => {
    const [ada, bob] = await createPeople("Ada", "Bob");
    const long = await ada.start([bob], "A long conversation");
    await fill(stack, long, ada, 10_000);
    const window = await open(ada);
    await window.openListed("A long conversation");
    await window.message("Message 10000 of a long conversation.", "sent").waitFor();
    // Scrolls up to the beginning, half a screen at a time.
    const { maxRows, seen } = await window.page.evaluate(async () => {
      const scroller = document.querySelector(".scroller");
      const rows = () => document.querySelectorAll('[data-testid="message"]');
      const seen = new Set();
      let maxRows = 0;
      const look = () => {
        const { top, bottom } = scroller.getBoundingClientRect();
        maxRows = Math.max(maxRows, rows().length);
        for (const row of rows()) {
          const box = row.getBoundingClientRect();
          if (box.bottom > top && box.top < bottom) seen.add(row.dataset.seq);
        }
      };
      for (look(); rows()[0]?.dataset.seq !== "1" || scroller.scrollTop > 0; look()) {
        scroller.scrollTop -= scroller.clientHeight / 2;
        for (let frames = 0; frames < 2; frames += 1)
          await new Promise((resolve) => requestAnimationFrame(resolve));
      }
      return { maxRows, seen: seen.size };
    });
    assert.ok(maxRows < 200, `${maxRows} rows at the same time`);
    assert.equal(seen, 10_000, "loading does not move the reader");
    await window.page.evaluate(() => {
      const scroller = document.querySelector(".scroller");
      scroller.scrollTop = scroller.scrollHeight;
    });
    await window.message("Message 10000 of a long conversation.", "sent").waitFor();
    await window.page.evaluate(() => {
      globalThis.confabChanges = [];
      new MutationObserver((changes) =>
        globalThis.confabChanges.push(
          ...changes
            .flatMap(({ addedNodes }) => [...addedNodes])
            .filter(({ dataset }) => dataset?.testid === "message"),
        ),
      ).observe(document.querySelector('[data-testid="message-list"]'), {
        childList: true,
        subtree: true,
      });
    });
    await speak(bob, long, "b-1", "And they lived happily ever after.");
    await window.message("And they lived happily ever after.", "sent").waitFor();
    const made = await window.page.evaluate(() =>
      globalThis.confabChanges.map(({ dataset }) => dataset.seq),
    );
    assert.deepEqual(
      made.filter((seq) => seq === "10001"),
      ["10001"],
    );
    assert.ok(made.length <= 41, `one message added ${made.length} rows`);
    await window.close();
  });

  test("on a phone Enter starts a new line, and opening a conversation does not open the keyboard", async () => {
    const [ada, bob] = await createPeople("Ada", "Bob");
    await ada.start([bob], "A walk");
    const window = await open(ada, {
      viewport: { width: 390, height: 844 },
      isMobile: true,
      hasTouch: true,
    });
    await window.listed("A walk").tap();
    await window.hook("composer-input").waitFor();
    assert.equal(await window.page.evaluate(() => document.activeElement.tagName), "H2");
    await window.hook("composer-input").tap();
    await window.page.keyboard.type("Two");
    await window.page.keyboard.press("Enter");
    await window.page.keyboard.type("lines");
    stack.secret("Two\nlines");
    await window.hook("composer-send").tap();
    await window.shows(["Two\nlines"]);
    await window.close();
  });
});
