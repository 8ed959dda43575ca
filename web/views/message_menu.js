/** What can be done with a message: react, reply, edit, delete. */

import { isolated } from "../client/index.js";
import { dialog, show } from "./dialog.js";
import { element, icon, Icons, isForInputMethod, setAttribute, setText } from "./element.js";
import { QUICK, shownEmoji } from "./emoji.js";

/** @import { Message } from "../client/public.js" */
/** @import { RowContent } from "./types.js" */

/**
 * @typedef {object} MenuOptions
 * @property {(message: Message, emoji: string, on: boolean) => void} onReact
 * @property {(message: Message) => void} onReply
 * @property {(message: Message, origin: HTMLElement) => void} onEdit
 * @property {(message: Message) => void} onDelete
 */

const MARGIN_PX = 8;
/** Below this width, the menu is at the lower edge of the window. */
const isNarrow = matchMedia("(max-width: 46rem)");
const KEYS = new Map([
  ["ArrowLeft", -1],
  ["ArrowUp", -1],
  ["ArrowRight", 1],
  ["ArrowDown", 1],
]);

export class MessageMenu {
  /** @type {RowContent | null} */
  #content = null;
  /** @type {HTMLElement | null} */
  #anchor = null;
  /** @type {import("./emoji_picker.js").EmojiPicker | null} */
  #picker = null;
  #quick = QUICK.map((emoji) =>
    element(
      "button",
      {
        class: "emoji-button",
        type: "button",
        "data-testid": "react",
        "data-emoji": emoji,
        onclick: () => this.#react(emoji),
      },
      element("span", { class: "unseen" }, "React with "),
      shownEmoji(emoji),
    ),
  );
  #more = element(
    "button",
    {
      class: "emoji-button",
      type: "button",
      "aria-label": "More emoji",
      title: "More emoji",
      "data-testid": "react-more",
      onclick: () => void this.#pick(),
    },
    icon(Icons.plus),
  );
  #reactions = element(
    "div",
    { class: "quick", role: "group", "aria-label": "React" },
    ...this.#quick,
    this.#more,
  );
  #reply = command("Reply", "menu-reply", () => this.#choose(this.#options.onReply));
  #edit = command("Edit", "menu-edit", () => this.#choose(this.#options.onEdit));
  #delete = command("Delete…", "menu-delete", () => this.#ask(), "danger-text");
  #root = dialog(
    "message-menu-heading",
    {
      class: "message-menu",
      closedby: "any",
      "data-testid": "message-menu",
    },
    element("h2", { id: "message-menu-heading", class: "unseen" }, "Actions"),
    this.#reactions,
    this.#reply,
    this.#edit,
    this.#delete,
  );
  #question = element("p", {});
  #confirm = element(
    "button",
    {
      class: "danger",
      type: "button",
      "data-testid": "delete-confirm",
      onclick: () => {
        this.#asking.close();
        this.#choose(this.#options.onDelete);
      },
    },
    "Delete",
  );
  #asking = dialog(
    "delete-heading",
    { closedby: "any", "data-testid": "delete-dialog" },
    element(
      "div",
      { class: "dialog-form" },
      element("h2", { id: "delete-heading" }, "Delete this message?"),
      this.#question,
      element(
        "p",
        { class: "hint" },
        "Nobody can read it any more, and it cannot be brought back.",
      ),
      element(
        "div",
        { class: "actions" },
        element(
          "button",
          {
            class: "quiet",
            type: "button",
            "data-testid": "delete-cancel",
            onclick: () => this.#asking.close(),
          },
          "Cancel",
        ),
        this.#confirm,
      ),
    ),
  );
  #options;

  /** @param {MenuOptions} options */
  constructor(options) {
    this.#options = options;
    this.#root.addEventListener("keydown", (event) => this.#pressed(event));
  }

  /**
   * @param {RowContent} content
   * @param {HTMLElement} anchor gets the focus back
   * @param {{canDelete: boolean}} rights
   */
  open(content, anchor, { canDelete }) {
    this.#content = content;
    this.#anchor = anchor;
    const isStored = content.seq !== null;
    this.#reactions.hidden = !isStored;
    this.#reply.hidden = !isStored;
    this.#edit.hidden = !content.isMine;
    this.#delete.hidden = !canDelete;
    for (const button of this.#quick)
      setAttribute(button, "aria-pressed", String(this.#isOn(button.dataset.emoji)));
    this.#root.style.inset = "";
    show(this.#root);
    if (!isNarrow.matches) this.#place(anchor);
  }

  /** Beside the button, within the window. @param {HTMLElement} anchor */
  #place(anchor) {
    const { left, right, bottom, top } = anchor.getBoundingClientRect();
    const { width, height } = this.#root.getBoundingClientRect();
    const x = this.#content?.isMine ? right - width : left;
    const isBelow = bottom + height + MARGIN_PX < innerHeight;
    const y = isBelow ? bottom : top - height;
    const within = (/** @type {number} */ at, /** @type {number} */ end) =>
      Math.max(MARGIN_PX, Math.min(at, end - MARGIN_PX));
    this.#root.style.inset = `${within(y, innerHeight - height)}px auto auto ${within(x, innerWidth - width)}px`;
  }

  /** The arrow keys lead from button to button, too. @param {KeyboardEvent} event */
  #pressed(event) {
    const step = KEYS.get(event.key);
    if (step === undefined || isForInputMethod(event)) return;
    const buttons = [...this.#root.querySelectorAll("button")].filter(
      (button) => button.offsetParent !== null,
    );
    const at = buttons.findIndex((button) => button.matches(":focus"));
    buttons.at((at + step) % buttons.length)?.focus();
    event.preventDefault();
  }

  /** @param {string | undefined} emoji */
  #isOn(emoji) {
    return this.#content?.reactions.some((one) => one.emoji === emoji && one.isMine) ?? false;
  }

  /** @param {string} emoji */
  #react(emoji) {
    this.#choose((content) => this.#options.onReact(content, emoji, !this.#isOn(emoji)));
  }

  async #pick() {
    const module = await import("./emoji_picker.js").catch(() => null);
    if (!module || !this.#root.open) return;
    this.#root.close();
    this.#picker ??= new module.EmojiPicker((emoji) => this.#react(emoji));
    this.#picker.open();
  }

  /** @param {(content: RowContent, anchor: HTMLElement) => void} then */
  #choose(then) {
    // Closing gives the focus back to the button, from where the action may take it.
    this.#root.close();
    if (this.#content && this.#anchor) then(this.#content, this.#anchor);
  }

  #ask() {
    this.#root.close();
    const body = this.#content?.body ?? "";
    setText(
      this.#question,
      isolated(body.length > 200 ? `${body.slice(0, 200).toWellFormed()}…` : body),
    );
    setAttribute(this.#question, "class", "asked-text");
    show(this.#asking);
    this.#confirm.focus();
  }
}

/**
 * @param {string} text
 * @param {string} hook
 * @param {() => void} onclick
 * @param {string} [look]
 */
function command(text, hook, onclick, look = "") {
  return element(
    "button",
    { class: `command ${look}`, type: "button", "data-testid": hook, onclick },
    text,
  );
}
