/** What can be done with messages, and what only some of them show. Loaded with the first of them. */

import { Unanswered } from "../client/index.js";
import { Composing } from "./composing.js";
import { Decoration } from "./decoration.js";
import { MessageMenu } from "./message_menu.js";
import { Roving } from "./roving.js";
import { stylesheet } from "./stylesheet.js";

/** @import { Client, Conversation, Line, Message, Quotes } from "../client/public.js" */
/** @import { MessagesView } from "./messages.js" */
/** @import { ComposerView } from "./panes.js" */
/** @import { RowContent } from "./types.js" */

await stylesheet("living.css");

export class Decorations {
  /** @type {WeakMap<HTMLElement, Decoration>} */
  #all = new WeakMap();
  /** @type {WeakMap<Conversation, Quotes | null>} `null` while they are being loaded */
  #quotes = new WeakMap();
  /** @type {Set<string>} */
  #failed = new Set();
  #menu = new MessageMenu({
    onReact: (message, emoji, on) => void this.react(message, emoji, on),
    onReply: (message) => this.#composing.reply(message),
    onEdit: (message, origin) => this.#composing.edit(message, origin),
    onDelete: (message) => void this.#delete(message),
  });
  #messages;
  #roving;
  #composing;

  /** @param {Client} client @param {MessagesView} messages @param {ComposerView} composer */
  constructor(client, messages, composer) {
    this.client = client;
    this.#messages = messages;
    this.#roving = new Roving(messages.log, () => composer.input.focus());
    this.#composing = new Composing(client, messages, composer, (conversation, seq) =>
      this.quoted(conversation, seq),
    );
  }

  /** @param {HTMLElement} root of the row @param {RowContent} content */
  render(root, content) {
    const conversation = this.#messages.shown;
    if (!conversation) return;
    const decoration = this.#all.get(root) ?? new Decoration(root, this);
    this.#all.set(root, decoration);
    decoration.render(content, conversation);
    this.#roving.changed();
  }

  /**
   * Returns the message that a reply names: `undefined` while it is being read.
   * @param {Conversation} conversation
   * @param {number} seq
   */
  quoted(conversation, seq) {
    if (!this.#quotes.has(conversation)) void this.#loadQuotes(conversation);
    return this.#quotes.get(conversation)?.at(seq);
  }

  /** @param {Conversation} conversation */
  async #loadQuotes(conversation) {
    this.#quotes.set(conversation, null);
    const quotes = await conversation.quotes().catch(() => null);
    // The next change of the page loads it again.
    if (!quotes) this.#quotes.delete(conversation);
    else {
      this.#quotes.set(conversation, quotes);
      this.#messages.refill();
      this.#composing.render();
    }
  }

  /** Goes to a message, whose page may have to be loaded. @param {number} seq */
  async show(seq) {
    const { shown } = this.#messages;
    const isLoaded = () =>
      shown?.lines().some((line) => line.kind === "entry" && line.entry.seq === seq);
    if (!isLoaded()) await shown?.loadEarlier(seq);
    if (this.#messages.shown !== shown || !isLoaded()) return;
    // The page shows what is loaded after the change is reported.
    await new Promise((resolve) => requestAnimationFrame(resolve));
    const row = this.#reveal(seq);
    row?.focus({ preventScroll: true });
  }

  /** Brings a loaded message to the middle of the view. @param {number} seq */
  #reveal(seq) {
    const messages = this.#messages;
    const shelf = messages.shelves.find(({ piece }) =>
      piece.lines.some((line) => line.kind === "entry" && line.entry.seq === seq),
    );
    if (!shelf) return null;
    messages.isAtEnd = false;
    messages.fillShelf(shelf);
    /** @type {HTMLElement | null} */
    const row = shelf.root.querySelector(`[data-seq="${seq}"]`);
    row?.scrollIntoView({ block: "center" });
    return row;
  }

  /** @param {Message} message @param {string} emoji @param {boolean} on */
  async react(message, emoji, on) {
    try {
      await this.#messages.shown?.react(message, emoji, on);
    } catch (error) {
      const reason = error instanceof Error ? error.message : "";
      this.#messages.announce(`The reaction was not stored. ${reason}`);
    }
  }

  /** @param {RowContent} content @param {HTMLElement} anchor */
  openMenu(content, anchor) {
    const owner = this.#messages.shown?.info?.owner;
    const canDelete = content.isMine || owner === this.client.me.user;
    this.#menu.open(content, anchor, { canDelete });
  }

  /** @param {Message} message */
  async #delete(message) {
    this.#messages.announce("The message is deleted.");
    await this.#messages.shown?.delete(message).catch((error) => this.#notLoaded(error));
  }

  /** A rejection shows at the message. @param {unknown} error */
  #notLoaded(error) {
    if (error instanceof Unanswered)
      this.#messages.announce(`Nothing was changed. ${error.message}`);
  }

  resized() {
    this.#messages.resized();
  }

  /** @param {RowContent} content @param {"retry" | "discard"} action */
  settle({ id, change }, action) {
    this.#messages.shown?.[action](change ?? id);
  }

  /** @param {Line[]} lines */
  changed(lines) {
    this.#composing.render();
    this.#announceFailures(lines);
  }

  /** Tells a screen reader what was not sent. @param {Line[]} lines */
  #announceFailures(lines) {
    /** @type {Set<string>} */
    const failed = new Set();
    for (const line of lines) {
      const outgoing = line.kind === "outgoing" ? line.outgoing : line.revision;
      if (!outgoing?.failure) continue;
      failed.add(outgoing.id);
      const { body, id, text = body } = outgoing;
      if (this.#failed.has(id)) continue;
      this.#messages.announce(text === null ? "Not deleted." : `Not sent: ${text}`);
    }
    this.#failed = failed;
  }
}
