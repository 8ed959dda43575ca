/** The field for a new message. Each conversation has its own draft. */

import { cleanBody, encodedBytes, MAX_BODY_BYTES } from "../client/index.js";
import { element, icon, Icons, setText } from "./element.js";
import { isForInputMethod } from "./keyboard.js";

/** @import { Drafts } from "../session.js" */

const MAX_ROWS = 6;
/** On-screen keyboards have no Shift+Enter, so Enter starts a new line. */
const isTouch = matchMedia("(pointer: coarse) and (hover: none)");

export class ComposerView {
  #conversation = "";
  #input = element("textarea", {
    id: "composer-input",
    "data-testid": "composer-input",
    rows: 1,
    placeholder: "Write a message",
    "aria-label": "Message",
    enterkeyhint: isTouch.matches ? "enter" : "send",
    autocomplete: "off",
    dir: "auto",
    onkeydown: (/** @type {KeyboardEvent} */ event) => this.#pressed(event),
    oninput: () => this.#changed(),
  });
  #send = element(
    "button",
    {
      class: "send",
      type: "submit",
      "data-testid": "composer-send",
      "aria-label": "Send",
      title: "Send",
    },
    icon(Icons.send),
  );
  #message = element("p", { class: "form-message", role: "status" });
  #drafts;
  #onSend;

  /**
   * @param {Drafts} drafts
   * @param {(body: string) => void} onSend
   */
  constructor(drafts, onSend) {
    this.#drafts = drafts;
    this.#onSend = onSend;
    const onsubmit = (/** @type {SubmitEvent} */ event) => {
      event.preventDefault();
      this.#submit();
    };
    this.root = element(
      "form",
      { class: "composer", onsubmit },
      this.#message,
      element("div", { class: "composer-field" }, this.#input, this.#send),
    );
  }

  /** @param {string} conversation */
  render(conversation) {
    if (conversation === this.#conversation) return;
    this.#conversation = conversation;
    this.#input.value = this.#drafts.get(conversation);
    this.#changed();
  }

  focus() {
    this.#input.focus();
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    if (event.key !== "Enter" || event.shiftKey || isForInputMethod(event) || isTouch.matches)
      return;
    event.preventDefault();
    this.#submit();
  }

  #submit() {
    const body = cleanBody(this.#input.value);
    if (body === "" || encodedBytes(body) > MAX_BODY_BYTES) return;
    this.#input.value = "";
    this.#changed();
    this.#input.focus();
    this.#onSend(body);
  }

  #changed() {
    const text = this.#input.value;
    this.#drafts.set(this.#conversation, text);
    this.#input.rows = Math.min(MAX_ROWS, text.split("\n").length);
    const body = cleanBody(text);
    const excess = encodedBytes(body) - MAX_BODY_BYTES;
    this.#send.disabled = body === "" || excess > 0;
    setText(
      this.#message,
      excess > 0
        ? `The message is ${excess.toLocaleString()} bytes too long. Send it in several messages.`
        : "",
    );
  }
}
