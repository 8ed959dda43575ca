/**
 * Editing a message, and replying to one, in the field for a new message. What a draft replies to is
 * kept with it.
 */

import { isolated, Unanswered } from "../client/index.js";
import { quoteOf } from "./decoration.js";
import { element, icon, isForInputMethod, setText } from "./element.js";

/** @import { Client, Conversation, Message } from "../client/public.js" */
/** @import { MessagesView } from "./messages.js" */
/** @import { ComposerView } from "./panes.js" */

/** Of a long message, only the beginning is shown. */
const MAX_SHOWN = 200;
const CLOSE = "M6 6l12 12M18 6L6 18";

export class Composing {
  #title = element("p", { class: "mode-title" });
  #quoted = element("p", { class: "mode-text", dir: "auto" });
  #bar = element(
    "div",
    { class: "mode", "data-testid": "composer-mode" },
    element("div", { class: "mode-what" }, this.#title, this.#quoted),
    element(
      "button",
      {
        class: "quiet",
        type: "button",
        "aria-label": "Cancel",
        title: "Cancel",
        "data-testid": "composer-cancel",
        onclick: () => this.#cancel(),
      },
      icon(CLOSE),
    ),
  );
  /** @type {HTMLElement | null} where the user was before */
  #origin = null;
  #client;
  #messages;
  #composer;
  #quote;

  /**
   * @param {Client} client
   * @param {MessagesView} messages
   * @param {ComposerView} composer
   * @param {(conversation: Conversation, seq: number) => Message | null | undefined} quote the message
   *   at a position: `undefined` while it is being read
   */
  constructor(client, messages, composer, quote) {
    this.#client = client;
    this.#messages = messages;
    this.#composer = composer;
    this.#quote = quote;
    composer.root.addEventListener("keydown", (event) => this.#pressed(event));
  }

  /** Shows what the draft replies to, also after a reload, and while that changes. */
  render() {
    const { mode, replyTo } = this.#composer;
    const conversation = this.#messages.shown;
    if (mode || !conversation) return;
    if (replyTo === "") return this.#hide();
    const message = this.#quote(conversation, Number(replyTo));
    if (message === null || (message && message.deletedBy !== null)) {
      this.#composer.replyTo = "";
      return this.#hide();
    }
    const { name, text } = quoteOf(message, conversation, this.#client.me.user);
    this.#show(name === "" ? "Replying" : `Replying to ${isolated(name)}`, text);
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    const { input, mode, replyTo } = this.#composer;
    const isMessage = mode === null && replyTo === "";
    if (isForInputMethod(event)) return;
    const hasModifier = event.shiftKey || event.ctrlKey || event.altKey || event.metaKey;
    const mayEdit = event.key === "ArrowUp" && !hasModifier && isMessage && input.value === "";
    if (event.key === "Escape" && !isMessage) this.#cancel();
    else if (!mayEdit || !this.#editLast()) return;
    event.preventDefault();
    // Elsewhere, Escape leaves the conversation.
    event.stopPropagation();
  }

  #editLast() {
    const { user } = this.#client.me;
    const own = this.#messages.shown?.messages.findLast(
      ({ sender, deletedBy }) => sender === user && deletedBy === null,
    );
    if (own) this.edit(own, null);
    return own !== undefined;
  }

  /** @param {Message} message @param {HTMLElement | null} origin gets the focus if the user cancels */
  edit(message, origin) {
    const { input, mode } = this.#composer;
    mode?.end();
    this.#origin = origin;
    this.#composer.mode = {
      end: () => this.#endEdit(),
      send: (body) => {
        this.#endEdit();
        if (body === message.body) return;
        this.#messages.announce("The message is edited.");
        this.#messages.shown?.edit(message, body).catch((error) => {
          // A rejection shows at the message.
          if (error instanceof Unanswered)
            this.#messages.announce(`Nothing was changed. ${error.message}`);
        });
      },
    };
    this.#show("Editing", message.body.slice(0, MAX_SHOWN).toWellFormed());
    this.#composer.focus();
    input.value = message.body;
    this.#composer.changed();
    input.setSelectionRange(input.value.length, input.value.length);
  }

  /** @param {Message} message that is stored */
  reply({ seq }) {
    this.#composer.mode?.end();
    this.#origin = null;
    this.#composer.replyTo = String(seq);
    this.render();
    this.#composer.focus();
  }

  /** @param {string} title @param {string} text */
  #show(title, text) {
    setText(this.#title, title);
    setText(this.#quoted, text);
    if (this.#bar.isConnected) return;
    this.#composer.root.prepend(this.#bar);
    this.#messages.resized();
  }

  #hide() {
    if (!this.#bar.isConnected) return;
    if (this.#bar.contains(document.activeElement)) this.#composer.focus();
    this.#bar.remove();
    this.#messages.resized();
  }

  #cancel() {
    const { mode } = this.#composer;
    if (mode) mode.end();
    else this.#composer.replyTo = "";
    this.render();
    const origin = this.#origin;
    if (origin?.isConnected && !origin.hidden) origin.focus();
    else this.#composer.focus();
  }

  #endEdit() {
    this.#composer.mode = null;
    const { conversation, drafts, input } = this.#composer;
    // What was written before is still a draft.
    input.value = drafts.get(conversation);
    this.#composer.changed();
    this.render();
  }
}
