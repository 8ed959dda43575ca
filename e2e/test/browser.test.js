/** Two people in two windows of headless Chromium, one conversation, real functions. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Person } from "../lib/people.js";
import { suite } from "../lib/suite.js";
import { launch, Window } from "../lib/window.js";

suite("browser", (stack) => {
  /** @type {import('playwright-core').Browser} */ let browser;

  before(async () => {
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
  });

  /** Opens a window for a new user and logs them in. */
  async function windowOf(name, options) {
    const window = await Window.open(browser, stack, await Person.create(stack, name), options);
    return window.logIn();
  }

  const two = () => Promise.all([windowOf("Ada"), windowOf("Bob")]);

  /** Opens two windows with the same conversation. */
  async function talking(title) {
    const [ada, bob] = await two();
    await ada.start(title, [bob.person]);
    await bob.listed(title).click();
    await bob.hook("composer-input").waitFor();
    return [ada, bob];
  }

  test("a conversation started in one window appears in the other, and so does a message", async () => {
    const [ada, bob] = await two();
    await ada.start("Plans for Sunday", [bob.person]);
    await bob.listed("Plans for Sunday").click();
    await bob.hook("composer-input").waitFor();
    await ada.say("Shall we walk along the river?");
    await bob.message("Shall we walk along the river?", "sent").waitFor();

    // Both pages are loaded now; everything from here on must arrive through the socket.
    const before = [ada, bob].map(({ requests }) => requests.length);
    await bob.say("Yes, if it stays dry on Sunday.");
    await ada.message("Yes, if it stays dry on Sunday.", "sent").waitFor();
    await bob.message("Yes, if it stays dry on Sunday.", "sent").waitFor();
    // The page loads its own files when they are first used.
    const answers = [ada, bob]
      .flatMap(({ requests }, index) => requests.slice(before[index]))
      .filter((request) => !/^GET \S+\.(js|css)$/.test(request));
    assert.deepEqual(answers, []);

    const expected = [
      { seq: "1", state: "sent", body: "Shall we walk along the river?" },
      { seq: "2", state: "sent", body: "Yes, if it stays dry on Sunday." },
    ];
    for (const window of [ada, bob]) assert.deepEqual(await window.messages(), expected);
    await Promise.all([ada.close(), bob.close()]);
  });

  test("the history is shown again after a reload", async () => {
    const [ada, bob] = await talking("To be read again");
    await ada.say("This stays when the page is loaded anew.");
    await bob.message("This stays when the page is loaded anew.").waitFor();
    await bob.page.reload();
    await bob.connected();
    await bob.listed("To be read again").click();
    await bob.message("This stays when the page is loaded anew.", "sent").waitFor();
    assert.equal((await bob.messages()).length, 1);
    await Promise.all([ada.close(), bob.close()]);
  });

  test("a long history is loaded in pages, complete and in order", async () => {
    const bob = await windowOf("Bob");
    const conversation = await bob.person.start([], "A long conversation");
    const texts = Array.from(
      { length: 120 },
      (_, index) => `Line ${index + 1} of a long conversation.`,
    );
    for (const [index, body] of texts.entries()) {
      await bob.person.post(`/conversations/${conversation}/messages`, {
        id: `line-${index}`,
        body,
      });
    }
    await bob.listed("A long conversation").click();
    await bob.message(texts.at(-1), "sent").waitFor();
    // Only visible messages have rows, so the test scrolls up to the beginning as a reader does.
    const read = new Map();
    let maxRows = 0;
    while (!read.has("1")) {
      const shown = await bob.messages();
      for (const { seq, body } of shown) read.set(seq, body);
      maxRows = Math.max(maxRows, shown.length);
      const [top] = shown;
      await bob.hook("message").first().scrollIntoViewIfNeeded();
      if (top.seq === "1") break;
      await bob.page.waitForFunction(
        (seq) => document.querySelector('[data-testid="message"]')?.dataset.seq !== seq,
        top.seq,
      );
    }
    const inOrder = [...read]
      .sort(([one], [other]) => Number(one) - Number(other))
      .map(([, body]) => body);
    assert.deepEqual(inOrder, texts);
    assert.ok(
      maxRows < texts.length,
      `${maxRows} of ${texts.length} messages had rows at the same time`,
    );
    await bob.close();
  });

  test("message text and titles are never rendered as HTML", async () => {
    const hostile =
      '<img src=x onerror="alert(1)"><script>alert(2)</script><b>bold</b> & &lt;done&gt;';
    const [ada, bob] = await talking("<i>Leaning</i> title");
    await ada.say(hostile);
    for (const window of [ada, bob]) {
      await window.message(hostile, "sent").waitFor();
      const body = window.message(hostile).getByTestId("message-body");
      assert.equal((await body.textContent()).trim(), hostile);
      assert.equal(await body.locator("img, script, b").count(), 0);
      assert.equal(
        await window.hook("conversation-list").locator("i", { hasText: "Leaning" }).count(),
        0,
      );
    }
    await Promise.all([ada.close(), bob.close()]);
  });

  test("when the stack stops, the page says so, reconnects by itself and loses nothing", async () => {
    const [ada, bob] = await talking("Through thick and thin");
    await ada.say("Written before the interruption.");
    await bob.message("Written before the interruption.", "sent").waitFor();

    await stack.interrupt();
    for (const window of [ada, bob]) {
      await window.connection("reconnecting", "polling", "offline");
      assert.notEqual(
        // biome-ignore lint/performance/useDomNodeTextContent: the text must be visible
        (await window.hook("connection-state").innerText()).trim(),
        "",
        "the state is shown in words",
      );
    }
    await ada.say("Written during the interruption.");
    await ada.message("Written during the interruption.", "pending").waitFor();
    await stack.resume();

    await Promise.all([ada.connected(), bob.connected()]);
    for (const window of [ada, bob])
      await window.message("Written during the interruption.", "sent").waitFor({ timeout: 60_000 });
    await bob.say("Written after the interruption.");
    await ada.message("Written after the interruption.", "sent").waitFor();
    const expected = ["before", "during", "after"].map((when, index) => ({
      seq: `${index + 1}`,
      state: "sent",
      body: `Written ${when} the interruption.`,
    }));
    for (const window of [ada, bob]) assert.deepEqual(await window.messages(), expected);
    await Promise.all([ada.close(), bob.close()]);
  });

  test("nothing is lost or duplicated when function processes are killed", async () => {
    const [ada, bob] = await talking("Functions come and go");
    const texts = [1, 2, 3, 4, 5].map((n) => `Message ${n} of five, between two kills.`);
    for (const text of texts) {
      await ada.say(text);
      for (const { pid } of stack.functionProcesses()) process.kill(pid, "SIGKILL");
    }
    // A message whose function was killed is sent again after ten seconds at the earliest.
    for (const window of [ada, bob])
      for (const text of texts) await window.message(text, "sent").waitFor({ timeout: 120_000 });
    for (const window of [ada, bob]) {
      assert.deepEqual(
        await window.messages(),
        texts.map((body, index) => ({ seq: `${index + 1}`, state: "sent", body })),
      );
    }
    await Promise.all([ada.close(), bob.close()]);
  });

  test("a phone shows one pane at a time without horizontal scrolling", async () => {
    const phone = {
      viewport: { width: 390, height: 844 },
      deviceScaleFactor: 2,
      isMobile: true,
      hasTouch: true,
    };
    const [ada, bob] = [await windowOf("Ada", phone), await windowOf("Bob")];
    const assertFits = async () => {
      const { scrollWidth, innerWidth } = await ada.page.evaluate(() => ({
        scrollWidth: document.documentElement.scrollWidth,
        innerWidth,
      }));
      assert.ok(scrollWidth <= innerWidth, `${scrollWidth} px of content in ${innerWidth} px`);
    };
    await bob.start("From a desk to a phone", [ada.person]);
    await bob.say(`A word without an end: ${"endless".repeat(40)}`);
    await ada.listed("From a desk to a phone").waitFor();
    await assertFits();
    await ada.listed("From a desk to a phone").tap();
    await ada.hook("composer-input").waitFor();
    assert.equal(
      await ada.listed("From a desk to a phone").isVisible(),
      false,
      "the list is hidden",
    );
    await assertFits();

    await ada.hook("composer-input").fill("Answered with a thumb, on the way.");
    stack.secret("Answered with a thumb, on the way.");
    const box = await ada.hook("composer-send").boundingBox();
    assert.ok(
      box.y + box.height <= 844 && box.x + box.width <= 390,
      "the send button is on the screen",
    );
    assert.ok(
      Math.min(box.width, box.height) >= 40,
      `the send button is only ${box.width} × ${box.height} px`,
    );
    await ada.hook("composer-send").tap();
    await bob.message("Answered with a thumb, on the way.").waitFor();
    await Promise.all([ada.close(), bob.close()]);
  });

  test("everything can be done with the keyboard", async () => {
    const bob = await windowOf("Bob");
    const ada = await Window.open(browser, stack, await Person.create(stack, "Ada"));
    const type = (text) => ada.page.keyboard.type(text);
    const press = (key) => ada.page.keyboard.press(key);

    await ada.tabTo("login-user");
    await type(ada.person.user);
    await ada.tabTo("login-name");
    await type(ada.person.name);
    await press("Enter");
    await ada.connected();

    await ada.tabTo("new-conversation");
    await press("Enter");
    await ada.tabTo("new-title");
    await type("Without a mouse");
    await ada.tabTo("new-participants");
    await type(bob.person.user);
    await ada.tabTo("new-submit");
    await press("Enter");
    await ada.listed("Without a mouse").waitFor();
    await ada.hook("composer-input").waitFor();

    await ada.tabTo("composer-input");
    await type("The first line of two,");
    await press("Shift+Enter");
    await type("and the second.");
    await press("Enter");
    await bob.listed("Without a mouse").click();
    await bob.message("The first line of two,\nand the second.", "sent").waitFor();

    await bob.start("The other one", [ada.person]);
    await ada.listed("The other one").waitFor();
    await ada.tabTo("conversation-item", "The other one");
    await press("Enter");
    await ada.message("The first line of two,\nand the second.").waitFor({ state: "detached" });
    await Promise.all([ada.close(), bob.close()]);
  });
});
