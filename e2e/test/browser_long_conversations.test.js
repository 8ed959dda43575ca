/** Long conversations with reactions and quotes, in real Chromium: what is read, and what is rendered. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Person } from "../lib/people.js";
import { suite } from "../lib/suite.js";
import { fill, fillWithReactions } from "../lib/table.js";
import { launch, Window } from "../lib/window.js";

suite("browser: long conversations", (stack) => {
  /** @type {import('playwright-core').Browser} */ let browser;

  before(async () => {
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
  });

  const open = async (person) =>
    (await Window.open(browser, stack, person, { reducedMotion: "reduce" })).logIn();

  test("a log that ends with many reactions is read until there are messages to show", async () => {
    const [ada, bob] = await Promise.all(["Ada", "Bob"].map((name) => Person.create(stack, name)));
    const long = await ada.start([bob], "Many reactions");
    await fillWithReactions(stack, long, { sender: ada, other: bob }, { count: 400, later: 400 });
    const window = await open(ada);
    await window.openListed("Many reactions");
    const newest = "Message 400 of a long conversation.";
    await window.message(newest, "sent").waitFor();
    for (const emoji of ["👍", "❤"])
      await window
        .message(newest)
        .locator(`[data-testid="reaction"][data-emoji="${emoji}"]`)
        .waitFor();
    const pages = window.requests.filter((request) => request.includes(`${long}/events`));
    assert.ok(pages.length <= 5, `${pages.length} pages`);
    await window.close();
  });

  test("a quote of an old message is read, and leads there", async () => {
    const [ada, bob] = await Promise.all(["Ada", "Bob"].map((name) => Person.create(stack, name)));
    const long = await ada.start([bob], "A long conversation");
    await fill(stack, long, ada, 600);
    const body = stack.secret("As was said long ago.");
    await bob.post(`/conversations/${long}/messages`, { id: "b-1", body, replyTo: 5 });
    const window = await open(ada);
    await window.openListed("A long conversation");
    const quote = window.message("As was said long ago.").getByTestId("message-quote");
    await quote.filter({ hasText: "Message 5 of a long conversation." }).waitFor();
    await ada.patch(`/conversations/${long}/messages/5`, { id: "e-1", body: "Changed by now." });
    // The message is older than its sender may edit it: nothing changes.
    await ada.delete(`/conversations/${long}/messages/5?id=d-1`);
    await quote.filter({ hasText: "Deleted message" }).waitFor();
    await quote.click();
    await window.page.waitForFunction(() => document.activeElement.matches('[data-seq="5"]'));
    const isInView = await window.page.evaluate(() => {
      const { top, bottom } = document.activeElement.getBoundingClientRect();
      const view = document.querySelector(".scroller").getBoundingClientRect();
      return top >= view.top && bottom <= view.bottom;
    });
    assert.equal(isInView, true);
    await window.close();
  });

  test("a long conversation with reactions has rows only on the screen, and needs no other requests", async () => {
    const [ada, bob] = await Promise.all(["Ada", "Bob"].map((name) => Person.create(stack, name)));
    const long = await ada.start([bob], "A long conversation");
    const messages = 600;
    await fill(stack, long, ada, messages);
    const reacted = [];
    for (let seq = 3; seq <= messages; seq += 30) {
      for (const [person, emoji] of [
        [ada, "👍"],
        [bob, "👍"],
        [bob, "🎉"],
      ]) {
        const path = `/conversations/${long}/messages/${seq}/reactions/${encodeURIComponent(emoji)}`;
        assert.equal((await person.put(path)).status, 200);
      }
      reacted.push(`${seq} 👍2 🎉1`);
    }
    const window = await open(ada);
    await window.openListed("A long conversation");
    await window.message(`Message ${messages} of a long conversation.`, "sent").waitFor();
    await window.hook("message-actions").first().waitFor({ state: "attached" });
    const { mostRows, mostButtons, seen } = await window.page.evaluate(async () => {
      const scroller = document.querySelector(".scroller");
      const rows = () => [...document.querySelectorAll('[data-testid="message"]')];
      const seen = new Map();
      let [mostRows, mostButtons] = [0, 0];
      const look = () => {
        mostRows = Math.max(mostRows, rows().length);
        mostButtons = Math.max(mostButtons, scroller.querySelectorAll("button").length);
        for (const row of rows()) {
          const chips = [...row.querySelectorAll('[data-testid="reaction"]')];
          if (chips.length > 0)
            seen.set(
              row.dataset.seq,
              [
                row.dataset.seq,
                ...chips.map(({ children }) => children[0].textContent + children[1].textContent),
              ].join(" "),
            );
        }
      };
      for (look(); rows()[0]?.dataset.seq !== "1" || scroller.scrollTop > 0; look()) {
        scroller.scrollTop -= scroller.clientHeight / 2;
        for (let frames = 0; frames < 2; frames += 1)
          await new Promise((resolve) => requestAnimationFrame(resolve));
      }
      return { mostRows, mostButtons, seen: [...seen.values()] };
    });
    assert.deepEqual(
      seen.toSorted((one, other) => parseInt(one, 10) - parseInt(other, 10)),
      reacted,
    );
    assert.ok(mostRows < 200, `${mostRows} rows at the same time`);
    assert.ok(mostButtons < 1.5 * mostRows, `${mostButtons} buttons in ${mostRows} rows`);
    const pages = window.requests.filter((request) => request.includes(`${long}/events`));
    assert.ok(pages.length <= 1 + Math.ceil((messages + 60) / 50), `${pages.length} pages`);
    assert.ok(!window.requests.some((request) => request.includes("reactions")));

    // Scrolling through what is loaded and read renders no more than the rows that come.
    const { frames, renders } = await window.page.evaluate(async () => {
      const { Conversation } = await import("/client/index.js");
      const { lines } = Conversation.prototype;
      let renders = 0;
      Conversation.prototype.lines = function () {
        renders += 1;
        return lines.call(this);
      };
      const scroller = document.querySelector(".scroller");
      const frames = 60;
      for (let frame = 0; frame < frames; frame += 1) {
        scroller.scrollTop += scroller.clientHeight / 2;
        await new Promise((resolve) => requestAnimationFrame(resolve));
      }
      Conversation.prototype.lines = lines;
      return { frames, renders };
    });
    assert.ok(renders < frames / 4, `${renders} in ${frames} frames`);
    await window.close();
  });
});
