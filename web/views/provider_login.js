/** The login at an identity provider: a button that goes there. */

import { element, setText } from "./element.js";

/** @import { ProviderLoginOptions } from "./types.js" */

export class ProviderLoginView {
  #message = element("p", { class: "form-message", role: "alert" });
  #submit = element(
    "button",
    { class: "primary", type: "submit", "data-testid": "login-provider" },
    "Log in",
  );
  #options;
  #problem;

  /** @param {ProviderLoginOptions} options */
  constructor(options) {
    this.#options = options;
    this.#problem = options.problem;
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
      element("p", { class: "hint" }, "You log in at your identity provider, and come back here."),
      this.#message,
      this.#submit,
    );
    this.root = element("main", { class: "login" }, form);
  }

  /** @param {string} message */
  show(message) {
    setText(this.#message, message || this.#problem);
    this.#problem = "";
    this.#submit.focus();
  }

  /** @param {SubmitEvent} event */
  async #submitted(event) {
    event.preventDefault();
    this.#submit.disabled = true;
    setText(this.#message, "");
    setText(this.#message, await this.#options.onLogIn());
    this.#submit.disabled = false;
  }
}
