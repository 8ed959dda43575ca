/** Logging in at an OpenID Connect provider. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";

import { LoginError } from "../client/oidc.js";
import { FakeProvider, ISSUER, PAGE, sentBack, storage, windowOf } from "./fake_provider.js";

/** @import { OidcLogin, OidcOptions } from "../client/oidc.js" */

/** @param {FakeProvider} provider @param {Partial<OidcOptions>} [options] */
async function loggedIn(provider, options) {
  const login = windowOf(provider, options);
  await login.finish(sentBack(provider, await login.begin()));
  return login;
}

/** @param {OidcLogin} login @param {string | null} [refused] */
const ask = (login, refused = null) => login.token({ refused });

test("a login goes to the provider with state, nonce and PKCE, and comes back with a token", async () => {
  const provider = new FakeProvider();
  const login = windowOf(provider, { parameters: { audience: "chat" } });
  assert.equal(await ask(login), null);
  const url = new URL(await login.begin("#lunch"));
  const { state, nonce, code_challenge, ...fixed } = Object.fromEntries(url.searchParams);
  assert.equal(url.origin + url.pathname, `${ISSUER}/auth`);
  assert.deepEqual(fixed, {
    tenant: "1",
    audience: "chat",
    response_type: "code",
    client_id: "confab",
    redirect_uri: PAGE,
    scope: "openid profile offline_access",
    code_challenge_method: "S256",
  });
  for (const random of [state, nonce, code_challenge]) assert.match(String(random), /^[\w-]{43}$/);
  assert.deepEqual(await login.finish(sentBack(provider, url.href)), { place: "#lunch" });
  const [grant] = provider.grants;
  const { code_verifier: verifier = "", ...rest } = grant ?? {};
  assert.equal(createHash("sha256").update(verifier).digest("base64url"), code_challenge);
  assert.deepEqual(rest, {
    grant_type: "authorization_code",
    code: "code-1",
    redirect_uri: PAGE,
    client_id: "confab",
  });
  assert.match(String(await ask(login)), /^[\w-]+\.[\w-]+\.signature$/);
});

test("an address that does not come from the provider is left alone", async () => {
  const login = windowOf(new FakeProvider());
  for (const address of [PAGE, `${PAGE}#lunch`, `${PAGE}?state=x`, `${PAGE}?code=x`])
    assert.equal(await login.finish(address), null, address);
});

test("a login that this window did not begin is refused, also the second time", async () => {
  const provider = new FakeProvider();
  const login = windowOf(provider);
  await assert.rejects(login.finish(`${PAGE}?code=x&state=y`), LoginError);
  const address = sentBack(provider, await login.begin());
  await assert.rejects(login.finish(address.replace("state=", "state=x")), LoginError);
  await assert.rejects(login.finish(address), LoginError, "a state is good for one attempt");
  assert.deepEqual(provider.grants, []);
});

test("an answer of another issuer, or a token for another use, is refused", async () => {
  for (const [what, change, answer] of /** @type {[string, Partial<FakeProvider>, object][]} */ ([
    ["iss of the answer", {}, { iss: "https://evil.example" }],
    ["iss of the token", { claims: { iss: "https://evil.example" } }, {}],
    ["aud", { claims: { aud: ["another"] } }, {}],
    ["nonce", { claims: { nonce: "another" } }, {}],
    ["exp", { claims: { exp: undefined } }, {}],
  ])) {
    const provider = Object.assign(new FakeProvider(), change);
    const login = windowOf(provider);
    const address = sentBack(provider, await login.begin(), { code: "code-1", ...answer });
    await assert.rejects(login.finish(address), LoginError, what);
    assert.equal(await ask(login), null, what);
  }
  const provider = new FakeProvider();
  provider.metadata.authorization_response_iss_parameter_supported = true;
  const login = windowOf(provider);
  await assert.rejects(login.finish(sentBack(provider, await login.begin())), LoginError);
});

test("a configuration of another issuer is refused", async () => {
  const provider = new FakeProvider();
  provider.metadata.issuer = "https://id.example/another";
  await assert.rejects(windowOf(provider).begin(), LoginError);
});

test("an endpoint without TLS, or that is no address, is refused", async () => {
  for (const [name, url] of [
    ["authorization_endpoint", "javascript:alert(document.domain)//"],
    ["authorization_endpoint", "http://id.example/tenant/auth"],
    ["token_endpoint", "http://id.example/tenant/token"],
    ["token_endpoint", "/token"],
    ["revocation_endpoint", "http://id.example/tenant/revoke"],
    ["end_session_endpoint", "data:text/html,<h1>Bye</h1>"],
  ]) {
    const provider = new FakeProvider();
    provider.metadata[String(name)] = url;
    await assert.rejects(windowOf(provider).begin(), LoginError, `${name} ${url}`);
  }
});

