/**
 * Logging in at an OpenID Connect provider: the code flow with PKCE, refresh, and logout.
 *
 * An optional module, which `index.js` does not import. Tokens are kept in the storage that the page
 * gives, by default for as long as the window. They never travel in a URL. Signatures are left to
 * the server: the tokens come from the provider itself, and only the server decides by them.
 */

import { isObject, isText, parseObject } from "./protocol.js";

/** @import { LoginUnderWay, OidcSession, TokenAnswer } from "./oidc_types.js" */
/** @typedef {import("./oidc_types.js").OidcOptions} OidcOptions */

/** What a login that is under way has to remember until the provider sends the browser back. */
const LOGIN_KEY = "confab.oidc.login";
const SESSION_KEY = "confab.oidc";
const DEFAULT_SCOPE = "openid profile offline_access";
/** Longer before its end, the client does not ask for a new token. See `MARGIN_MS` there. */
const MARGIN_MS = 61_000;

const ENDPOINTS = [
  "authorization_endpoint",
  "token_endpoint",
  "revocation_endpoint",
  "end_session_endpoint",
];

/** The user can do something about it. The message says what. */
export class LoginError extends Error {
  /** @override */
  name = "LoginError";
}

/** The provider refuses the request, and will refuse it again. */
class GrantRefused extends Error {}

export class OidcLogin {
  #options;
  /** @type {Promise<Record<string, unknown>> | null} */
  #metadata = null;
  /** @type {Promise<string | null> | null} */
  #refresh = null;
  /** @type {Promise<boolean> | null} */
  #ownership = null;

  /** @param {OidcOptions} options */
  constructor(options) {
    this.#options = options;
  }

  /**
   * Begins a login, and returns the URL of the provider to which the page has to go.
   * @param {string} [place] what `finish` returns, for example the fragment of the page's address
   */
  async begin(place = "") {
    const { authorization_endpoint: endpoint } = await this.#discover();
    const { clientId, parameters, redirectUri, scope, storage } = this.#options;
    /** @type {LoginUnderWay} */
    const login = { state: random(), nonce: random(), verifier: random(), place };
    storage.setItem(LOGIN_KEY, JSON.stringify(login));
    return withQuery(String(endpoint), {
      ...parameters,
      response_type: "code",
      client_id: clientId,
      redirect_uri: redirectUri,
      scope: scope ?? DEFAULT_SCOPE,
      state: login.state,
      nonce: login.nonce,
      code_challenge: await challenge(login.verifier),
      code_challenge_method: "S256",
    });
  }

