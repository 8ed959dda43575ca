/**
 * Logging in at an identity provider, for the page. Loaded only if `config.json` has `oidc`.
 */

import { isObject, isText } from "./client/index.js";
import { LoginError, OidcLogin } from "./client/oidc.js";
import { providerLogin } from "./views/provider_login.js";

/** @import { OidcOptions } from "./client/oidc.js" */

/**
 * Ends a login from which the browser comes back, and gives the page its tokens.
 * @param {Record<string, unknown>} configuration `oidc` of `config.json`
 */
export async function prepareLogin(configuration) {
  const login = new OidcLogin({
    ...read(configuration),
    redirectUri: location.origin + location.pathname,
    storage: sessionStorage,
    fetch: (input, init) => fetch(input, init),
    now: Date.now,
    locks: navigator.locks ?? null,
  });
  const problem = await finish(login);
  const page = /** @type {{confabToken?: unknown}} */ (/** @type {unknown} */ (globalThis));
  page.confabToken = login.token;
  const view = providerLogin(problem, () =>
    attempt(async () => location.assign(await login.begin(location.hash))),
  );
  return {
    view,
    logOut: async () => {
      const next = await login.logOut();
      if (next !== null) location.assign(next);
    },
  };
}

/**
 * Returns what went wrong. The address loses the code in any case, so that a reload works.
 * @param {OidcLogin} login
 */
async function finish(login) {
  return attempt(async () => {
    try {
      const done = await login.finish(location.href);
      if (done !== null) history.replaceState(null, "", location.pathname + done.place);
    } catch (error) {
      history.replaceState(null, "", location.pathname);
      throw error;
    }
  });
}

/** @param {() => Promise<void>} action */
async function attempt(action) {
  try {
    await action();
    return "";
  } catch (error) {
    if (error instanceof LoginError) return error.message;
    return "The identity provider cannot be reached. Try again.";
  }
}

/**
 * @param {Record<string, unknown>} configuration
 * @returns {Pick<OidcOptions, "issuer" | "clientId" | "scope" | "token" | "parameters">}
 */
function read({ issuer, clientId, scope, token, parameters }) {
  return {
    issuer: String(issuer),
    clientId: String(clientId),
    ...(isText(scope) && { scope }),
    ...((token === "id_token" || token === "access_token") && { token }),
    ...(isObject(parameters) && { parameters: texts(parameters) }),
  };
}

/** @param {object} parameters */
function texts(parameters) {
  return Object.fromEntries(Object.entries(parameters).filter(([, value]) => isText(value)));
}
