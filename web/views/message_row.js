import { element, setAttribute, setText } from "./element.js";

/** @import { RowContent, RowOptions } from "./types.js" */

export class MessageRow {
  #name = element("p", { class: "sender" });
  #body = element("p", { class: "body", "data-testid": "message-body" });
  #time = element("span", { class: "time" });
  #state = element("span", { class: "state" });
  #picture;
  /** @type {HTMLElement | null} */
  #failure = null;
  #problem = element("span", {});
  #id = "";
  #shown = "";
  #onRetry;
  #onDiscard;

  /** @param {RowOptions} options */
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
    // A group shows the name once. Screen readers read it before each message.
    setAttribute(this.#name, "class", startsGroup && !isMine ? "sender" : "sender unseen");
    setText(this.#name, isMine ? "You" : name);
    if (this.#shown !== body) {
      this.#shown = body;
      setText(this.#body, body);
      if (/:\/\/|www\./i.test(body)) void this.#showLinks(body);
    }
    setText(this.#time, time);
    setText(this.#state, state === "pending" ? "Sending…" : "");
    this.#renderFailure(state === "failed" ? problem : null);
  }

  /** @param {string} body */
  async #showLinks(body) {
    const { nodesOf } = await import("./links.js");
    if (this.#shown === body) this.#body.replaceChildren(...nodesOf(body));
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
