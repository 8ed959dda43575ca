/** The dialog that creates a conversation, with a title and participants. */

import { MAX_PARTICIPANTS, MAX_TITLE_BYTES, MAX_USER_BYTES } from "../client/index.js";
import { closeIcon, dialog, show } from "./dialog.js";
import { arrange, element, isForInputMethod, setText } from "./element.js";
import { Suggestions } from "./suggestions.js";

/** @import { Person } from "../client/public.js" */

/**
 * @typedef {object} NewConversationOptions
 * @property {(
 *   conversation: {id: string, title?: string, participants: string[]},
 * ) => Promise<string | null>} onCreate returns what went wrong
 * @property {(text: string) => Promise<Person[]>} find finds people by a part of their name
 * @property {() => string} newId
 */

export class NewConversationView {
  /** @type {string[]} */
  #participants = [];
  /**
   * The names of participants who were suggested.
   * @type {Map<string, string>}
   */
  #names = new Map();
  /** Stays the same while the request does, so that a retry creates no second conversation. */
  #id = "";
  /** The last request, as JSON. */
  #asked = "";
  #chips = element("ul", { class: "chips", "aria-label": "Participants so far" });
  #title = element("input", {
    id: "new-title",
    "data-testid": "new-title",
    maxlength: MAX_TITLE_BYTES,
    autocomplete: "off",
    placeholder: "Lunch on Friday",
  });
  #input = element("input", {
    id: "new-participants",
    "data-testid": "new-participants",
    autocomplete: "off",
    autocapitalize: "none",
    spellcheck: "false",
    placeholder: "bob, carol",
    "aria-describedby": "new-participants-hint",
    onkeydown: (/** @type {KeyboardEvent} */ event) => this.#pressed(event),
    oninput: () => this.#edited(),
  });
  #message = element("p", { class: "form-message", role: "alert" });
  #submit = element(
    "button",
    { class: "primary", type: "submit", "data-testid": "new-submit" },
    "Start",
  );
  #options;

  /** @param {NewConversationOptions} options */
  constructor(options) {
    this.#options = options;
    const suggestions = new Suggestions(this.#input, {
      label: "People you may mean",
      find: async (text) => {
        const people = await options.find(text);
        return people.filter(({ user }) => !this.#participants.includes(user));
      },
      onChoose: ({ user, name }) => {
        this.#names.set(user, name);
        this.#input.value = "";
        this.#add(user);
        this.#input.focus();
      },
    });
    const close = () => this.root.close();
    const form = element(
      "form",
      {
        class: "dialog-form",
        onsubmit: (/** @type {SubmitEvent} */ event) => void this.#submitted(event),
      },
      element("h2", { id: "new-heading" }, "New conversation"),
      element(
        "label",
        { for: "new-title" },
        "Title ",
        element("span", { class: "hint" }, "optional"),
      ),
      this.#title,
      element("label", { for: "new-participants" }, "With"),
      element("div", { class: "field chip-field" }, this.#chips, this.#input),
      suggestions.root,
      element(
        "p",
        { class: "hint", id: "new-participants-hint" },
        "Names of people you know, or user names, separated by commas. You are added automatically.",
      ),
      this.#message,
      element(
        "div",
        { class: "actions" },
        element("button", { class: "quiet", type: "button", onclick: close }, "Cancel"),
        this.#submit,
      ),
    );
    this.root = dialog("new-heading", {}, form);
  }

  open() {
    this.#asked = "";
    this.#participants = [];
    this.#title.value = "";
    this.#input.value = "";
    setText(this.#message, "");
    this.#renderChips();
    show(this.root);
    this.#input.focus();
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    if (isForInputMethod(event)) return;
    if (event.key === "Backspace" && this.#input.value === "" && this.#participants.length > 0) {
      this.#participants.pop();
      this.#renderChips();
    } else if (event.key === "Enter" && this.#input.value.trim() !== "") {
      event.preventDefault();
      this.#add(this.#input.value);
      this.#input.value = "";
    }
  }

  /** Adds the names before a comma. */
  #edited() {
    const names = this.#input.value.split(/[,;]/);
    if (names.length === 1) return;
    this.#input.value = (names.pop() ?? "").trimStart();
    this.#add(names.join(","));
  }

  /** @param {string} text */
  #add(text) {
    const names = text
      .split(/[,;]/)
      .map((name) => name.trim().normalize())
      .filter((name) => name !== "");
    this.#participants = [...new Set([...this.#participants, ...names])];
    this.#renderChips();
  }

  #renderChips() {
    arrange(
      this.#chips,
      this.#participants.map((name) => {
        const remove = () => {
          this.#participants = this.#participants.filter((other) => other !== name);
          this.#renderChips();
          this.#input.focus();
        };
        const shown = this.#names.get(name) ?? name;
        const button = element(
          "button",
          { type: "button", "aria-label": `Remove ${shown}`, onclick: remove },
          closeIcon(),
        );
        return element("li", { class: "chip", title: name }, element("span", {}, shown), button);
      }),
    );
  }

  /** @param {SubmitEvent} event */
  async #submitted(event) {
    event.preventDefault();
    this.#add(this.#input.value);
    this.#input.value = "";
    const title = this.#title.value.trim();
    const problem = problemOf(title, this.#participants);
    setText(this.#message, problem ?? "");
    if (problem) return;
    this.#submit.disabled = true;
    const request = { ...(title && { title }), participants: this.#participants };
    const asked = JSON.stringify(request);
    if (asked !== this.#asked) this.#id = this.#options.newId();
    this.#asked = asked;
    const failure = await this.#options.onCreate({ id: this.#id, ...request });
    this.#submit.disabled = false;
    if (failure === null) this.root.close();
    else setText(this.#message, failure);
  }
}

/** @param {string} title @param {string[]} participants */
function problemOf(title, participants) {
  const bytes = (/** @type {string} */ text) => new TextEncoder().encode(text).length;
  const long = participants.find((name) => bytes(name) > MAX_USER_BYTES);
  if (participants.length === 0) return "Add at least one other person.";
  if (participants.length > MAX_PARTICIPANTS)
    return `At most ${MAX_PARTICIPANTS} people can be added at the start.`;
  if (long) return `“${long.slice(0, 20)}…” is too long for a user name.`;
  if (bytes(title) > MAX_TITLE_BYTES) return "The title is too long.";
  return null;
}
