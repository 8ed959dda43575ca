/**
 * Hostile text as message, title, name, user id and link: it is shown as text, runs no code and
 * sends no request.
 */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, test } from "node:test";

import { inPath } from "../lib/paths.js";
import { PAYLOADS } from "../lib/payloads.js";
import { Person } from "../lib/people.js";
import { suite } from "../lib/suite.js";
import { launch, Window } from "../lib/window.js";

/** All elements that the page uses. */
const TAGS = new Set(
  "html head meta title link script body noscript div header h1 h2 img span p button svg path nav ul li main section form textarea bdi a dialog label input".split(
    " ",
  ),
);

/** Records violations of the page's policy, from before its first line runs. */
const watchPolicy = (page) =>
  page.addInitScript(() => {
    globalThis.confabViolations = [];
    addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) =>
      globalThis.confabViolations.push(`${violatedDirective} ${blockedURI}`),
    );
  });

/** Returns everything that happened in a page and that no text may cause. */
async function incidents(window) {
  const { stack, problems, requests } = window;
  const ours = [stack.http, stack.ws].map((url) => new URL(url).host);
  const { ran, violations } = await window.page.evaluate(() => ({
    ran: globalThis.confabRan,
    violations: globalThis.confabViolations,
  }));
  return {
    ran,
    violations,
    problems: [...problems],
    foreign: requests.filter((request) => !ours.includes(new URL(request.split(" ")[1]).host)),
    isHere: window.page.url().startsWith(stack.http),
  };
}
/**
 * A name or text within a line of the page, isolated so that it does not affect the direction of
 * the rest.
 */
const isolated = (text) => `\u2068${text}\u2069`;
/** Returns a name or title as the page shows it: only emoji keep the joiners between them. */
const seen = (text) =>
  text.replace(/[\p{DI}\u2028\u2029]/gu, (character, at) =>
    character === "\u200d" && /\p{Emoji_Presentation}$/u.test(text.slice(0, at)) ? character : "",
  );
/** Returns a user id as close to the payload as ids may be, and different for each payload. */
const idLike = (payload, index) => {
  const id = payload.replace(/[\p{DI}\u2028\u2029]/gu, "").normalize();
  return id === payload ? id : `${id} ${index}`;
};
const NOTHING = { ran: undefined, violations: [], problems: [], foreign: [], isHere: true };

/** Returns the elements, attributes and links of the document that should not be there. */
const foreignParts = (window) =>
  window.page.evaluate(
    (tags) => {
      const all = [...document.querySelectorAll("*")];
      return [
        ...all
          .filter(({ localName }) => !tags.includes(localName))
          .map(({ localName }) => localName),
        ...all.flatMap(({ attributes }) =>
          [...attributes]
            .map(({ name }) => name)
            .filter((name) => name.startsWith("on") || name === "srcdoc"),
        ),
        ...[...document.links]
          .filter(
            ({ protocol, rel, target, username, password }) =>
              !/^https?:$/.test(protocol) ||
              rel !== "noopener noreferrer nofollow" ||
              target !== "_blank" ||
              username ||
              password,
          )
          .map(({ href }) => href),
        ...(document.documentElement.scrollWidth > innerWidth
          ? ["content wider than the window"]
          : []),
      ];
    },
    [...TAGS],
  );

