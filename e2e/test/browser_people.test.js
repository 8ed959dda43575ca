/**
 * People in real Chromium: who types, who has read, unread counts on two devices, and suggestions
 * of people.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { audit } from "../lib/audit.js";
import { Person } from "../lib/people.js";
import { suite } from "../lib/suite.js";
import { launch, Window } from "../lib/window.js";

const PHONE = {
  viewport: { width: 360, height: 720 },
  deviceScaleFactor: 2,
  isMobile: true,
  hasTouch: true,
  reducedMotion: "reduce",
};

suite("browser: people", (stack) => {
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
  const speak = (person, conversation, id, body) =>
    person.post(`/conversations/${conversation}/messages`, { id, body: stack.secret(body) });
  const assertAccessible = async (window, screen) =>
    assert.deepEqual((await audit(window)).violations, [], screen);

  test("one types, the other sees it, and not after the message is there", async () => {
    const [ada, bob] = await createPeople("Ada", "Bob");
    await ada.start([bob], "Typing");
    const [adas, bobs] = [await open(ada), await open(bob, PHONE)];
    for (const window of [adas, bobs]) await window.openListed("Typing");
    const typing = bobs.hook("typing").filter({ hasText: /^.?Ada.? is typing…$/ });
    const body = stack.secret("Are you there?");
    await adas.hook("composer-input").pressSequentially(body, { delay: 100 });
    await typing.waitFor();
    await bobs.hook("typing-news").filter({ hasText: "Ada" }).waitFor({ state: "attached" });
    await assertAccessible(bobs, "somebody types");
    await adas.hook("composer-send").click();
    await bobs.message(body, "sent").waitFor();
    await typing.waitFor({ state: "hidden" });
    // A restored draft types nothing; an emptied field ends it.
    await adas.hook("composer-input").pressSequentially("Half a thought", { delay: 100 });
    await typing.waitFor();
    await adas.hook("composer-input").fill("");
    await typing.waitFor({ state: "hidden" });
    await Promise.all([adas.close(), bobs.close()]);
  });

  test("a closed tab leaves nothing typed after 12 s", async () => {
    const [ada, bob] = await createPeople("Ada", "Bob");
    await ada.start([bob], "Closing");
    const [adas, bobs] = [await open(ada), await open(bob, {}, (page) => page.clock.install())];
    for (const window of [adas, bobs]) await window.openListed("Closing");
    await adas.hook("composer-input").pressSequentially("Half a thought", { delay: 100 });
    await bobs.hook("typing").waitFor();
    await adas.close();
    await bobs.page.clock.fastForward(12_000);
    await bobs.hook("typing").waitFor({ state: "hidden" });
    assert.deepEqual(
      bobs.received.filter(({ forMs }) => forMs === 0),
      [],
      "a frame ended it",
    );
    await bobs.close();
  });

  test("a restored draft types nothing", async () => {
    const [ada, bob] = await createPeople("Ada", "Bob");
    await ada.start([bob], "Restored");
    const [adas, bobs] = [await open(ada), await open(bob, {}, (page) => page.clock.install())];
    for (const window of [adas, bobs]) await window.openListed("Restored");
    const input = adas.hook("composer-input");
    const draft = stack.secret("Half a thought");
    await input.pressSequentially(draft, { delay: 100 });
    await bobs.hook("typing").waitFor();
    const before = adas.sent.length;
    await adas.page.reload();
    await adas.connected();
    await input.waitFor();
    assert.equal(await input.inputValue(), draft);
    await bobs.page.clock.fastForward(12_000);
    await bobs.hook("typing").waitFor({ state: "hidden" });
    await adas.hook("composer-send").click();
    await bobs.message(draft, "sent").waitFor();
    const isTyping = ({ action }) => action === "typing";
    assert.deepEqual(adas.sent.slice(before).filter(isTyping), []);
    // The page of the restored draft does tell of what is typed then.
    await input.pressSequentially("Another one", { delay: 100 });
    await bobs.hook("typing").waitFor();
    assert.equal(adas.sent.slice(before).filter(isTyping).length, 1);
    await Promise.all([adas.close(), bobs.close()]);
  });

  test("typing that a message has overtaken is not shown", async () => {
    const [ada, bob, carol] = await createPeople("Ada", "Bob", "Carol");
    const room = await ada.start([bob, carol], "Overtaken");
    const [bobs, adas] = [await open(bob), await ada.connect()];
    await bobs.openListed("Overtaken");
    // What shows typing is loaded a moment after the conversation.
    const typing = bobs.hook("typing");
    await typing.waitFor({ state: "attached" });
    while (!bobs.sent.some(({ presence }) => presence === "active"))
      await bobs.page.evaluate(() => null);
    adas.send({ action: "typing", conversation: room, after: 0 });
    await typing.waitFor();
    adas.send({ action: "typing", conversation: room, after: 0, stopped: true });
    await typing.waitFor({ state: "hidden" });
    const givenUp = () => stack.output().split("pushes given up").length;
    let [head, overtaken] = [0, false];
    for (let round = 1; !overtaken; round += 1) {
      assert.ok(round <= 20, "no message has overtaken the typing before it");
      const [from, lost] = [bobs.received.length, givenUp()];
      // A push that takes longer than a second is given up.
      const slow = { management: "slowConsumer", on: ["POST"], ms: [700, 700], times: 1 };
      await stack.injectFaults(slow);
      adas.send({ action: "typing", conversation: room, after: head });
      while ((await stack.injectedFaults()) === 0) {}
      const body = stack.secret(`Faster than the typing ${round}.`);
      const message = { conversation: room, id: `a-${round}`, body, after: head };
      ({ seq: head } = await adas.request("sendMessage", message));
      await bobs.message(body, "sent").waitFor();
      const events = () => bobs.received.slice(from).map(({ event }) => event);
      while (!events().includes("typing") && givenUp() === lost)
        await bobs.page.evaluate(() => null);
      overtaken = events().indexOf("message") < events().indexOf("typing");
      // A message of another person shows that the page has handled the frames before it.
      const marker = stack.secret(`Carol marks the round ${round}.`);
      await speak(carol, room, `c-${round}`, marker);
      await bobs.message(marker, "sent").waitFor();
      head += 1;
      assert.equal(await typing.isVisible(), false);
    }
    await Promise.all([adas.close(), bobs.close()]);
  });

  test("reading on one device clears the badge on the other, and shows “Seen” to the sender", async () => {
    const [ada, bob] = await createPeople("Ada", "Bob");
    const walk = await ada.start([bob], "A walk");
    for (let n = 1; n <= 101; n += 1) await speak(ada, walk, `a-${n}`, `Message ${n}.`);
    const [phone, desk, adas] = [await open(bob, PHONE), await open(bob), await open(ada)];
    await adas.openListed("A walk");
    for (const window of [phone, desk]) {
      const badge = window.listed("A walk").getByLabel("101 unread");
      await badge.filter({ hasText: "99+" }).waitFor();
    }
    assert.equal(await adas.hook("seen").count(), 0);
    await assertAccessible(desk, "a badge");
    await phone.openListed("A walk");
    await phone.message("Message 101.", "sent").waitFor();
    await adas.hook("seen").filter({ hasText: "Seen" }).waitFor();
    await desk.listed("A walk").locator(".badge").waitFor({ state: "hidden" });
    await assertAccessible(adas, "a message that was seen");
    await Promise.all([phone.close(), desk.close(), adas.close()]);
  });

  test("a group shows who has read; a line before new messages stays", async () => {
    const [ada, bob, carol, dan, erin] = await createPeople("Ada", "Bob", "Carol", "Dan", "Erin");
    const others = [bob, carol, dan, erin];
    const group = await ada.start(others, "A group");
    await speak(ada, group, "a-1", "Who comes?");
    const adas = await open(ada);
    await adas.openListed("A group");
    const bobs = await open(bob);
    await bobs.openListed("A group");
    const line = bobs.page.locator(".new");
    await line.waitFor();
    for (const person of [carol, dan, erin]) {
      const { status } = await person.put(`/conversations/${group}/receipt`, { read: 1 });
      assert.equal(status, 200);
    }
    const seen = adas.hook("seen").filter({ hasText: "and 1" });
    await seen.waitFor();
    assert.match(await seen.textContent(), /^Seen by .*(Bob|Carol|Dan|Erin)/);
    assert.equal(await line.count(), 1, "also when the message is read");
    await assertAccessible(adas, "who has read");
    await seen.click();
    await adas.hook("readers").getByRole("listitem").nth(3).waitFor();
    assert.equal(await adas.hook("readers").getByRole("listitem").count(), 4);
    await assertAccessible(adas, "the readers");
    await Promise.all([adas.close(), bobs.close()]);
  });

  test("people are suggested by name: known ones, and those of the page's endpoint", async () => {
    const [ada, bob] = await createPeople("Ada", "Bob");
    await ada.start([bob], "Known");
    const window = await open(ada, {}, async (page) => {
      await page.route("**/config.json", async (route) => {
        const answer = await route.fetch();
        await route.fulfill({ json: { ...(await answer.json()), people: "people" } });
      });
      await page.route("**/people?*", (route) => {
        assert.match(route.request().headers().authorization ?? "", /^Bearer ./);
        return route.fulfill({ json: { people: [{ user: "u-42", name: "Bonnie Example" }] } });
      });
    });
    await window.openListed("Known");
    await window.page.locator(".people").filter({ hasText: "Bob" }).waitFor();
    await window.hook("new-conversation").click();
    await window.hook("new-participants").pressSequentially("bo");
    await window.hook("suggestion").filter({ hasText: "Bonnie Example" }).waitFor();
    assert.equal(await window.hook("suggestion").count(), 2);
    await assertAccessible(window, "suggestions");
    await window.page.keyboard.press("ArrowDown");
    await window.page.keyboard.press("Enter");
    await window.page.locator(".chip").filter({ hasText: "Bob" }).waitFor();
    await window.hook("new-participants").pressSequentially("bonnie");
    await window.hook("suggestion").filter({ hasText: "Bonnie Example" }).click();
    assert.equal(await window.page.locator(".chip").count(), 2);
    await window.page.keyboard.press("Escape");
    await window.close();
  });

  test("a person who looks at the page is online, and the dialog shows it, too", async () => {
    const [ada, bob] = await createPeople("Ada", "Bob");
    // People who were only added are not shown until they have read something.
    await speak(ada, await ada.start([bob], "Here"), "a-1", "Is anybody here?");
    const [adas, bobs] = [await open(ada), await open(bob)];
    await bobs.openListed("Here");
    await adas.openListed("Here");
    await adas.hook("presence").filter({ hasText: "online" }).waitFor({ timeout: 90_000 });
    await assertAccessible(adas, "somebody is here");
    await adas.hook("people").click();
    await adas.page.locator(`[data-user="${bob.user}"]`).getByText("online").waitFor();
    await Promise.all([adas.close(), bobs.close()]);
  });
});
