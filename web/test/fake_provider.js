/** An OpenID Connect provider in memory, and a window that logs in there. */

import { OidcLogin } from "../client/oidc.js";
import { tokenOf } from "./fakes.js";

/** @import { OidcOptions } from "../client/oidc.js" */

export const ISSUER = "https://id.example/tenant";
export const PAGE = "https://chat.example/";

export class FakeProvider {
  now = Date.parse("2026-01-05T09:00:00Z");
  /** The requests as "METHOD path". @type {string[]} */
  requests = [];
  /** The fields of each request of tokens. @type {Record<string, string>[]} */
  grants = [];
  /** The refresh tokens that are valid. @type {Set<string>} */
  valid = new Set();
  /** The next answers of the token endpoint instead of tokens. @type {(Response | Error)[]} */
  script = [];
  /** Overrides claims of the ID tokens. @type {Record<string, unknown>} */
  claims = {};
  /** @type {Record<string, unknown>} */
  metadata = {
    issuer: ISSUER,
    authorization_endpoint: `${ISSUER}/auth?tenant=1`,
    token_endpoint: `${ISSUER}/token`,
    revocation_endpoint: `${ISSUER}/revoke`,
    end_session_endpoint: `${ISSUER}/logout`,
  };
  nonce = "";
  #issued = 0;

  /** @type {typeof globalThis.fetch} */
  fetch = async (input, init = {}) => {
    const { pathname } = new URL(String(input));
    this.requests.push(`${init.method ?? "GET"} ${pathname}`);
    if (pathname.endsWith("/openid-configuration")) return Response.json(this.metadata);
    const fields = Object.fromEntries(/** @type {URLSearchParams} */ (init.body));
    if (pathname.endsWith("/revoke")) {
      this.valid.delete(String(fields.token));
      return new Response();
    }
    this.grants.push(fields);
    const scripted = this.script.shift();
    if (scripted instanceof Error) throw scripted;
    return scripted ?? this.#tokens(fields);
  };

  /** @param {Record<string, string>} fields */
  #tokens({ grant_type: type, refresh_token: used }) {
    if (type === "refresh_token" && !this.valid.delete(String(used)))
      return Response.json({ error: "invalid_grant" }, { status: 400 });
    this.#issued += 1;
    const refresh = `refresh-${this.#issued}`;
    this.valid.add(refresh);
    return Response.json({
      id_token: tokenOf("alice", {
        iss: ISSUER,
        aud: "confab",
        exp: this.now / 1_000 + 3_600,
        jti: this.#issued,
        ...(type === "authorization_code" && { nonce: this.nonce }),
        ...this.claims,
      }),
      access_token: "opaque",
      refresh_token: refresh,
    });
  }
}

/** @returns {Pick<Storage, "getItem" | "setItem" | "removeItem"> & {items: Map<string, string>}} */
export function storage(items = new Map()) {
  return {
    items,
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => void items.set(key, value),
    removeItem: (key) => void items.delete(key),
  };
}

/**
 * @param {FakeProvider} provider
 * @param {Partial<OidcOptions>} [options]
 */
export function windowOf(provider, options = {}) {
  return new OidcLogin({
    issuer: ISSUER,
    clientId: "confab",
    redirectUri: PAGE,
    storage: storage(),
    fetch: provider.fetch,
    now: () => provider.now,
    locks: null,
    ...options,
  });
}

/**
 * Lets the user log in at the provider, and returns the address to which it sends the browser.
 * @param {FakeProvider} provider
 * @param {string} url to which the page went
 * @param {Record<string, string>} [answer] instead of a code
 */
export function sentBack(provider, url, answer = { code: "code-1" }) {
  const query = new URL(url).searchParams;
  provider.nonce = String(query.get("nonce"));
  return `${PAGE}?${new URLSearchParams({ ...answer, state: String(query.get("state")) })}`;
}
