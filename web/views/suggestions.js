/** Suggests people while a name is typed: a combobox with a list, as ARIA describes it. */

import { systemClock } from "../client/index.js";
import { arrange, avatar, element, isForInputMethod, setAttribute } from "./element.js";

/** @import { Person } from "../client/public.js" */

/** Nobody reads suggestions for half a name that is already longer. */
const PAUSE_MS = 150;
const CLOSE_AFTER_MS = 300;

export class Suggestions {
  /** @type {Person[]} */
  #people = [];
  #active = -1;
  #asked = "";
  #cancel = () => {};
  #input;
  #options;

  /**
   * @param {HTMLInputElement} input
   * @param {{
   *   label: string,
   *   find: (text: string) => Promise<Person[]>,
   *   onChoose: (person: Person) => void,
   * }} options
   */
  constructor(input, options) {
    this.#input = input;
    this.#options = options;
    this.root = element("ul", {
      class: "suggestions",
      id: `${input.id}-suggestions`,
      role: "listbox",
      "aria-label": options.label,
      "data-testid": "suggestions",
      hidden: true,
    });
    for (const [name, value] of Object.entries({
      role: "combobox",
      "aria-autocomplete": "list",
      "aria-expanded": "false",
      "aria-controls": this.root.id,
    }))
      setAttribute(input, name, value);
    input.addEventListener("input", () => this.#edited());
    // A list that disappears while the mouse is down would move what is clicked.
    input.addEventListener("blur", () => {
      this.#cancel();
      this.#cancel = systemClock.after(CLOSE_AFTER_MS, () => this.close());
    });
    // Before the listeners of the form, which add what is typed.
    input.addEventListener("keydown", (event) => this.#pressed(event), { capture: true });
    // The input keeps the focus.
    this.root.addEventListener("mousedown", (event) => event.preventDefault());
  }

  close() {
    this.#asked = "";
    this.#cancel();
    this.#show([]);
  }

  #edited() {
    this.#cancel();
    const text = this.#input.value.trim();
    this.#asked = text;
    if (text === "" || /[,;]/.test(text)) return this.#show([]);
    this.#cancel = systemClock.after(PAUSE_MS, () => void this.#ask(text));
  }

  /** @param {string} text */
  async #ask(text) {
    const people = await this.#options.find(text).catch(() => []);
    // An earlier answer may come after a later one.
    if (this.#asked === text && this.#input.value.trim() === text) this.#show(people);
  }

  /** @param {Person[]} people */
  #show(people) {
    this.#people = people;
    this.root.hidden = people.length === 0;
    setAttribute(this.#input, "aria-expanded", String(people.length > 0));
    arrange(
      this.root,
      people.map((person, place) =>
        element(
          "li",
          {
            class: "suggestion",
            id: `${this.root.id}-${place}`,
            role: "option",
            "data-testid": "suggestion",
            "data-user": person.user,
            onclick: () => this.#choose(person),
          },
          avatar(person.user, person.name),
          element("span", { class: "person-name" }, person.name),
          person.name === person.user ? null : element("span", { class: "hint" }, person.user),
        ),
      ),
    );
    this.#activate(-1);
  }

  /** @param {number} place */
  #activate(place) {
    this.#active = place;
    for (const [index, option] of [...this.root.children].entries()) {
      setAttribute(option, "aria-selected", String(index === place));
      if (index === place) option.scrollIntoView({ block: "nearest" });
    }
    const id = this.root.children[place]?.id ?? null;
    setAttribute(this.#input, "aria-activedescendant", id);
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    const { length } = this.#people;
    const chosen = this.#people[this.#active];
    // What was typed is used as it is.
    if (event.key === "Enter" && !chosen && !isForInputMethod(event)) return this.close();
    if (length === 0 || isForInputMethod(event)) return;
    if (event.key === "ArrowDown") this.#activate((this.#active + 1) % length);
    else if (event.key === "ArrowUp")
      this.#activate((Math.max(this.#active, 0) + length - 1) % length);
    else if (event.key === "Escape") this.close();
    else if (event.key === "Enter" && chosen) this.#choose(chosen);
    else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  /** @param {Person} person */
  #choose(person) {
    this.close();
    this.#options.onChoose(person);
  }
}
