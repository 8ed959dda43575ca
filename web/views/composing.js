/** Editing a message, and replying to one, in the field for a new message. */

import { isolated, Unanswered } from "../client/index.js";
import { quoteOf } from "./decoration.js";
import { element, icon, isForInputMethod, setText } from "./element.js";

/** @import { Client, Message } from "../client/public.js" */
/** @import { MessagesView } from "./messages.js" */
/** @import { ComposerView } from "./panes.js" */

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

  /** @param {Client} client @param {MessagesView} messages @param {ComposerView} composer */
  constructor(client, messages, composer) {
    this.#client = client;
    this.#messages = messages;
    this.#composer = composer;
    composer.root.addEventListener("keydown", (event) => this.#pressed(event));
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    const { input, mode } = this.#composer;
    if (isForInputMethod(event)) return;
    const isPlain = !(event.shiftKey || event.ctrlKey || event.altKey || event.metaKey);
    if (event.key === "Escape" && mode) this.#cancel();
    else if (event.key !== "ArrowUp" || !isPlain || mode || input.value !== "" || !this.#editLast())
      return;
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
    this.#begin(message, "Editing", origin);
    const { input } = this.#composer;
    this.#composer.mode = {
      isEdit: true,
      end: () => this.#end(),
      send: (body) => {
        this.#end();
        if (body === message.body) return;
        this.#messages.announce("The message is edited.");
        this.#messages.shown?.edit(message, body).catch((error) => {
          // A rejection shows at the message.
          if (error instanceof Unanswered)
            this.#messages.announce(`Nothing was changed. ${error.message}`);
        });
      },
    };
    input.value = message.body;
    this.#composer.changed();
    input.setSelectionRange(input.value.length, input.value.length);
  }

  /** @param {Message} message @param {HTMLElement | null} [origin] */
  reply(message, origin = null) {
    const conversation = this.#messages.shown;
    if (!conversation) return;
    const { name } = quoteOf(message, conversation, this.#client.me.user);
    this.#begin(message, `Replying to ${isolated(name)}`, origin);
    this.#composer.mode = {
      isEdit: false,
      end: () => this.#end(),
      send: (body) => {
        this.#end();
        void conversation.send(body, { replyTo: message.seq }).catch(() => {});
      },
    };
  }

  /** @param {Message} message @param {string} title @param {HTMLElement | null} origin */
  #begin(message, title, origin) {
    this.#composer.mode?.end();
    this.#origin = origin;
    setText(this.#title, title);
    setText(this.#quoted, message.body.slice(0, 200).toWellFormed());
    this.#composer.root.prepend(this.#bar);
    this.#composer.focus();
    this.#messages.resized();
  }

  #cancel() {
    const origin = this.#origin;
    this.#end();
    if (origin?.isConnected && !origin.hidden) origin.focus();
    else this.#composer.focus();
  }

  #end() {
    const { mode } = this.#composer;
    this.#composer.mode = null;
    this.#bar.remove();
    if (mode?.isEdit) {
      // What was written before is still a draft.
      this.#composer.input.value = this.#composer.draft;
      this.#composer.changed();
    }
    this.#messages.resized();
  }
}
