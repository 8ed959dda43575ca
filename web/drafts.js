/**
 * What is half written, by conversation. It stays in the window's session storage, so that a reload loses nothing, and
 * another window is another desk; it is somebody's own and ends with logging out.
 */

import { isObject, isText, parseObject } from "./client/protocol.js";

const DRAFTS_KEY = "confab.drafts";

export class Drafts {
  /** @type {Map<string, string>} */ #texts;
  #storage;
  #user;

  /** @param {Storage} storage @param {string} user whose drafts these are; what somebody else left behind is thrown away */
  constructor(storage, user) {
    this.#storage = storage;
    this.#user = user;
    const kept = parseObject(storage.getItem(DRAFTS_KEY) ?? "");
    const texts = kept?.user === user && isObject(kept.texts) ? Object.entries(kept.texts) : [];
    this.#texts = new Map(texts.flatMap(([conversation, text]) => (isText(text) ? [[conversation, text]] : [])));
    this.#keep();
  }

  /** @param {string} conversation */
  get(conversation) {
    return this.#texts.get(conversation) ?? "";
  }

  /** @param {string} conversation @param {string} text empty: there is none any more */
  set(conversation, text) {
    if (text === this.get(conversation)) return;
    if (text === "") this.#texts.delete(conversation);
    else this.#texts.set(conversation, text);
    this.#keep();
  }

  /** Throws all away. */
  clear() {
    this.#texts.clear();
    this.#keep();
  }

  #keep() {
    if (this.#texts.size === 0) return this.#storage.removeItem(DRAFTS_KEY);
    try {
      this.#storage.setItem(DRAFTS_KEY, JSON.stringify({ user: this.#user, texts: Object.fromEntries(this.#texts) }));
    } catch {
      // A full storage: what is on the screen stays there, and only a reload would lose it.
    }
  }
}
