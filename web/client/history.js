/**
 * A log read over HTTP: backwards, a page at a time, what was said before this page began to follow it; and forwards,
 * while there is no socket that would bring it.
 */

/** @import { Api } from "./api.js" */
/** @import { Conversation } from "./conversation.js" */
/** @import { Entry } from "./protocol.js" */

export class History {
  /** @type {Api} */ #api;
  /** @type {(conversation: Conversation, entries: Entry[]) => void} */ #onEntries;
  /** @type {() => void} */ #onChange;
  /** @type {(error: unknown, conversation: Conversation) => void} */ #onError;
  /** @type {Map<Conversation, "loading" | "failed">} */ #states = new Map();

  /**
   * @param {Api} api
   * @param {(conversation: Conversation, entries: Entry[]) => void} onEntries takes what is past a position
   * @param {() => void} onChange
   * @param {(error: unknown, conversation: Conversation) => void} onError
   */
  constructor(api, onEntries, onChange, onError) {
    this.#api = api;
    this.#onEntries = onEntries;
    this.#onChange = onChange;
    this.#onError = onError;
  }

  /**
   * What to offer above the messages: nothing, more, or another try.
   * @param {Conversation} conversation
   * @returns {"complete" | "more" | "loading" | "failed"}
   */
  state(conversation) {
    return this.#states.get(conversation) ?? (conversation.historyBefore === 0 ? "complete" : "more");
  }

  /** Loads the newest page, once, and again only if that failed. @param {Conversation} conversation */
  begin(conversation) {
    if (conversation.historyStarted && this.state(conversation) !== "failed") return;
    conversation.historyStarted = true;
    void this.loadEarlier(conversation);
  }

  /** Loads one page more. Never rejects. @param {Conversation} conversation */
  async loadEarlier(conversation) {
    if (conversation.historyBefore === 0 || this.state(conversation) === "loading") return;
    this.#states.set(conversation, "loading");
    this.#onChange();
    try {
      const { messages, limited } = await this.#api.messages(conversation.id, conversation.historyBefore);
      conversation.prepend(messages, limited);
      this.#states.delete(conversation);
    } catch (error) {
      this.#states.set(conversation, "failed");
      this.#onError(error, conversation);
    }
    this.#onChange();
  }

  /**
   * Starts a conversation anew from its newest page, because the log is not the one that was known. Never rejects.
   * @param {Conversation} conversation
   * @returns {Promise<boolean>} whether that worked
   */
  async restart(conversation) {
    try {
      const { messages, limited } = await this.#api.messages(conversation.id);
      conversation.restart(messages.at(-1)?.seq ?? 0);
      conversation.prepend(messages, limited);
      conversation.historyStarted = true;
      this.#states.delete(conversation);
      this.#onChange();
      return true;
    } catch (error) {
      this.#onError(error, conversation);
      return false;
    }
  }

  /**
   * Reads everything past a conversation's position.
   * @param {Conversation} conversation
   * @throws {import("./api.js").Refusal | import("./api.js").Unanswered}
   */
  async catchUp(conversation) {
    for (let limited = true; limited; ) {
      const from = conversation.position;
      const page = await this.#api.events(conversation.id, from);
      this.#onEntries(conversation, page.events);
      // A page that brought nothing on would bring nothing the next time either.
      limited = page.limited && conversation.position > from;
    }
  }
}
