/** The demo page in a real browser, by the hooks that it offers to tests (`data-testid`). */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';

import { chromium } from 'playwright-core';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Debian's Chromium, or the one that $CHROMIUM names. */
export function launch() {
  const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
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
  /** What no page of ours may do: throw, open a dialog, break its content security policy. @type {string[]} */
  offences = [];

  /**
   * Opens the page and logs the person in.
   *
   * @param {import('playwright-core').Browser} browser
   * @param {import('./stack.js').Stack} stack
   * @param {{user: string, name: string}} person
   * @param {import('playwright-core').BrowserContextOptions} [options]
   */
  static async open(browser, stack, person, options = {}) {
    const window = new Window();
    window.stack = stack;
    window.person = person;
    window.context = await browser.newContext(options);
    window.page = await window.context.newPage();
    window.#observe();
    await window.page.goto(stack.http);
    return window;
  }

  /** Logs in by the form, and waits until the socket is up. */
  async logIn() {
    await this.hook('login-user').fill(this.person.user);
    await this.hook('login-name').fill(this.person.name);
    await this.hook('login-submit').click();
    await this.connected();
    return this;
  }

  /** An element by its hook. @param {string} testId */
  hook(testId) {
    return this.page.getByTestId(testId);
  }

  /** Waits for a state of the connection: `connected`, `connecting` or `offline`, or several joined by commas. */
  async connection(...states) {
    await this.page
      .locator(states.map((state) => `[data-testid="connection-state"][data-state="${state}"]`).join())
      .waitFor({ timeout: 60_000 });
  }

  connected() {
    return this.connection('connected');
  }

  /**
   * Starts a conversation by the form, and waits until it is open.
   *
   * @param {string} title
   * @param {{user: string}[]} others
   */
  async start(title, others) {
    await this.hook('new-conversation').click();
    await this.hook('new-title').fill(title);
    await this.hook('new-participants').fill(others.map(({ user }) => user).join(', '));
    await this.hook('new-submit').click();
    await this.listed(title).waitFor();
    await this.hook('composer-input').waitFor();
  }

  /** A conversation's line in the list. @param {string} title */
  listed(title) {
    return this.hook('conversation-item').filter({ hasText: title });
  }

  /** Writes a message and sends it. @param {string} body */
  async say(body) {
    this.stack.secret(body);
    await this.hook('composer-input').fill(body);
    await this.hook('composer-send').click();
  }

  /** The messages with exactly this text. @param {string} body @param {'pending' | 'sent' | 'failed'} [state] */
  message(body, state) {
    const text = this.page.getByTestId('message-body').filter({ hasText: new RegExp(`^\\s*${escaped(body)}\\s*$`) });
    const message = this.hook('message').filter({ has: text });
    return state === undefined ? message : message.and(this.page.locator(`[data-state="${state}"]`));
  }

  /** All messages that are shown, from top to bottom. @returns {Promise<{seq: string | null, state: string, body: string}[]>} */
  messages() {
    return this.hook('message').evaluateAll((elements) =>
      elements.map((element) => ({
        seq: element.getAttribute('data-seq'),
        state: element.getAttribute('data-state'),
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
  async tabTo(testId, text = '') {
    const isThere = () =>
      this.page.evaluate(
        ([id, part]) =>
          document.activeElement?.dataset.testid === id && document.activeElement.textContent.includes(part),
        [testId, text],
      );
    for (let steps = 0; steps < 60; steps += 1) {
      if (await isThere()) return;
      await this.page.keyboard.press('Tab');
    }
    assert.fail(`the Tab key does not lead to ${testId} ${text}`);
  }

  /** Holds the page to its manners, and closes the window. */
  async close() {
    await this.context.close();
    assert.deepEqual(this.offences, []);
  }

  #observe() {
    const { page } = this;
    page.on('request', (request) => this.requests.push(`${request.method()} ${request.url()}`));
    page.on('pageerror', (error) => this.offences.push(`uncaught: ${error.message}`));
    page.on('dialog', (dialog) => {
      this.offences.push(`dialog: ${dialog.message()}`);
      return dialog.dismiss();
    });
    page.on('console', (message) => {
      if (/content security policy/i.test(message.text())) this.offences.push(message.text());
    });
    page.on('response', async (response) => {
      if (response.url() !== this.stack.login || !response.ok()) return;
      this.stack.secretToken((await response.json()).token);
    });
  }
}

function escaped(text) {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
