/** One message on the screen, through its life: pending, sent, or failed with what can be done about it. */

import { element, setAttribute, setText } from "./element.js";
import { piecesOf } from "./links.js";

/**
 * @typedef {object} RowContent
 * @property {string} id the sender's own id of the message
 * @property {number | null} seq `null` as long as it is not acknowledged
 * @property {string} sender user id
 * @property {string} name
 * @property {string} body
 * @property {boolean} isMine
 * @property {"pending" | "sent" | "failed"} state
 * @property {string} problem why it failed
 * @property {boolean} startsGroup whether it is the first of several of one person
 * @property {string} time
 */

export class MessageRow {
  #name = element("p", { class: "sender" });
  #body = element("p", { class: "body", "data-testid": "message-body" });
  #time = element("span", { class: "time" });
  #state = element("span", { class: "state" });
  #picture;
  /** @type {HTMLElement | null} */ #failure = null;
  #problem = element("span", {});
  #id = "";
  #onRetry;
  #onDiscard;

  /** @param {{picture: HTMLElement | null, onRetry: (id: string) => void, onDiscard: (id: string) => void}} options */
  constructor({ picture, onRetry, onDiscard }) {
    this.#onRetry = onRetry;
    this.#onDiscard = onDiscard;
    this.#picture = element("div", { class: "picture" }, picture);
    const bubble = element(
      "div",
      { class: "bubble", dir: "auto" },
      this.#body,
      element("p", { class: "meta" }, this.#time, this.#state),
    );
    this.root = element(
      "div",
      { class: "message", "data-testid": "message" },
      this.#picture,
      this.#name,
      bubble,
    );
  }

  /** @param {RowContent} content */
  render(content) {
    const { id, seq, name, body, isMine, state, problem, startsGroup, time } = content;
    this.#id = id;
    setAttribute(
      this.root,
      "class",
      `message ${isMine ? "mine" : "theirs"}${startsGroup ? " first" : ""}`,
    );
    setAttribute(this.root, "data-seq", seq);
    setAttribute(this.root, "data-state", state);
    // In a group the name stands once to the eye, and before each message to the ear.
    setAttribute(this.#name, "class", startsGroup && !isMine ? "sender" : "sender unseen");
    setText(this.#name, isMine ? "You" : name);
    if (this.#body.textContent !== body)
      this.#body.replaceChildren(...piecesOf(body).map(pieceNode));
    setText(this.#time, time);
    setText(this.#state, state === "pending" ? "Sending…" : "");
    this.#renderFailure(state === "failed" ? problem : null);
  }

  /** @param {string | null} problem */
  #renderFailure(problem) {
    if (problem === null) {
      this.#failure?.remove();
      this.#failure = null;
      return;
    }
    setText(this.#problem, `Not sent. ${problem}`);
    if (this.#failure) return;
    this.#failure = element(
      "div",
      { class: "failure" },
      this.#problem,
      element(
        "button",
        { type: "button", "data-testid": "message-retry", onclick: () => this.#onRetry(this.#id) },
        "Try again",
      ),
      element(
        "button",
        {
          type: "button",
          "data-testid": "message-discard",
          onclick: () => this.#onDiscard(this.#id),
        },
        "Discard",
      ),
    );
    this.root.append(this.#failure);
  }
}

/** @param {import("./links.js").Piece} piece */
function pieceNode({ text, href }) {
  return href === null
    ? document.createTextNode(text)
    : element("a", { href, target: "_blank", rel: "noopener noreferrer nofollow" }, text);
}