  /**
   * Ends a login when the provider has sent the browser back. Returns `null` for other addresses.
   * The page then removes the query from its address.
   * @param {string} address of the page
   * @returns {Promise<{place: string} | null>}
   * @throws {LoginError}
   */
  async finish(address) {
    const query = new URL(address).searchParams;
    const state = query.get("state");
    if (state === null || !(query.has("code") || query.has("error"))) return null;
    const { issuer, redirectUri, storage } = this.#options;
    const login = /** @type {LoginUnderWay | null} */ (
      parseObject(storage.getItem(LOGIN_KEY) ?? "")
    );
    storage.removeItem(LOGIN_KEY);
    // Otherwise a link could log the user in as somebody else.
    if (login === null || login.state !== state)
      throw new LoginError("This login was not begun in this window. Log in again.");
    const metadata = await this.#discover();
    const sender = query.get("iss");
    const mustName = metadata.authorization_response_iss_parameter_supported === true;
    if (sender === null ? mustName : sender !== issuer)
      throw new LoginError("The answer is of another identity provider. Log in again.");
    const code = query.get("code");
    if (code === null) throw new LoginError(refusal(String(query.get("error"))));
    try {
      const answer = await this.#ask({
        grant_type: "authorization_code",
        code,
        redirect_uri: redirectUri,
        code_verifier: login.verifier,
      });
      this.#accept(answer, { id: random(), refresh: null }, login.nonce);
    } catch (cause) {
      if (cause instanceof LoginError) throw cause;
      throw new LoginError("The identity provider did not complete the login. Log in again.", {
        cause,
      });
    }
    return { place: login.place };
  }

  /**
   * The token provider of a client. Returns `null` if nobody is logged in, and rejects if the
   * provider cannot be reached.
   * @param {{refused: string | null}} [request]
   * @returns {Promise<string | null>}
   */
  token = async ({ refused } = { refused: null }) => {
    const session = this.#session();
    if (session === null) return null;
    const { token, renewAt } = session;
    const isOwner = await this.#own(session);
    if (token !== refused && this.#options.now() < renewAt) return token;
    if (session.refresh !== null && isOwner) {
      this.#refresh ??= this.#renew(session).finally(() => {
        this.#refresh = null;
      });
      return this.#refresh;
    }
    return token === refused ? null : token;
  };

  /**
   * Forgets the tokens, and asks the provider to revoke them. Returns the URL to which the page has
   * to go so that the provider ends its session, too, or `null` if the provider has none.
   * @returns {Promise<string | null>}
   */
  async logOut() {
    const session = this.#session();
    const { clientId, redirectUri, storage } = this.#options;
    storage.removeItem(SESSION_KEY);
    storage.removeItem(LOGIN_KEY);
    try {
      const { revocation_endpoint: revocation, end_session_endpoint: end } = await this.#discover();
      if (isText(revocation) && isText(session?.refresh))
        await this.#post(revocation, { token: session.refresh, token_type_hint: "refresh_token" });
      // Without `id_token_hint`, because tokens do not travel in URLs.
      return isText(end)
        ? withQuery(end, { client_id: clientId, post_logout_redirect_uri: redirectUri })
        : null;
    } catch {
      return null;
    }
  }

  /** @returns {OidcSession | null} */
  #session() {
    const session = parseObject(this.#options.storage.getItem(SESSION_KEY) ?? "");
    return isText(session?.token) ? /** @type {OidcSession} */ (session) : null;
  }

  /**
   * Returns whether this window may use the refresh token. Browsers copy the storage of a window
   * when it is duplicated, and a provider that sees a refresh token twice ends the session.
   * @param {OidcSession} session
   */
  #own({ id }) {
    const { locks } = this.#options;
    if (!locks) return Promise.resolve(true);
    this.#ownership ??= new Promise((resolve) => {
      const hold = (/** @type {unknown} */ lock) => {
        resolve(lock !== null);
        // Until the window closes.
        return lock === null ? undefined : new Promise(() => {});
      };
      locks.request(`confab.oidc ${id}`, { ifAvailable: true }, hold).catch(() => resolve(true));
    });
    return this.#ownership;
  }

  /** @param {OidcSession} session */
  async #renew(session) {
    try {
      const answer = await this.#ask({
        grant_type: "refresh_token",
        refresh_token: session.refresh ?? "",
      });
      // The user may have logged out meanwhile.
      return this.#session() && this.#accept(answer, session, null);
    } catch (error) {
      if (!(error instanceof GrantRefused || error instanceof LoginError)) throw error;
      this.#options.storage.removeItem(SESSION_KEY);
      return null;
    }
  }

  /**
   * Checks an answer of the provider, and stores its tokens.
   * @param {TokenAnswer} answer
   * @param {Pick<OidcSession, "id" | "refresh">} session
   * @param {string | null} nonce of a login; `null` for a refresh
   */
  #accept(answer, { id, refresh }, nonce) {
    const { clientId, issuer, now, storage, token: kind = "id_token" } = this.#options;
    const claims = isText(answer.id_token) ? claimsOf(answer.id_token) : null;
    // A provider may leave the ID token out of the answer to a refresh.
    if (claims === null ? nonce !== null : !isFor(claims, issuer, clientId, nonce))
      throw new LoginError("The identity provider sent a token for another use. Log in again.");
    const token = answer[kind];
    const expiry = isText(token) ? Number(claimsOf(token)?.exp) * 1_000 : Number.NaN;
    if (!isText(token) || Number.isNaN(expiry))
      throw new LoginError(`The identity provider sent no ${kind} that the chat can use.`);
    const life = expiry - now();
    /** @type {OidcSession} */
    const session = {
      id,
      token,
      renewAt: expiry - Math.min(MARGIN_MS, life / 2),
      refresh: isText(answer.refresh_token) ? answer.refresh_token : refresh,
    };
    storage.setItem(SESSION_KEY, JSON.stringify(session));
    return token;
  }

  #discover() {
    this.#metadata ??= this.#readMetadata().catch((error) => {
      this.#metadata = null;
      throw error;
    });
    return this.#metadata;
  }

  async #readMetadata() {
    const { fetch, issuer } = this.#options;
    const url = `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
    const response = await fetch(url, { cache: "no-cache" });
    const metadata = parseObject(await response.text());
    if (!response.ok || !metadata) throw new Error("The identity provider does not answer.");
    const { authorization_endpoint: login, token_endpoint: tokens } = metadata;
    if (metadata.issuer !== issuer || !isText(login) || !isText(tokens))
      throw new LoginError(`${url} is not the configuration of the issuer ${issuer}.`);
    // The browser goes there, or sends tokens there: over TLS, if the issuer has it.
    const { protocol } = new URL(issuer);
    const insecure = ENDPOINTS.find(
      (name) => isText(metadata[name]) && protocolOf(metadata[name]) !== protocol,
    );
    if (insecure)
      throw new LoginError(`The ${insecure} of ${issuer} is not a ${protocol} address.`);
    return metadata;
  }

  /**
   * @param {Record<string, string>} grant
   * @returns {Promise<TokenAnswer>}
   */
  async #ask(grant) {
    const { token_endpoint: endpoint } = await this.#discover();
    const response = await this.#post(String(endpoint), grant);
    const answer = parseObject(await response.text());
    if (response.ok && answer) return answer;
    if (isText(answer?.error) && response.status < 500 && response.status !== 429)
      throw new GrantRefused(answer.error);
    throw new Error("The identity provider does not answer.");
  }

  /**
   * @param {string} url
   * @param {Record<string, string>} fields
   */
  #post(url, fields) {
    const { clientId, fetch } = this.#options;
    return fetch(url, {
      method: "POST",
      body: new URLSearchParams({ ...fields, client_id: clientId }),
      cache: "no-store",
      credentials: "omit",
    });
  }
}

/**
 * @param {Record<string, unknown>} claims of an ID token
 * @param {string} issuer
 * @param {string} clientId
 * @param {string | null} nonce
 */
function isFor({ iss, aud, nonce: given }, issuer, clientId, nonce) {
  return iss === issuer && [aud].flat().includes(clientId) && (nonce === null || given === nonce);
}

/** @param {string} url */
function protocolOf(url) {
  return URL.canParse(url) ? new URL(url).protocol : "";
}

/** @param {string} error of RFC 6749 or OpenID Connect */
function refusal(error) {
  if (error === "access_denied") return "The login was cancelled. Log in to continue.";
  return `The identity provider refused the login (${error.slice(0, 60)}). Log in again.`;
}

/** @param {string} token */
function claimsOf(token) {
  try {
    const payload = atob((token.split(".")[1] ?? "").replace(/-/g, "+").replace(/_/g, "/"));
    const bytes = Uint8Array.from(payload, (character) => character.charCodeAt(0));
    const claims = parseObject(new TextDecoder().decode(bytes));
    return isObject(claims) ? claims : null;
  } catch {
    return null;
  }
}

/**
 * @param {string} url
 * @param {Record<string, string>} fields
 */
function withQuery(url, fields) {
  const whole = new URL(url);
  for (const [name, value] of Object.entries(fields)) whole.searchParams.set(name, value);
  return whole.href;
}

/** Returns 256 random bits as base64url, as RFC 7636 recommends for verifiers. */
function random() {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

/** @param {string} verifier */
async function challenge(verifier) {
  if (!crypto.subtle)
    throw new LoginError("Logging in needs a page from https: or from localhost.");
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  return base64url(new Uint8Array(digest));
}

/** @param {Uint8Array} bytes */
function base64url(bytes) {
  return btoa(String.fromCharCode(...bytes))
    .replace(/\+/g, "-")
    .replace(/\//g, "_")
    .replace(/=/g, "");
}