test("what the provider refuses is said in words", async () => {
  for (const [error, words] of /** @type {[string, RegExp][]} */ ([
    ["access_denied", /cancelled/],
    ["server_error", /server_error/],
  ])) {
    const provider = new FakeProvider();
    const login = windowOf(provider);
    const address = sentBack(provider, await login.begin(), { error });
    await assert.rejects(login.finish(address), words);
  }
});

test("a token is renewed a minute before its end, once for all who ask", async () => {
  const provider = new FakeProvider();
  const login = await loggedIn(provider);
  const first = await ask(login);
  provider.now += 3_538_000;
  assert.equal(await ask(login), first);
  provider.now += 2_000;
  const [second, same] = await Promise.all([ask(login), ask(login)]);
  assert.notEqual(second, first);
  assert.equal(second, same);
  assert.deepEqual(provider.grants.at(-1), {
    grant_type: "refresh_token",
    refresh_token: "refresh-1",
    client_id: "confab",
  });
  assert.equal(provider.grants.length, 2);
});

test("a refused token is replaced at once", async () => {
  const provider = new FakeProvider();
  const login = await loggedIn(provider);
  const first = await ask(login);
  const second = await ask(login, first);
  assert.notEqual(second, first);
  assert.notEqual(second, null);
});

test("a provider that cannot be reached ends nothing; one that refuses ends the session", async () => {
  const provider = new FakeProvider();
  const login = await loggedIn(provider);
  const first = await ask(login);
  provider.script = [
    new TypeError("Failed to fetch"),
    new Response("", { status: 503 }),
    Response.json({ error: "temporarily_unavailable" }, { status: 503 }),
    Response.json({ error: "slow_down" }, { status: 429 }),
  ];
  for (let attempt = 1; attempt <= 4; attempt += 1) await assert.rejects(ask(login, first));
  assert.notEqual(await ask(login, first), first);
  provider.valid.clear();
  provider.now += 3_600_000;
  assert.equal(await ask(login), null);
  assert.equal(await ask(login), null);
  assert.equal(provider.grants.length, 7, "a session that has ended is not asked for again");
});

test("a provider that could not be discovered is asked again", async () => {
  const provider = new FakeProvider();
  const fetch = provider.fetch;
  let failures = 1;
  const login = windowOf(provider, {
    fetch: (input, init) =>
      failures-- > 0 ? Promise.reject(new TypeError("Failed to fetch")) : fetch(input, init),
  });
  await assert.rejects(login.begin(), TypeError);
  assert.match(await login.begin(), /^https:\/\/id\.example/);
});

test("an access token is used if the configuration says so", async () => {
  const provider = new FakeProvider();
  const login = windowOf(provider, { token: "access_token" });
  const address = sentBack(provider, await login.begin());
  await assert.rejects(login.finish(address), /no access_token that the chat can use/);
});

test("logging out forgets and revokes, and no token is in the address", async () => {
  const provider = new FakeProvider();
  const items = new Map();
  const login = await loggedIn(provider, { storage: storage(items) });
  assert.equal(items.size, 1);
  const next = new URL(String(await login.logOut()));
  assert.equal(next.origin + next.pathname, `${ISSUER}/logout`);
  assert.deepEqual(Object.fromEntries(next.searchParams), {
    client_id: "confab",
    post_logout_redirect_uri: PAGE,
  });
  assert.deepEqual([items.size, provider.valid.size], [0, 0]);
  assert.equal(await ask(login), null);
  for (const request of provider.requests) assert.doesNotMatch(request, /refresh-|signature/);
});

test("a logout during a renewal stays a logout", async () => {
  const provider = new FakeProvider();
  const items = new Map();
  const login = await loggedIn(provider, { storage: storage(items) });
  const renewed = ask(login, await ask(login));
  await Promise.all([login.logOut(), renewed]);
  assert.deepEqual([await renewed, items.size], [null, 0]);
});

test("of two windows with the same session, only one uses the refresh token", async () => {
  const provider = new FakeProvider();
  const held = new Set();
  const locks = /** @type {LockManager} */ (
    /** @type {unknown} */ ({
      request: async (
        /** @type {string} */ name,
        /** @type {object} */ _options,
        /** @type {(lock: object | null) => unknown} */ then,
      ) => {
        if (held.has(name)) return then(null);
        held.add(name);
        return then({});
      },
    })
  );
  const items = new Map();
  const login = await loggedIn(provider, { locks, storage: storage(items) });
  const first = await ask(login);
  const duplicate = windowOf(provider, { locks, storage: storage(new Map(items)) });
  assert.equal(await ask(duplicate), first, "a duplicate may use the token until it ends");
  assert.equal(await ask(duplicate, first), null);
  assert.notEqual(await ask(login, first), null);
  assert.equal(provider.grants.length, 2);
});
