/** The login by a token, where there is neither a local stack nor an identity provider. */

import { element } from "./element.js";
import { card } from "./login.js";

/** @import { LoginView, OnToken } from "./types.js" */

/** @param {OnToken} onToken @returns {LoginView} */
export function tokenLogin(onToken) {
  const token = element("textarea", {
    id: "login-token",
    "data-testid": "login-token",
    required: true,
    rows: 4,
    autocomplete: "off",
    spellcheck: "false",
  });
  const { root, show } = card(
    "login-submit",
    "Paste a token from your identity provider. It stays in this window.",
    () => onToken(token.value.trim()),
    element("label", { for: "login-token" }, "Token"),
    token,
  );
  return {
    root,
    show(message) {
      token.value = "";
      show(message);
    },
  };
}