suite("browser: hostile text", (stack) => {
  /** @type {import('playwright-core').Browser} */ let browser;

  before(async () => {
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
  });

  test(`${PAYLOADS.length} payloads are shown as text everywhere`, async () => {
    assert.ok(PAYLOADS.length >= 40);
    assert.equal(new Set(PAYLOADS).size, PAYLOADS.length);
    const own = `${PAYLOADS[0]} ada`;
    const ada = await Person.create(stack, own, own);
    const window = await (await Window.open(browser, stack, ada, {}, watchPolicy)).logIn();
    assert.equal(await window.page.locator(".me").textContent(), own);
    const shown = (locator) =>
      locator.evaluateAll((elements) => elements.map((element) => element.textContent));

    for (const [index, payload] of PAYLOADS.entries()) {
      const name = seen(payload);
      const user = idLike(payload, index);
      const mallory = await Person.create(stack, payload, user);
      const conversation = await mallory.start([ada], payload);
      const link = `See https://example.org/${payload}`;
      const messages = `/conversations/${conversation}/messages`;
      // The payload is a message, an edit, the beginning of a link, and what a reply quotes.
      for (const [method, path, json] of [
        ["post", messages, { id: "m-1", body: payload }],
        ["post", messages, { id: "m-2", body: "Soon something else." }],
        ["patch", `${messages}/2`, { id: "e-1", body: payload }],
        ["post", messages, { id: "m-3", body: "Indeed.", replyTo: 2 }],
        ["post", messages, { id: "m-4", body: link }],
      ]) {
        const { status, body: answer } = await mallory[method](path, json);
        assert.equal(status, 201, `${payload}: ${JSON.stringify(answer)}`);
      }
      // The next payload may look the same, and the page would then show the user id as well.
      const next = (index + 2) % PAYLOADS.length;
      const added = await mallory.put(
        `/conversations/${conversation}/participants/${inPath(idLike(PAYLOADS[next], next))}`,
      );
      assert.equal(added.status, 200, `${payload}: ${JSON.stringify(added.body)}`);
      const row = window.page.locator(`[data-conversation="${conversation}"]`);
      await row.getByLabel("4 unread").waitFor();
      // A title that looks like a name is shown apart.
      const title = `“${name}”`;
      assert.equal(await row.locator(".row-title").textContent(), title);
      assert.equal(
        await row.locator(".row-preview").textContent(),
        `${isolated(name)}: ${isolated(link)}`,
      );

      await row.click();
      const note = window.page.locator(".note");
      await note.waitFor();
      await window.hook("composer-input").fill(payload);
      await window.hook("composer-send").click();
      const mine = window.page.locator('[data-testid="message"][data-state="sent"].mine');
      await mine.waitFor();
      const bodies = [payload, payload, "Indeed.", link, payload];
      assert.deepEqual(await shown(window.hook("message-body")), bodies, payload);
      assert.deepEqual(
        await shown(window.page.locator(".theirs > .sender")),
        [name, name, name, name],
        payload,
      );
      const quote = window.hook("message-quote");
      await quote
        .filter({ hasNotText: "…" })
        .or(quote.filter({ hasText: payload }))
        .waitFor();
      assert.deepEqual(await shown(quote.locator(".quote-name")), [name], payload);
      assert.deepEqual(await shown(quote.locator(".quote-text")), [payload], payload);
      assert.equal(await window.page.locator(".pane-title h2").textContent(), title);
      assert.ok((await note.textContent()).includes(name), payload);
      assert.equal(
        await window.page.evaluate(() => document.title),
        `${title} · Confab`.replaceAll(/[ \t\n\f\r]+/g, " "),
      );
      await window.hook("people").click();
      const person = window.page.locator('[data-testid="person"]');
      await person.nth(2).waitFor();
      const people = await person.evaluateAll((all) =>
        all.map(({ dataset, children }) => [
          dataset.user,
          children[1].firstElementChild.textContent,
        ]),
      );
      assert.ok(
        people.some(([id, shownName]) => id === user && shownName === name),
        payload,
      );
      await window.page.keyboard.press("Escape");
      assert.deepEqual(await foreignParts(window), [], payload);
      assert.deepEqual(await incidents(window), NOTHING, payload);
    }
    await window.close();
  });

  test("names that look alike are shown with the user id", async () => {
    const run = randomUUID().slice(0, 8);
    const [ada, grace, mallory] = await Promise.all(
      ["Ada", "Grace Hopper", "Gr\u0430ce\u200b Hopper"].map((name, index) =>
        Person.create(stack, name, `alike-${index}-${run}`),
      ),
    );
    const conversation = await grace.start([ada, mallory], "Alike");
    for (const [person, id] of [
      [grace, "m-1"],
      [mallory, "m-2"],
    ])
      await person.post(`/conversations/${conversation}/messages`, {
        id,
        body: stack.secret(`It is me, ${id}.`),
      });
    const you = await Person.create(stack, "\u202eYou", mallory.user);
    await you.post(`/conversations/${conversation}/messages`, {
      id: "m-3",
      body: stack.secret("I wrote this."),
    });
    const window = await (await Window.open(browser, stack, ada)).logIn();
    await window.listed("Alike").click();
    await window.message("I wrote this.", "sent").waitFor();
    assert.deepEqual(
      await window.page
        .locator(".theirs > .sender")
        .evaluateAll((all) => all.map(({ textContent }) => textContent)),
      [
        `Grace Hopper (${grace.user})`,
        `Gr\u0430ce Hopper (${mallory.user})`,
        `You (${mallory.user})`,
      ],
    );
    await window.close();
  });

  test("marks that are stacked on a letter do not cover other messages", async () => {
    const [ada, mallory] = await Promise.all(
      ["Ada", "Mallory"].map((name) => Person.create(stack, name)),
    );
    const pictures = [];
    for (const marks of ["", "\u0300\u0316".repeat(200)]) {
      const conversation = await mallory.start([ada], `Stacked ${marks.length}`);
      for (const [id, body] of [
        ["m-1", "Nothing covers this."],
        ["m-2", `Z${marks}`],
        ["m-3", "Nor this."],
      ])
        await mallory.post(`/conversations/${conversation}/messages`, { id, body });
      const window = await (await Window.open(browser, stack, ada)).logIn();
      await window.openListed(`Stacked ${marks.length}`);
      await window.message("Nor this.", "sent").waitFor();
      await window.page.mouse.move(0, 0);
      for (const body of ["Nothing covers this.", "Nor this."])
        pictures.push(
          await window
            .message(body)
            .getByTestId("message-body")
            .screenshot({ animations: "disabled" }),
        );
      await window.close();
    }
    const [above, below, aboveMarks, belowMarks] = pictures;
    assert.ok(above.equals(aboveMarks) && below.equals(belowMarks));
  });

  test("payloads in the page's address open nothing", async () => {
    const window = await (
      await Window.open(browser, stack, await Person.create(stack, "Ada"), {}, watchPolicy)
    ).logIn();
    for (const payload of PAYLOADS) {
      await window.page.evaluate(
        (text) =>
          new Promise((resolve) => {
            addEventListener("popstate", resolve, { once: true });
            location.hash = encodeURIComponent(text);
            location.hash = text;
          }),
        payload,
      );
      await window.page.locator(".pane > .empty").waitFor();
    }
    await window.page.getByText("You are not in this conversation").waitFor();
    assert.deepEqual(await foreignParts(window), []);
    assert.deepEqual(await incidents(window), NOTHING);
    await window.close();
  });

  test("reversed letters do not affect the direction of other text", async () => {
    const [ada, mallory] = [
      await Person.create(stack, "Ada"),
      await Person.create(stack, "Mallory \u202eyrollaM", `mallory-${randomUUID().slice(0, 8)}`),
    ];
    const conversation = await mallory.start([ada], "Turned \u202edenruT");
    await mallory.post(`/conversations/${conversation}/messages`, {
      id: "m-1",
      body: stack.secret("Nothing but the truth"),
    });
    await mallory.put(`/conversations/${conversation}/participants/zoe`);
    const window = await (await Window.open(browser, stack, ada)).logIn();
    const reads = (selector, word) =>
      window.page
        .locator(selector)
        .first()
        .evaluate((element, wanted) => {
          const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
          for (let node = walker.nextNode(); node; node = walker.nextNode()) {
            const at = node.data.indexOf(wanted);
            if (at < 0) continue;
            const left = (offset) => {
              const range = document.createRange();
              range.setStart(node, offset);
              range.setEnd(node, offset + 1);
              return range.getBoundingClientRect().left;
            };
            return left(at) < left(at + wanted.length - 1);
          }
          return null;
        }, word);
    await window.listed("Turned").locator(".row-preview").filter({ hasText: "truth" }).waitFor();
    assert.equal(await reads(".row-preview", "truth"), true, "the preview");
    await window.listed("Turned").click();
    await window.page.locator(".note").waitFor();
    assert.equal(await reads(".note", "added"), true, "the note about participants");
    await window.page.locator(".people").filter({ hasText: "zoe" }).waitFor();
    assert.equal(await reads(".people", "zoe"), true, "the participants");
    await window.close();
  });

  test("payloads rendered as markup are noticed, and the policy blocks them", async () => {
    const ada = await Person.create(stack, "Ada");
    const renderAsMarkup = async (options) => {
      const window = await Window.open(browser, stack, ada, options, watchPolicy);
      await window.hook("login-user").waitFor();
      const blocked = new Set();
      window.page.on(
        "requestfailed",
        (request) =>
          request.failure().errorText === "csp" &&
          blocked.add(`${request.method()} ${request.url()}`),
      );
      const noticed = new Set();
      for (const payload of PAYLOADS.slice(0, 41).filter(
        (text) => !/http-equiv|<base/.test(text),
      )) {
        await window.page.evaluate((html) => {
          globalThis.confabRan = undefined;
          globalThis.confabViolations.length = 0;
          document.body.innerHTML = html;
        }, payload);
        const seen = await incidents(window);
        const parts = await foreignParts(window);
        if (parts.length > 0 || JSON.stringify(seen) !== JSON.stringify(NOTHING))
          noticed.add(payload);
      }
      const { problems, foreign } = await incidents(window);
      window.problems.length = 0;
      await window.close();
      return { noticed, problems, sent: foreign.filter((request) => !blocked.has(request)) };
    };
    const guarded = await renderAsMarkup({});
    assert.ok(guarded.noticed.size >= 30, `only ${guarded.noticed.size} are noticed`);
    assert.ok(
      guarded.problems.length > 0 &&
        guarded.problems.every((problem) => /content security policy/i.test(problem)),
      "each one is blocked by the policy",
    );
    assert.deepEqual(guarded.sent, [], "no other server gets a request");
    const bare = await renderAsMarkup({ bypassCSP: true });
    assert.ok(
      bare.problems.some((problem) => problem.startsWith("dialog")),
      "without the policy the payloads run",
    );
    assert.notDeepEqual(bare.sent, [], "without the policy other servers get requests");
  });
});
