/** The login by user name, on the local stack. It also appears when a session has ended. */

import { isText, parseObject } from "../client/index.js";
import { element, setText } from "./element.js";

/** @import { Person } from "../client/public.js" */
/** @import { LoginView, OnToken } from "./types.js" */

/** @param {string} url @param {OnToken} onToken @returns {LoginView} */
export function userLogin(url, onToken) {
  const input = (/** @type {string} */ id, /** @type {object} */ attributes) =>
    element("input", { id, "data-testid": id, maxlength: 128, ...attributes });
  const user = input("login-user", {
    required: true,
    autocomplete: "username",
    autocapitalize: "none",
    spellcheck: "false",
    placeholder: "alice",
  });
  const name = input("login-name", { autocomplete: "nickname", placeholder: "Alice" });
  const { root, show } = card(
    "login-submit",
    "This is a local stack. Log in with any user name. A second window can be another user.",
    async () => {
      const answer = await logIn(url, {
        user: user.value.trim().normalize(),
        name: name.value.trim() || undefined,
      });
      if (isText(answer?.token)) return onToken(answer.token);
      const reason = answer?.message ?? answer?.detail ?? answer?.title;
      return isText(reason) ? reason : "The login failed. Try again.";
    },
    element("label", { for: "login-user" }, "User"),
    user,
    element(
      "label",
      { for: "login-name" },
      "Display name ",
      element("span", { class: "hint" }, "optional"),
    ),
    name,
  );
  return {
    root,
    show(message, person) {
      user.value = person?.user ?? "";
      name.value = person && person.name !== person.user ? person.name : "";
      show(message);
    },
  };
}

/** @param {string} url @param {Partial<Person>} person */
async function logIn(url, person) {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(person),
    });
    return parseObject(await response.text());
  } catch {
    return { message: "The server cannot be reached. Check that it is running." };
  }
}

/**
 * Returns what all ways to log in look like.
 * @param {string} hook of the button
 * @param {string} hint
 * @param {() => Promise<string | null>} onSubmit returns what went wrong
 * @param {...HTMLElement} fields
 */
export function card(hook, hint, onSubmit, ...fields) {
  const words = element("p", { class: "form-message", role: "alert" });
  const submit = element(
    "button",
    { class: "primary", type: "submit", "data-testid": hook },
    "Log in",
  );
  const onsubmit = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    submit.disabled = true;
    setText(words, "");
    setText(words, (await onSubmit()) ?? "");
    submit.disabled = false;
  };
  const form = element(
    "form",
    { class: "card", onsubmit },
    element("img", { class: "mark", src: "favicon.svg", alt: "", width: 56, height: 56 }),
    element("h1", {}, "Confab"),
    element("p", { class: "hint" }, hint),
    ...fields,
    words,
    submit,
  );
  const root = element("main", { class: "login" }, form);
  const show = (/** @type {string} */ message) => {
    setText(words, message);
    (fields.find((field) => "value" in field) ?? submit).focus();
  };
  return { root, show };
}
