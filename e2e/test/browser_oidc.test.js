/**
 * Logging in at a real OpenID Connect provider in real Chromium. The page is on an origin of its
 * own, and the authorizer verifies the provider's tokens by its published keys.
 */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, test } from "node:test";

import { CLIENT, IdentityProvider, logInAtProvider } from "../lib/identity_provider.js";
import { PageServer } from "../lib/page_server.js";
import { suite } from "../lib/suite.js";
import { launch, Window } from "../lib/window.js";

/** @type {PageServer} */ let hosted;
/** @type {IdentityProvider} */ let provider;

async function options() {
  hosted = await PageServer.start();
  provider = await IdentityProvider.start(`${hosted.origin}/`);
  return {
    "parameter-overrides": [
      `AllowedOrigins=${hosted.origin}`,
      `TokenIssuer=${provider.issuer}`,
      `TokenAudience=${CLIENT}`,
    ],
  };
}

suite(
  "browser: OpenID Connect",
  (stack) => {
    /** @type {import('playwright-core').Browser} */ let browser;

    before(async () => {
      browser = await launch();
      hosted.configuration = {
        http: stack.http,
        ws: stack.ws,
        oidc: { issuer: provider.issuer, clientId: CLIENT },
      };
    });
    after(async () => {
      await browser?.close();
      await Promise.all([hosted?.stop(), provider?.stop()]);
    });

    const newUser = (name) => `${name}-${randomUUID().slice(0, 8)}`;
    /** The stack as the page's windows see it. */
    const site = () => ({
      http: hosted.origin,
      login: null,
      secret: (text) => stack.secret(text),
      secretToken: (token) => stack.secretToken(token),
    });

    /** Opens the page and logs a user in at the provider. */
    async function logIn(user) {
      const window = await Window.open(browser, site(), { user, name: user });
      await window.hook("login-provider").click();
      await logInAtProvider(window.page, user);
      await window.connected();
      return window;
    }

    /** Two people in one conversation, each in a browser of their own. */
    async function talking(title) {
      const [ada, bob] = ["ada", "bob"].map(newUser);
      const windows = [await logIn(ada), await logIn(bob)];
      await windows[0].start(title, [{ user: bob }]);
      await windows[1].openListed(title);
      return windows;
    }

    const sockets = (window) => window.sockets.map((socket) => socket.url());

    /** The stack must not print these tokens. */
    function register() {
      for (const token of provider.tokens)
        if (token.includes(".")) stack.secretToken(token);
        else stack.secret(token);
    }

    test("a person logs in at the provider, and the address has no code and no token afterwards", async () => {
      const [ada, bob] = await talking("At the provider");
      await ada.say("Logged in at a provider.");
      await bob.message("Logged in at a provider.", "sent").waitFor();
      const { pathname, search } = new URL(ada.page.url());
      assert.deepEqual([pathname, search], ["/", ""]);
      await ada.page.reload();
      await ada.connected();
      await ada.shows(["Logged in at a provider."]);
      register();
      const addresses = [...ada.requests, ...bob.requests, ...sockets(ada), ...sockets(bob)];
      for (const token of provider.tokens)
        assert.ok(!addresses.some((address) => address.includes(token)), "a token is in a URL");
      await Promise.all([ada.close(), bob.close()]);
    });

    test("a login that was begun elsewhere is refused, in words", async () => {
      const window = await Window.open(browser, site(), { user: "x", name: "x" });
      await window.page.goto(`${hosted.origin}/?code=stolen&state=foreign`);
      await window.page.getByText("This login was not begun in this window").waitFor();
      assert.equal(new URL(window.page.url()).search, "");
      await window.close();
    });

    test("tokens that end are refreshed in mid-conversation, and no message is lost", async () => {
      provider.lifetime = 6;
      const [ada, bob] = await talking("Short tokens");
      const before = provider.refreshes;
      const texts = [];
      for (let round = 1; round <= 4; round += 1) {
        for (const [speaker, window] of Object.entries({ ada, bob })) {
          texts.push(`${speaker} in round ${round}.`);
          await window.say(texts.at(-1));
          await window.message(texts.at(-1), "sent").waitFor();
        }
        await provider.refreshed(before + 2 * round);
      }
      for (const window of [ada, bob]) await window.shows(texts);
      register();
      provider.lifetime = 3_600;
      await Promise.all([ada.close(), bob.close()]);
    });

    test("a message that is written after the token has ended waits until the provider is back", async () => {
      provider.lifetime = 6;
      const [ada, bob] = await talking("A provider that is away");
      provider.isDown = true;
      const texts = await sayUntilRefused(ada);
      // The page asks again and again, and stays logged in.
      const asked = provider.unanswered;
      await provider.stillAsked(asked + 2);
      assert.equal(await ada.hook("login-provider").count(), 0);
      provider.lifetime = 3_600;
      provider.isDown = false;
      for (const window of [ada, bob]) await window.shows(texts);
      register();
      await Promise.all([ada.close(), bob.close()]);
    });

    test("when the provider ends the session, the person logs in again and the message is sent", async () => {
      provider.lifetime = 6;
      const [ada, bob] = await talking("The end of a session");
      await provider.endSessions();
      const texts = await sayUntilRefused(ada);
      await ada.page.getByText("Your session has ended").waitFor();
      provider.lifetime = 3_600;
      // The provider still knows the person, so it asks nothing.
      await ada.hook("login-provider").click();
      await ada.connected();
      await ada.shows(texts);
      register();
      await Promise.all([ada.close(), bob.close()]);
    });

    /** Sends messages until the server refuses one because the token has ended. */
    async function sayUntilRefused(window) {
      let isRefused = false;
      const refused = new Promise((resolve) => {
        const socket = window.sockets.at(-1);
        socket.on("framereceived", ({ payload }) => {
          if (!String(payload).includes('"unauthenticated"')) return;
          isRefused = true;
          resolve();
        });
      });
      const texts = [];
      while (!isRefused) {
        texts.push(`Message ${texts.length + 1}.`);
        await window.say(texts.at(-1));
        const sent = window.message(texts.at(-1), "sent").waitFor();
        await Promise.race([sent, refused]);
        sent.catch(() => {});
      }
      return texts;
    }

    test("logging out ends the session here and at the provider", async () => {
      const user = newUser("ada");
      const window = await logIn(user);
      await window.hook("logout").click();
      await window.page.getByRole("button", { name: /yes/i }).click();
      await window.hook("login-provider").waitFor();
      const kept = await window.page.evaluate(() => Object.keys(sessionStorage));
      assert.deepEqual(kept, []);
      await window.hook("login-provider").click();
      await window.page.locator('input[name="login"]').waitFor();
      register();
      await window.close();
    });

    test("a page without a provider loads nothing for it", async () => {
      hosted.configuration = { http: stack.http, ws: stack.ws };
      const window = await Window.open(browser, site(), { user: "x", name: "x" });
      await window.hook("login-token").waitFor();
      assert.deepEqual(
        window.requests.filter((request) => /oidc|provider/.test(request)),
        [],
      );
      await window.close();
    });
  },
  options,
);
