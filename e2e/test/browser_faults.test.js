/**
 * Faults between a page and its server, in real Chromium: nothing is lost, duplicated or reordered.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Person } from "../lib/people.js";
import { suite } from "../lib/suite.js";
import { fill } from "../lib/table.js";
import { blockable, launch, Window } from "../lib/window.js";

suite("browser: faults", (stack) => {
  /** @type {import('playwright-core').Browser} */ let browser;

  before(async () => {
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
  });

  /**
   * Opens one conversation in a window of a new user. The second participant has no window.
   *
   * @param {string} title
   * @param {(page: import('playwright-core').Page, ada: Person) => Promise<unknown>} [prepare]
   *   prepares the page
   * @param {(window: Window) => Promise<unknown>} [enter] runs when the page is loaded
   */
  async function talking(
    title,
    prepare = async () => {},
    enter = (window) => window.submitLogin(),
  ) {
    const [ada, bob] = await Promise.all(["Ada", "Bob"].map((name) => Person.create(stack, name)));
    const conversation = await ada.start([bob], title);
    const window = await Window.open(browser, stack, ada, {}, (page) => prepare(page, ada));
    await enter(window);
    await window.openListed(title);
    const say = (id, body) => bob.post(`/conversations/${conversation}/messages`, { id, body });
    const stored = async () => (await ada.log(conversation)).map(({ body }) => body);
    return { ada, bob, window, conversation, say, stored };
  }

  const once = (fault) => stack.injectFaults({ ...fault, times: 1 });

  test("messages survive a network that is cut while one is sent", async () => {
    const { window, say, stored } = await talking("A cut");
    await window.connected();
    await window.say("Before the cut.");
    await window.message("Before the cut.", "sent").waitFor();
    // The function gets the message, but its reply is lost.
    await once({ connection: "cut" });
    await window.context.setOffline(true);
    await window.say("Into the cut.");
    await window.say("After the cut.");
    await window.connection("offline");
    await window.message("Into the cut.", "pending").waitFor();
    await say("b-1", "What the others said meanwhile.");
    await window.context.setOffline(false);
    await window.connected();
    await window.message("After the cut.", "sent").waitFor();
    await window.shows(await stored());
    assert.deepEqual((await stored()).toSorted(), [
      "After the cut.",
      "Before the cut.",
      "Into the cut.",
      "What the others said meanwhile.",
    ]);
    await window.close();
  });

  test("a half-open connection is noticed and replaced", async () => {
    const { window, stored } = await talking("Half open");
    await window.connected();
    // The first frame makes the line half-open: the message itself, or what the page tells about
    // its user at that moment. In the second case the message is lost with the line.
    await stack.injectFaults({ connection: "halfOpen" });
    await window.say("Into a dead line.");
    await window.message("Into a dead line.", "pending").waitFor();
    while ((await stack.injectedFaults()) === 0) {}
    await stack.injectFaults();
    // The event of a phone that changes from one network to another.
    await window.page.evaluate(() => dispatchEvent(new Event("online")));
    await window.shows(["Into a dead line."]);
    assert.deepEqual(await stored(), ["Into a dead line."]);
    assert.equal(window.sockets.length, 2);
    await window.close();
  });

  test("messages go over HTTP while sockets are blocked, and over a socket afterwards", async () => {
    const { window, say, stored } = await talking("No sockets", (page) => blockable(page, true));
    await window.connection("polling");
    await window.say("Mine by HTTP.");
    await window.message("Mine by HTTP.", "sent").waitFor();
    await say("b-1", "Theirs, fetched.");
    await window.message("Theirs, fetched.", "sent").waitFor();
    await window.block(false);
    await window.page.evaluate(() => dispatchEvent(new Event("online")));
    await window.connected();
    const before = window.requests.length;
    await window.say("Mine by socket.");
    await window.message("Mine by socket.", "sent").waitFor();
    await say("b-2", "Theirs, pushed.");
    await window.shows(["Mine by HTTP.", "Theirs, fetched.", "Mine by socket.", "Theirs, pushed."]);
    assert.deepEqual(
      window.requests.slice(before).filter((request) => request.includes("/conversations/")),
      [],
    );
    assert.deepEqual(await stored(), [
      "Mine by HTTP.",
      "Theirs, fetched.",
      "Mine by socket.",
      "Theirs, pushed.",
    ]);
    await window.close();
  });

  test("unsent messages survive a reload and are sent once", async () => {
    const { bob, conversation, window, say, stored } = await talking("Reloaded");
    await window.connected();
    const bobs = await bob.connect();
    await bobs.request("subscribe", { conversation });
    // The message is stored, but its function is killed before the reply. The next messages wait
    // behind it.
    await once({ function: "killAfter", on: ["SendMessageFunction"] });
    for (const body of ["Stored, never acknowledged.", "Never sent.", "Nor this."])
      await window.say(body);
    await bobs.next(({ event }) => event === "message");
    await say("b-1", "Meanwhile.");
    await window.page.reload();
    await window.message("Nor this.", "sent").waitFor();
    const log = await stored();
    await window.shows(log);
    // A ping may have told the page that its message is stored, before “Meanwhile.” was.
    assert.deepEqual(
      log.filter((body) => body !== "Meanwhile."),
      ["Stored, never acknowledged.", "Never sent.", "Nor this."],
    );
    assert.equal(log.length, 4);
    await window.page.reload();
    await window.shows(await stored());
    await Promise.all([bobs.close(), window.close()]);
  });

  test("the browser's storage holds no token, and tampered rows are neither shown nor sent", async () => {
    const { window, conversation, stored, say } = await talking("Tampered");
    await window.connected();
    await window.context.setOffline(true);
    await window.say("Kept on the disk.");
    await window.message("Kept on the disk.", "pending").waitFor();
    const onDisk = () =>
      window.page.evaluate(async () => {
        const wait = (request) =>
          new Promise((resolve) => {
            request.onsuccess = () => resolve(request.result);
          });
        const database = await wait(indexedDB.open("confab"));
        const stores = [...database.objectStoreNames].map((name) =>
          wait(database.transaction(name).objectStore(name).getAll()),
        );
        const rows = (await Promise.all(stores)).flat();
        database.close();
        return { rows, local: { ...localStorage }, token: sessionStorage.getItem("confab.token") };
      });
    const { rows, local, token } = await onDisk();
    const [kept] = rows.filter(({ outgoing }) => outgoing?.body === "Kept on the disk.");
    assert.ok(kept && token, "the message and the token are found");
    assert.deepEqual(local, {});
    for (const part of token.split(".")) assert.equal(JSON.stringify(rows).includes(part), false);
    const tampered = [
      null,
      7,
      {},
      { ...kept.outgoing, id: "no id!" },
      { ...kept.outgoing, id: "long", body: "x".repeat(20_000) },
      { ...kept.outgoing, after: -1 },
    ];
    await window.page.evaluate(
      async ([owner, id, outgoings]) => {
        const request = indexedDB.open("confab");
        await new Promise((resolve) => (request.onsuccess = resolve));
        const transaction = request.result.transaction(["outbox", "read"], "readwrite");
        for (const [index, outgoing] of outgoings.entries())
          transaction
            .objectStore("outbox")
            .put({ owner, conversation: id, id: `bad-${index}`, outgoing });
        transaction.objectStore("read").put({ owner, conversation: id, seq: "all of it" });
        await new Promise((resolve) => (transaction.oncomplete = resolve));
        request.result.close();
      },
      [kept.owner, conversation, tampered],
    );
    await window.context.setOffline(false);
    await window.page.reload();
    await window.shows(["Kept on the disk."]);
    await say("b-1", "Whatever else is there.");
    await window.shows(["Kept on the disk.", "Whatever else is there."]);
    assert.deepEqual(await stored(), ["Kept on the disk.", "Whatever else is there."]);
    await window.close();
  });

  test("expiring tokens are replaced without a visible interruption", async () => {
    const provideTokens = (page, ada) =>
      page.addInitScript(
        (person) => {
          globalThis.confabToken = async () => {
            const { login } = await (await fetch("config.json")).json();
            const headers = { "content-type": "application/json" };
            const answer = await fetch(login, {
              method: "POST",
              headers,
              body: JSON.stringify(person),
            });
            return (await answer.json()).token;
          };
          new MutationObserver(() => {
            const state = document.querySelector('[data-testid="connection-state"]')?.dataset.state;
            globalThis.confabStates ??= [];
            if (state !== undefined && globalThis.confabStates.at(-1) !== state)
              globalThis.confabStates.push(state);
          }).observe(document, { subtree: true, childList: true, attributes: true });
        },
        { user: ada.user, name: ada.name, expiresIn: 6 },
      );
    const { window, say, stored } = await talking("Short tokens", provideTokens, (window) =>
      window.connected(),
    );
    const tokens = () =>
      window.requests.filter((request) => request.includes("/.local/login")).length;
    const texts = [];
    for (let token = 1; token <= 3; token += 1) {
      if (tokens() < token) await window.page.waitForRequest(/\/\.local\/login/);
      for (const [index, speak] of [
        (body) => window.say(body),
        (body) => say(`b-${token}`, body),
      ].entries()) {
        texts.push(`With token ${token}, message ${index}.`);
        await speak(texts.at(-1));
        await window.message(texts.at(-1), "sent").waitFor();
      }
    }
    await window.shows(texts);
    assert.deepEqual(await stored(), texts);
    assert.ok(
      window.sockets.length >= 3,
      `expected a connection for each token: ${window.sockets.length}`,
    );
    assert.deepEqual(await window.page.evaluate(() => globalThis.confabStates), [
      "connecting",
      "connected",
    ]);
    await window.close();
  });

  test("a conversation that was edited after a lost reply is created as edited", async () => {
    const { ada, bob, window } = await talking("A lost reply");
    const created = (url) => url.pathname.endsWith("/conversations");
    await window.page.route(created, async (route) => {
      if (route.request().method() !== "POST") return route.fallback();
      await route.fetch();
      await route.abort();
    });
    await window.hook("new-conversation").click();
    await window.hook("new-title").fill("As asked at first");
    await window.hook("new-participants").fill(`${bob.user}, `);
    for (const _ of ["asked", "asked again"]) {
      await window.hook("new-submit").click();
      await window.page.locator("dialog .form-message:not(:empty)").waitFor();
    }
    await window.page.unroute(created);
    await window.hook("new-title").fill("As asked then");
    await window.hook("new-submit").click();
    await window.listed("As asked then").waitFor();
    // The repetition created no second conversation.
    const { body } = await ada.get("/conversations");
    const titles = body.conversations.map(({ title }) => title).sort();
    assert.deepEqual(titles, ["A lost reply", "As asked at first", "As asked then"]);
    await window.close();
  });

  test("unsent messages are sent after logging in again with a new token", async () => {
    const shortened = (page) =>
      page.route(
        stack.login,
        (route) =>
          route.continue({
            postData: JSON.stringify({ ...route.request().postDataJSON(), expiresIn: 5 }),
          }),
        { times: 1 },
      );
    const { window, stored } = await talking("Logged in again", shortened);
    await window.connected();
    const claims = await window.page.evaluate(() =>
      JSON.parse(atob(sessionStorage.getItem("confab.token").split(".")[1])),
    );
    await window.page.waitForFunction((end) => Date.now() > end, claims.exp * 1_000, {
      polling: 100,
    });
    await window.say("Too late for this token.");
    await window.hook("login-user").waitFor();
    await window.submitLogin();
    await window.shows(["Too late for this token."]);
    assert.deepEqual(await stored(), ["Too late for this token."]);
    await window.close();
  });

  test("a history of 10,000 messages is complete and in order, read forwards or backwards", async () => {
    const { ada, conversation, window } = await talking("A long conversation");
    await fill(stack, conversation, ada, 10_000);
    const read = await window.page.evaluate(async (id) => {
      const { connect } = await import("./client/index.js");
      const { http, ws } = await (await fetch("config.json")).json();
      const client = await connect({
        http,
        ws,
        token: () => sessionStorage.getItem("confab.token"),
      });
      const long = client.conversation(id);
      const forwards = [];
      for await (const { seq } of long.entries({ after: 0 }))
        if (forwards.push(seq) === 10_000) break;
      const end = long.subscribe(() => {});
      const isSettled = () => long.messages.at(-1)?.seq === 10_000 && long.history !== "loading";
      while (!isSettled()) await new Promise((resolve) => setTimeout(resolve, 10));
      while (long.history === "more") await long.loadEarlier();
      const shown = long.messages.map(({ seq }) => seq);
      end();
      client.stop();
      return { forwards, shown };
    }, conversation);
    const all = Array.from({ length: 10_000 }, (_, index) => index + 1);
    assert.deepEqual(read.forwards, all);
    assert.deepEqual(read.shown, all);
    await window.close();
  });
});
