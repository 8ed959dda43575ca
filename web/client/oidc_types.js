/** Types of `oidc.js`. Types only: never loaded. */

/**
 * @typedef {object} OidcOptions
 * @property {string} issuer exactly as the provider spells it
 * @property {string} clientId of a public client, which has no secret
 * @property {string} redirectUri the page, as it is registered at the provider
 * @property {string} [scope] by default `openid profile offline_access`
 * @property {"id_token" | "access_token"} [token] the token that the server gets, by default the ID
 *   token; an access token has to be a JSON Web Token for the server's audience
 * @property {Record<string, string>} [parameters] further parameters of the authorization request,
 *   for example `audience`
 * @property {Pick<Storage, "getItem" | "setItem" | "removeItem">} storage
 * @property {typeof globalThis.fetch} fetch
 * @property {() => number} now milliseconds since 1970
 * @property {Pick<LockManager, "request"> | null} locks `null`: duplicated windows end the session
 */

/** @typedef {{state: string, nonce: string, verifier: string, place: string}} LoginUnderWay */

/**
 * @typedef {object} OidcSession
 * @property {string} id of the window that logged in; a duplicate has the same
 * @property {string} token that the server gets
 * @property {number} renewAt milliseconds since 1970
 * @property {string | null} refresh the refresh token
 */

/**
 * The answer of a token endpoint.
 * @typedef {{id_token?: unknown, access_token?: unknown, refresh_token?: unknown}} TokenAnswer
 */

export {};
