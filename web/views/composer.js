/** Where a message is written. What is half written stays with its conversation. */

import { cleanBody, encodedBytes, MAX_BODY_BYTES } from "../client/protocol.js";
import { element, icon, Icons, setText } from "./element.js";

/** @import { Drafts } from "../session.js" */

/** Lines that the field grows to where the browser does not size it by its content. */
const MOST_ROWS = 6;
/** A keyboard on the glass has no Shift+Enter: there the key is for new lines, and the button sends. */
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
    onkeydown: (/** @type {KeyboardEvent} */ event) => this.#key(event),
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

  /** @param {Drafts} drafts @param {(body: string) => void} onSend */
  constructor(drafts, onSend) {
    this.#drafts = drafts;
    this.#onSend = onSend;
    const submitted = (/** @type {SubmitEvent} */ event) => {
      event.preventDefault();
      this.#submit();
    };
    this.root = element(
      "form",
      { class: "composer", onsubmit: submitted },
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
  #key(event) {
    // Enter also ends the composition of a character, and is no wish to send then.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || isTouch.matches) return;
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
    this.#input.rows = Math.min(MOST_ROWS, text.split("\n").length);
    const body = cleanBody(text);
    const tooLong = encodedBytes(body) - MAX_BODY_BYTES;
    this.#send.disabled = body === "" || tooLong > 0;
    setText(
      this.#message,
      tooLong > 0
        ? `Too long by ${tooLong.toLocaleString()} bytes. Send it in several messages.`
        : "",
    );
  }
}
