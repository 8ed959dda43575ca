/** The login at an identity provider: a button that goes there. */

import { card } from "./login.js";

/** @import { LoginView } from "./types.js" */

/**
 * @param {string} problem what went wrong at the provider; empty if nothing did
 * @param {() => Promise<string>} onLogIn returns what went wrong
 * @returns {LoginView}
 */
export function providerLogin(problem, onLogIn) {
  const { root, show } = card(
    "login-provider",
    "You log in at your identity provider, and come back here.",
    onLogIn,
  );
  let unseen = problem;
  return {
    root,
    show(message) {
      show(message || unseen);
      unseen = "";
    },
  };
}
