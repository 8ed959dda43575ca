/** The demo page in a real browser, driven through its test hooks (`data-testid`). */
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

/** How long a test waits for a frame: much longer than any cold start on a busy machine. */
const PATIENCE_MS = 60_000;

/** Starts Debian's Chromium, or the one that CHROMIUM names. */
export const launch = () => chromium.launch(settings());

/**
 * Starts a browser that a test may kill as `kill -9` does. `browser` is used like that of
 * {@link launch}.
 *
 * @returns {Promise<{browser: import('playwright-core').Browser, kill: () => Promise<void>}>}
 */
export async function launchToKill() {
  const server = await chromium.launchServer(settings());
  const browser = await chromium.connect(server.wsEndpoint());
  return { browser, kill: () => server.kill() };
}

function settings() {
  const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
  assert.ok(
    existsSync(executablePath),
    `there is no Chromium at ${executablePath}: install the Debian package chromium, or set CHROMIUM to an executable`,
  );
  return { executablePath, headless: true, args: FLAGS };
}

/** The browser window of one person, with its own storage. */
export class Window {
  /** The HTTP requests of the page as "METHOD URL", in order. @type {string[]} */
  requests = [];
  /**
   * The WebSockets that the page opened or tried to open.
   *
   * @type {import('playwright-core').WebSocket[]}
   */
  sockets = [];
  /** All frames that the page sent. @type {object[]} */
  sent = [];
  /** All frames that the page received. @type {object[]} */
  received = [];
  /** @type {Set<(frame: object) => void>} */
  #listeners = new Set();
  /**
   * What the page must not do: throw, open a dialog, violate its content security policy.
   *
   * @type {string[]}
   */
  problems = [];

  /**
   * Opens the page.
   *
   * @param {import('playwright-core').Browser} browser
   * @param {import('./stack.js').Stack} stack
   * @param {{user: string, name: string}} person
   * @param {import('playwright-core').BrowserContextOptions} [options]
   * @param {(page: import('playwright-core').Page) => Promise<unknown>} [prepare] runs before
   *   anything is loaded
   */
  static async open(browser, stack, person, options = {}, prepare = async () => {}) {
    return Window.#tab(await browser.newContext(options), stack, person, prepare);
  }

  /** Opens another tab of the same browser, with the same storage but its own token. */
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

  /**
   * Waits for the next frame from the server that fits, and returns it.
   *
   * @param {(frame: object) => boolean} fits
   */
  nextFrame(fits) {
    return new Promise((resolve, reject) => {
      const end = (settle, value) => {
        clearTimeout(late);
        this.#listeners.delete(listen);
        settle(value);
      };
      const listen = (frame) => fits(frame) && end(resolve, frame);
      const late = setTimeout(
        () => end(reject, new Error(`waited ${PATIENCE_MS / 1000} s for a frame: ${fits}`)),
        PATIENCE_MS,
      );
      this.#listeners.add(listen);
    });
  }

  /** Logs in with the form and waits until the socket is open. */
  async logIn() {
    await this.submitLogin();
    await this.connected();
    return this;
  }

  /** Logs in with the form. */
  async submitLogin() {
    await this.hook("login-user").fill(this.person.user);
    await this.hook("login-name").fill(this.person.name);
    await this.hook("login-submit").click();
  }

  /** Returns an element by its test hook. @param {string} testId */
  hook(testId) {
    return this.page.getByTestId(testId);
  }

  /** Waits until the connection has one of these states, by the names of `StateName`. */
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
   * Starts a conversation with the form and waits until it is open.
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

  /** Returns a conversation's row in the list. @param {string} title */
  listed(title) {
    return this.hook("conversation-item").filter({ hasText: title });
  }

  /** Types a message and sends it. @param {string} body */
  async say(body) {
    this.stack.secret(body);
    await this.hook("composer-input").fill(body);
    await this.hook("composer-send").click();
  }

  /**
   * Returns the messages with exactly this text.
   *
   * @param {string} body
   * @param {'pending' | 'sent' | 'failed'} [state]
   */
  message(body, state) {
    const text = this.page
      .getByTestId("message-body")
      .filter({ hasText: new RegExp(`^\\s*${escaped(body)}\\s*$`) });
    const message = this.hook("message").filter({ has: text });
    return state === undefined
      ? message
      : message.and(this.page.locator(`[data-state="${state}"]`));
  }

  /**
   * Returns all displayed messages, from top to bottom.
   *
   * @returns {Promise<{seq: string | null, state: string, body: string}[]>}
   */
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
   * Moves the focus with the Tab key until it is on an element.
   *
   * @param {string} testId
   * @param {string} [text] part of the element's text
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
    assert.fail(`the Tab key does not reach ${testId} ${text}`);
  }

  /** Opens a conversation from the list. @param {string} title */
  async openListed(title) {
    await this.listed(title).click();
    await this.hook("composer-input").waitFor();
  }

  /**
   * Waits until exactly these messages are displayed and all are stored.
   *
   * @param {string[]} bodies in order
   */
  async shows(bodies) {
    for (const body of bodies)
      await this.message(body, "sent").first().waitFor({ timeout: 60_000 });
    const expected = bodies.map((body, index) => ({ seq: `${index + 1}`, state: "sent", body }));
    assert.deepEqual(await this.messages(), expected);
  }

  /**
   * Makes further handshakes fail, as a proxy without WebSocket support does, or lets them succeed
   * again.
   *
   * @param {boolean} blocked
   */
  block(blocked) {
    return this.page.evaluate((value) => (globalThis.confabSocketsBlocked = value), blocked);
  }

  /** Closes the tab and asserts that the page did nothing it must not do. */
  async closeTab() {
    await this.page.close();
    assert.deepEqual(this.problems, []);
  }

  /** Closes the window with all its tabs and asserts that the page did nothing it must not do. */
  async close() {
    await this.context.close();
    assert.deepEqual(this.problems, []);
  }

  #observe() {
    const { page } = this;
    page.on("request", (request) => this.requests.push(`${request.method()} ${request.url()}`));
    page.on("websocket", (socket) => {
      this.sockets.push(socket);
      socket.on("framesent", ({ payload }) => this.sent.push(JSON.parse(payload)));
      socket.on("framereceived", ({ payload }) => {
        const frame = JSON.parse(payload);
        this.received.push(frame);
        for (const listener of this.#listeners) listener(frame);
      });
    });
    page.on("pageerror", (error) => this.problems.push(`uncaught: ${error.message}`));
    page.on("dialog", (dialog) => {
      this.problems.push(`dialog: ${dialog.message()}`);
      return dialog.dismiss();
    });
    page.on("console", (message) => {
      if (/content security policy/i.test(message.text())) this.problems.push(message.text());
    });
    page.on("response", async (response) => {
      if (response.url() !== this.stack.login || !response.ok()) return;
      this.stack.secretToken((await response.json()).token);
    });
  }
}

/**
 * Prepares a page so that its WebSocket handshakes fail while they are blocked. A blocked handshake
 * goes to the same server, but to a stage that does not exist.
 *
 * @param {import('playwright-core').Page} page
 * @param {boolean} blocked the initial state
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
