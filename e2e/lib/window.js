/** The demo page in a real browser, by the hooks that it offers to tests (`data-testid`). */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";

import { chromium } from "playwright-core";

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Debian's Chromium, or the one that $CHROMIUM names. */
export function launch() {
  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
  assert.ok(
    existsSync(executablePath),
    `no Chromium at ${executablePath}: install Debian's package chromium, or set CHROMIUM to an executable`,
  );
  return chromium.launch({ executablePath, headless: true, args: FLAGS });
}

/** One person's browser window, with storage of its own. */
export class Window {
  /** HTTP requests of the page, as "METHOD URL", in their order. @type {string[]} */
  requests = [];
  /** WebSockets that the page tried, open or not. @type {import('playwright-core').WebSocket[]} */
  sockets = [];
  /** What no page of ours may do: throw, open a dialog, break its content security policy. @type {string[]} */
  offences = [];

  /**
   * Opens the page and logs the person in.
   *
   * @param {import('playwright-core').Browser} browser
   * @param {import('./stack.js').Stack} stack
   * @param {{user: string, name: string}} person
   * @param {import('playwright-core').BrowserContextOptions} [options]
   * @param {(page: import('playwright-core').Page) => Promise<unknown>} [prepare] before anything is loaded
   */
  static async open(browser, stack, person, options = {}, prepare = async () => {}) {
    return Window.#tab(await browser.newContext(options), stack, person, prepare);
  }

  /** Another tab of the same browser, with the same storage. Its token is its own. */
  another() {
    return Window.#tab(this.context, this.stack, this.person, async () => {});
  }

  static async #tab(context, stack, person, prepare) {
    const window = new Window();
    Object.assign(window, { stack, person, context, page: await context.newPage() });
    window.#observe();
    await prepare(window.page);
    await window.page.goto(stack.http);
    return window;
  }

  /** Logs in by the form, and waits until the socket is up. */
  async logIn() {
    await this.submitLogin();
    await this.connected();
    return this;
  }

  /** Logs in by the form. */
  async submitLogin() {
    await this.hook("login-user").fill(this.person.user);
    await this.hook("login-name").fill(this.person.name);
    await this.hook("login-submit").click();
  }

  /** An element by its hook. @param {string} testId */
  hook(testId) {
    return this.page.getByTestId(testId);
  }

  /** Waits for one of these states of the connection, by the names of `StateName`. */
  async connection(...states) {
    await this.page
      .locator(
        states.map((state) => `[data-testid="connection-state"][data-state="${state}"]`).join(),
      )
      .waitFor({ timeout: 60_000 });
  }

  connected() {
    return this.connection("connected");
  }

  /**
   * Starts a conversation by the form, and waits until it is open.
   *
   * @param {string} title
   * @param {{user: string}[]} others
   */
  async start(title, others) {
    await this.hook("new-conversation").click();
    await this.hook("new-title").fill(title);
    await this.hook("new-participants").fill(others.map(({ user }) => user).join(", "));
    await this.hook("new-submit").click();
    await this.listed(title).waitFor();
    await this.hook("composer-input").waitFor();
  }

  /** A conversation's line in the list. @param {string} title */
  listed(title) {
    return this.hook("conversation-item").filter({ hasText: title });
  }

  /** Writes a message and sends it. @param {string} body */
  async say(body) {
    this.stack.secret(body);
    await this.hook("composer-input").fill(body);
    await this.hook("composer-send").click();
  }

  /** The messages with exactly this text. @param {string} body @param {'pending' | 'sent' | 'failed'} [state] */
  message(body, state) {
    const text = this.page
      .getByTestId("message-body")
      .filter({ hasText: new RegExp(`^\\s*${escaped(body)}\\s*$`) });
    const message = this.hook("message").filter({ has: text });
    return state === undefined
      ? message
      : message.and(this.page.locator(`[data-state="${state}"]`));
  }

  /** All messages that are shown, from top to bottom. @returns {Promise<{seq: string | null, state: string, body: string}[]>} */
  messages() {
    return this.hook("message").evaluateAll((elements) =>
      elements.map((element) => ({
        seq: element.getAttribute("data-seq"),
        state: element.getAttribute("data-state"),
        body: element.querySelector('[data-testid="message-body"]').textContent,
      })),
    );
  }

  /**
   * Moves the focus by the Tab key alone until it is on an element, as somebody without a mouse does.
   *
   * @param {string} testId
   * @param {string} [text] that the element holds
   */
  async tabTo(testId, text = "") {
    const isThere = () =>
      this.page.evaluate(
        ([id, part]) =>
          document.activeElement?.dataset.testid === id &&
          document.activeElement.textContent.includes(part),
        [testId, text],
      );
    for (let steps = 0; steps < 60; steps += 1) {
      if (await isThere()) return;
      await this.page.keyboard.press("Tab");
    }
    assert.fail(`the Tab key does not lead to ${testId} ${text}`);
  }

  /** Opens a conversation of the list. @param {string} title */
  async openListed(title) {
    await this.listed(title).click();
    await this.hook("composer-input").waitFor();
  }

  /** Waits until these are the messages that are shown, all stored, and nothing else. @param {string[]} bodies in their order */
  async shows(bodies) {
    for (const body of bodies)
      await this.message(body, "sent").first().waitFor({ timeout: 60_000 });
    const expected = bodies.map((body, index) => ({ seq: `${index + 1}`, state: "sent", body }));
    assert.deepEqual(await this.messages(), expected);
  }

  /** Lets the next handshakes fail, as a proxy does that knows no WebSockets, or lets them through again. @param {boolean} blocked */
  block(blocked) {
    return this.page.evaluate((value) => (globalThis.confabSocketsBlocked = value), blocked);
  }

  /** Holds the page to its manners, and closes its tab. */
  async closeTab() {
    await this.page.close();
    assert.deepEqual(this.offences, []);
  }

  /** Holds the page to its manners, and closes the window with all its tabs. */
  async close() {
    await this.context.close();
    assert.deepEqual(this.offences, []);
  }

  #observe() {
    const { page } = this;
    page.on("request", (request) => this.requests.push(`${request.method()} ${request.url()}`));
    page.on("websocket", (socket) => this.sockets.push(socket));
    page.on("pageerror", (error) => this.offences.push(`uncaught: ${error.message}`));
    page.on("dialog", (dialog) => {
      this.offences.push(`dialog: ${dialog.message()}`);
      return dialog.dismiss();
    });
    page.on("console", (message) => {
      if (/content security policy/i.test(message.text())) this.offences.push(message.text());
    });
    page.on("response", async (response) => {
      if (response.url() !== this.stack.login || !response.ok()) return;
      this.stack.secretToken((await response.json()).token);
    });
  }
}

/**
 * Makes WebSockets of a page fail in their handshake while they are blocked. The browser's own handshake fails, at the
 * same server but for a stage that it does not have.
 *
 * @param {import('playwright-core').Page} page
 * @param {boolean} blocked at first
 */
export function blockable(page, blocked) {
  return page.addInitScript((value) => {
    globalThis.confabSocketsBlocked = value;
    globalThis.WebSocket = class extends WebSocket {
      constructor(url, protocols) {
        super(globalThis.confabSocketsBlocked ? `${url}-blocked` : url, protocols);
      }
    };
  }, blocked);
}

function escaped(text) {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
