/**
 * The login: by user name on the local stack, by token elsewhere. It also appears when a session
 * has ended.
 */

import { element, setText } from "./element.js";

/** @import { LoginOptions } from "./types.js" */

export class LoginView {
  #message = element("p", { class: "form-message", role: "alert" });
  #submit = element(
    "button",
    { class: "primary", type: "submit", "data-testid": "login-submit" },
    "Log in",
  );
  #user = element("input", {
    id: "login-user",
    "data-testid": "login-user",
    required: true,
    maxlength: 128,
    autocomplete: "username",
    autocapitalize: "none",
    spellcheck: "false",
    placeholder: "alice",
  });
  #name = element("input", {
    id: "login-name",
    "data-testid": "login-name",
    maxlength: 128,
    autocomplete: "nickname",
    placeholder: "Alice",
  });
  #token = element("textarea", {
    id: "login-token",
    "data-testid": "login-token",
    required: true,
    rows: 4,
    autocomplete: "off",
    spellcheck: "false",
  });
  #options;

  /** @param {LoginOptions} options */
  constructor(options) {
    this.#options = options;
    const fields = options.asksForUser
      ? [
          element(
            "p",
            { class: "hint" },
            "This is a local stack. Log in with any user name. A second window can be another user.",
          ),
          element("label", { for: "login-user" }, "User"),
          this.#user,
          element(
            "label",
            { for: "login-name" },
            "Display name ",
            element("span", { class: "hint" }, "optional"),
          ),
          this.#name,
        ]
      : [
          element(
            "p",
            { class: "hint" },
            "Paste a token from your identity provider. It stays in this window.",
          ),
          element("label", { for: "login-token" }, "Token"),
          this.#token,
        ];
    const mark = element("img", {
      class: "mark",
      src: "favicon.svg",
      alt: "",
      width: 56,
      height: 56,
    });
    const form = element(
      "form",
      {
        class: "card",
        onsubmit: (/** @type {SubmitEvent} */ event) => void this.#submitted(event),
      },
      mark,
      element("h1", {}, "Confab"),
      ...fields,
      this.#message,
      this.#submit,
    );
    this.root = element("main", { class: "login" }, form);
  }

  /** @param {string} message @param {{user: string, name: string} | null} person */
  show(message, person) {
    setText(this.#message, message);
    this.#token.value = "";
    this.#user.value = person?.user ?? "";
    this.#name.value = person && person.name !== person.user ? person.name : "";
    (this.#options.asksForUser ? this.#user : this.#token).focus();
  }

  /** @param {SubmitEvent} event */
  async #submitted(event) {
    event.preventDefault();
    this.#submit.disabled = true;
    setText(this.#message, "");
    const name = this.#name.value.trim();
    const problem = this.#options.asksForUser
      ? await this.#options.onPerson({
          user: this.#user.value.trim().normalize(),
          ...(name && { name }),
        })
      : await this.#options.onToken(this.#token.value.trim());
    this.#submit.disabled = false;
    setText(this.#message, problem ?? "");
  }
}
