/**
 * What a message shows beside its text: links, the message that it replies to, that it was edited,
 * reactions, why it was not sent, and a button for what can be done with it.
 */

import { isolated } from "../client/index.js";
import { arrange, element, icon, setAttribute, setText } from "./element.js";
import { shownEmoji } from "./emoji.js";
import { failure } from "./failure.js";
import { shortTime } from "./timeline.js";

/** @import { Conversation, Message, Reaction } from "../client/public.js" */
/** @import { Decorations } from "./decorations.js" */
/** @import { RowContent } from "./types.js" */

/** Of a long message, only the beginning is quoted, or read as the name of a button. */
const MAX_QUOTED = 200;
const MAX_NAMED = 40;
const DOTS = "M5 12h.01M12 12h.01M19 12h.01";

export class Decoration {
  /** @type {RowContent | null} */
  #content = null;
  /** @type {HTMLElement | null} */
  #failure = null;
  #problem = "";
  // Most messages have only the button. Rows are made while the user scrolls.
  /** @type {HTMLElement | null} */
  #quote = null;
  /** @type {HTMLElement | null} */
  #edited = null;
  /** @type {HTMLElement | null} */
  #chips = null;
  #act = element(
    "button",
    {
      class: "quiet act",
      type: "button",
      tabindex: -1,
      title: "Actions",
      "aria-haspopup": "dialog",
      "data-rove": true,
      "data-testid": "message-actions",
      onclick: () => this.#content && this.#decorations.openMenu(this.#content, this.#act),
    },
    icon(DOTS),
  );
  #bubble;
  #decorations;
  #root;

  /** @param {HTMLElement} root @param {Decorations} decorations */
  constructor(root, decorations) {
    this.#root = root;
    this.#decorations = decorations;
    this.#bubble = /** @type {HTMLElement} */ (root.querySelector(".bubble"));
    root.tabIndex = -1;
    this.#bubble.after(this.#act);
  }

  /** @param {RowContent} content @param {Conversation} conversation */
  render(content, conversation) {
    const hasText = this.#content?.body === content.body;
    this.#content = content;
    const isDeleted = content.deletedBy !== null;
    setAttribute(this.#root, "data-deleted", isDeleted);
    if (!hasText && !isDeleted && /:\/\/|www\./i.test(content.body)) void this.#showLinks(content);
    this.#renderQuote(content, conversation);
    this.#renderEdited(content);
    this.#renderReactions(content, conversation);
    this.#renderFailure(content);
    const { body } = content;
    const start = body.slice(0, MAX_NAMED).toWellFormed();
    const named = isolated(start.length < body.length ? `${start}…` : body);
    setAttribute(this.#act, "aria-label", `Actions for ${named}`);
    this.#hide(this.#act, isDeleted);
  }

  /** Moves the focus to the message if it would be lost. @param {HTMLElement} node @param {boolean} isHidden */
  #hide(node, isHidden) {
    if (isHidden && node.contains(document.activeElement)) this.#root.focus();
    node.hidden = isHidden;
  }

  /** @param {RowContent} content */
  async #showLinks({ body }) {
    const links = await import("./links.js").catch(() => null);
    const text = this.#bubble.querySelector(".body");
    if (!links || this.#content?.body !== body) return;
    text?.replaceChildren(...links.nodesOf(body));
    this.#decorations.resized();
  }

  /** @param {RowContent} content @param {Conversation} conversation */
  #renderQuote({ replyTo, deletedBy }, conversation) {
    if (replyTo === null || deletedBy !== null) {
      if (this.#quote) this.#hide(this.#quote, true);
      return;
    }
    this.#quote ??= this.#newQuote();
    this.#quote.hidden = false;
    const message = this.#decorations.quoted(conversation, replyTo);
    const { name, text } = quoteOf(message, conversation, this.#decorations.client.me.user);
    const [, quotedName, quotedText] = this.#quote.children;
    if (quotedName) setText(quotedName, name);
    if (quotedText) setText(quotedText, text);
    setAttribute(this.#quote, "data-quoted", replyTo);
  }

  #newQuote() {
    const quote = element(
      "button",
      {
        class: "quote",
        type: "button",
        tabindex: -1,
        dir: "auto",
        "data-rove": true,
        "data-testid": "message-quote",
        onclick: () => void this.#decorations.show(Number(this.#content?.replyTo)),
      },
      element("span", { class: "unseen" }, "Reply to "),
      element("span", { class: "quote-name" }),
      element("span", { class: "quote-text" }),
    );
    this.#bubble.prepend(quote);
    return quote;
  }

  /** @param {RowContent} content */
  #renderEdited({ editedAt, deletedBy }) {
    const isEdited = editedAt !== null && deletedBy === null;
    if (!isEdited) return this.#edited?.remove();
    this.#edited ??= element("span", { class: "edited", "data-testid": "message-edited" });
    if (!this.#edited.isConnected) this.#bubble.querySelector(".meta")?.prepend(this.#edited);
    setText(this.#edited, `(edited ${shortTime(editedAt, Date.now())})`);
  }

  /** @param {RowContent} content @param {Conversation} conversation */
  #renderReactions({ reactions, seq }, conversation) {
    if (reactions.length === 0) {
      if (!this.#chips?.isConnected) return;
      this.#hide(this.#chips, true);
      return this.#chips.remove();
    }
    const group = { class: "chips-of-message", role: "group", "aria-label": "Reactions" };
    this.#chips ??= element("div", group);
    const chips = new Map(
      [...this.#chips.children].map((chip) => [chip.getAttribute("data-emoji"), chip]),
    );
    const shown = reactions.map((reaction) => {
      const chip = chips.get(reaction.emoji) ?? this.#newChip(reaction.emoji);
      chips.delete(reaction.emoji);
      this.#renderChip(chip, reaction, conversation);
      return chip;
    });
    for (const gone of chips.values()) if (gone === document.activeElement) this.#act.focus();
    arrange(this.#chips, shown);
    this.#chips.hidden = seq === null;
    if (!this.#chips.isConnected) this.#act.after(this.#chips);
  }

  /** @param {string} emoji @returns {Element} */
  #newChip(emoji) {
    const chip = element(
      "button",
      {
        class: "reaction",
        type: "button",
        tabindex: -1,
        "data-rove": true,
        "data-emoji": emoji,
        "data-testid": "reaction",
        onclick: () => {
          // A second click may come before the first one shows.
          const on = chip.getAttribute("aria-pressed") !== "true";
          setAttribute(chip, "aria-pressed", String(on));
          if (this.#content) void this.#decorations.react(this.#content, emoji, on);
        },
      },
      element("span", { class: "emoji" }, shownEmoji(emoji)),
      element("span", { class: "count", "aria-hidden": "true" }),
      element("span", { class: "unseen" }),
    );
    return chip;
  }

  /** @param {Element} chip @param {Reaction} reaction @param {Conversation} conversation */
  #renderChip(chip, { people, isMine }, conversation) {
    const { user: me } = this.#decorations.client.me;
    const names = people.map(({ user, name }) =>
      user === me ? "You" : isolated(conversation.nameOf(user, name)),
    );
    const [, count, label] = chip.children;
    setAttribute(chip, "aria-pressed", String(isMine));
    setAttribute(chip, "title", names.join(", "));
    if (count) setText(count, String(people.length));
    if (label) setText(label, ` ${names.join(", ")}`);
  }

  /** @param {RowContent} content */
  #renderFailure({ problem, change, state }) {
    const words = state === "failed" && problem ? problem.message : "";
    if (this.#problem === words) return;
    this.#problem = words;
    const hadFocus = this.#failure?.contains(document.activeElement);
    this.#failure?.remove();
    if (hadFocus) this.#root.focus();
    if (words === "") return;
    const settle = (/** @type {"retry" | "discard"} */ action) =>
      this.#content && this.#decorations.settle(this.#content, action);
    this.#failure = failure(`${change === null ? "Not sent" : "Not changed"}. ${words}`, {
      onRetry: () => settle("retry"),
      onDiscard: () => settle("discard"),
    });
    this.#root.append(this.#failure);
    this.#decorations.resized();
  }
}

/**
 * Returns what is shown of a message in a reply to it.
 * @param {Message | null | undefined} message
 * @param {Conversation} conversation
 * @param {string} me user id
 */
export function quoteOf(message, conversation, me) {
  if (message === undefined) return { name: "", text: "…" };
  if (message === null) return { name: "", text: "This message is not available." };
  const { body, deletedBy, name, sender } = message;
  return {
    name: sender === me ? "You" : conversation.nameOf(sender, name),
    text: deletedBy === null ? body.slice(0, MAX_QUOTED).toWellFormed() : "Deleted message",
  };
}
