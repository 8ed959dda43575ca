/**
 * Who is here, in real Chromium: pages that are closed, killed, frozen, reloaded, hidden or
 * connected anew. Tests move the clocks of the pages, and the time at which the server last heard of
 * a person.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Person } from "../lib/people.js";
import { suite } from "../lib/suite.js";
import { lookedEarlier } from "../lib/table.js";
import { launch, launchToKill, Window } from "../lib/window.js";

const MINUTE = 60_000;
/** How long a person counts as online after their page has said so. */
const LEASE_MS = 5.5 * MINUTE;
/** Longer than the gateway keeps a connection. */
const TWO_HOURS_MS = 2 * 60 * MINUTE + 1;

const isPong = ({ event }) => event === "pong";

/** Waits until something is true of a window, while its page works. */
async function until(window, isTrue) {
  while (!isTrue()) await window.page.evaluate(() => null);
}

/** Waits until the page has said that its person is active, `times` times, and is answered. */
async function saysActive(window, times = 1) {
  await until(window, () => activeIn(window) >= times);
  await until(window, () => isAnswered(window));
}

const activeIn = ({ sent }) => sent.filter(({ presence }) => presence === "active").length;

/** Whether the page has an answer to each of its pings. */
const isAnswered = ({ sent, received }) =>
  sent.filter(({ action }) => action === "ping").length <= received.filter(isPong).length;

suite("browser: presence", (stack) => {
  /** @type {import('playwright-core').Browser} */ let browser;

  before(async () => {
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
  });

  /** Opens a conversation in a window whose clock the test moves. */
  async function look(inBrowser, person, title) {
    const install = (page) => page.clock.install();
    const window = await Window.open(inBrowser, stack, person, {}, install);
    await window.logIn();
    await window.openListed(title);
    return window;
  }

  /** Lets Ada and Bob look at a conversation; Bob's window shows that Ada is online. */
  async function both(title, adasBrowser = browser) {
    const [ada, bob] = await Promise.all(["Ada", "Bob"].map((name) => Person.create(stack, name)));
    await ada.start([bob], title);
    const bobs = await look(browser, bob, title);
    const adas = await look(adasBrowser, ada, title);
    await saysActive(adas);
    /** Returns what Bob's window shows of Ada after the answer to its next ping. */
    const answer = async () => {
      await until(bobs, () => isAnswered(bobs));
      const answered = bobs.nextFrame(isPong);
      await bobs.page.clock.fastForward(MINUTE);
      await answered;
      await bobs.page.evaluate(() => null);
      const presence = bobs.hook("presence");
      return (await presence.isVisible()) ? presence.textContent() : "";
    };
    for (let answers = 0; (await answer()) !== "online"; answers += 1)
      assert.ok(answers < 10, "Ada is not shown as online");
    return { ada, adas, bobs, answer };
  }

  /** Lets a page believe that its window is hidden or shown. */
  const show = (window, isShown) =>
    window.page.evaluate(
      (value) => {
        Object.defineProperty(document, "visibilityState", { value, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
      },
      isShown ? "visible" : "hidden",
    );

  /** Hides a page for so long that it says so. */
  async function hide(window) {
    await show(window, false);
    const answered = window.nextFrame(isPong);
    await window.page.clock.fastForward(10_000);
    await answered;
    const said = window.sent.findLast(({ presence }) => presence !== undefined);
    assert.equal(said.presence, "away");
  }

  /** Asserts that the lease keeps Ada online, and that the second answer after its end does not. */
  async function endsWithTheLease(ada, answer) {
    for (let answers = 0; answers < 3; answers += 1) assert.equal(await answer(), "online");
    await lookedEarlier(stack, ada, LEASE_MS);
    assert.equal(await answer(), "online", "one answer is not enough");
    assert.match(await answer(), /^last seen/);
  }

  test("a window that is closed is gone when its lease has ended", async () => {
    const { ada, adas, bobs, answer } = await both("Closed");
    await adas.close();
    await endsWithTheLease(ada, answer);
    await bobs.close();
  });

  test("a browser that is killed is gone when its lease has ended", async (context) => {
    const { browser: adasBrowser, kill } = await launchToKill();
    context.after(kill);
    const { ada, bobs, answer } = await both("Killed", adasBrowser);
    await kill();
    await endsWithTheLease(ada, answer);
    await bobs.close();
  });

  test("a frozen page is gone when its lease has ended, and back when it goes on", async () => {
    const { ada, adas, bobs, answer } = await both("Frozen");
    const session = await adas.context.newCDPSession(adas.page);
    const sent = adas.sent.length;
    await session.send("Page.setWebLifecycleState", { state: "frozen" });
    await endsWithTheLease(ada, answer);
    assert.equal(adas.sent.length, sent, "a frozen page says nothing");
    await session.send("Page.setWebLifecycleState", { state: "active" });
    const times = activeIn(adas);
    await adas.page.clock.fastForward(LEASE_MS);
    await until(adas, () => isAnswered(adas));
    await adas.page.mouse.move(100, 100);
    await adas.page.mouse.move(200, 200);
    await saysActive(adas, times + 1);
    assert.equal(await answer(), "online");
    await Promise.all([adas.close(), bobs.close()]);
  });

  test("a page that is reloaded stays online at every answer", async () => {
    const { adas, bobs, answer } = await both("Reloaded");
    for (let time = 0; time < 3; time += 1) {
      await adas.page.reload();
      assert.equal(await answer(), "online");
      await adas.connected();
      assert.equal(await answer(), "online");
    }
    await Promise.all([adas.close(), bobs.close()]);
  });

  test("connections that end after two hours change nothing", async () => {
    const { adas, bobs, answer } = await both("Two hours");
    const again = [adas, bobs].map(({ page }) => page.waitForEvent("websocket"));
    const clock = `${stack.http}/.local/clock`;
    const { aheadMs } = await (await fetch(clock)).json();
    const body = JSON.stringify({ aheadMs: aheadMs + TWO_HOURS_MS });
    assert.ok((await fetch(clock, { method: "PUT", body })).ok);
    await Promise.all(again);
    for (const window of [adas, bobs]) {
      await window.connected();
      assert.equal(window.sockets.length, 2);
    }
    for (let answers = 0; answers < 3; answers += 1) assert.equal(await answer(), "online");
    await Promise.all([adas.close(), bobs.close()]);
  });

  test("of two devices, only the last one that looks away counts", async () => {
    const { ada, adas: desk, bobs, answer } = await both("Two devices");
    const phone = await look(browser, ada, "Two devices");
    await saysActive(phone);
    for (let answers = 0; answers < 2; answers += 1) assert.equal(await answer(), "online");
    await hide(desk);
    for (let answers = 0; answers < 3; answers += 1) assert.equal(await answer(), "online");
    await hide(phone);
    assert.equal(await answer(), "online", "one answer is not enough");
    assert.match(await answer(), /^last seen/);
    const times = activeIn(desk);
    await show(desk, true);
    await saysActive(desk, times + 1);
    assert.equal(await answer(), "online");
    await Promise.all([desk.close(), phone.close(), bobs.close()]);
  });
});
