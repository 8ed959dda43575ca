/**
 * Edits and deletions: writes them, and shows the messages that they change. Loaded when there are
 * any.
 */

import { Code, Rejection, Retry } from "./protocol.js";
import { Replica } from "./model.js";

/** @import { Conversation } from "./conversation.js" */
/** @import { ConversationOptions, Entry, Message, Outgoing, Revised } from "./types.js" */

/**
 * Returns the messages that differ from their entries. A deletion wins for ever, and between edits
 * the later one; an entry may have been read before or after them. Unsent changes show already,
 * unless they failed.
 * @param {Entry[]} entries
 * @param {Outgoing[]} outbox
 * @param {string} user
 */
export function revise(entries, outbox, user) {
  /** @type {Map<number, Entry>} */
  const deciding = new Map();
  for (const entry of entries) {
    const { event, target, body } = entry;
    if (target === undefined || deciding.get(target)?.event === "messageDeleted") continue;
    // Without a text, a later entry has replaced the edit.
    if (event === "messageDeleted" || body !== undefined) deciding.set(target, entry);
  }
  const unsent = new Map(outbox.map((outgoing) => [outgoing.target, outgoing]));
  /** @type {Map<number, Revised>} */
  const revised = new Map();
  for (const entry of entries) {
    const change = deciding.get(entry.seq);
    const revision = unsent.get(entry.seq);
    if (entry.event !== "message" || !(change || revision)) continue;
    const stored = change ? changed(entry, change) : entry;
    if (!revision) revised.set(entry.seq, { entry: stored });
    else {
      const shown = revision.failure ? stored : changed(stored, entryOf(revision, user));
      revised.set(entry.seq, { entry: shown, revision });
    }
  }
  return revised;
}

Replica.revise = revise;

/** @param {Entry} message @param {Entry} change @returns {Entry} */
function changed(message, { event, seq, body, by = "", sentAt = "" }) {
  if (message.deleted) return message;
  const { edited, ...rest } = message;
  if (event === "messageDeleted") return { ...rest, body: "", deleted: { seq, by } };
  return seq > (edited?.seq ?? 0) ? { ...rest, body, edited: { seq, at: sentAt } } : message;
}

/** @param {Outgoing} outgoing @param {string} by @returns {Entry} */
function entryOf({ text, writtenAt }, by) {
  const sentAt = new Date(writtenAt).toISOString();
  const entry = { conversation: "", seq: Number.MAX_SAFE_INTEGER, by, sentAt };
  return text
    ? { ...entry, event: "messageEdited", body: text }
    : { ...entry, event: "messageDeleted" };
}

/**
 * Waits until a message is stored, and then edits it, or deletes it if `text` is `null`. A failed
 * message is sent anew with the text, or discarded.
 * @param {Conversation} conversation
 * @param {Pick<Message, "id" | "seq">} message
 * @param {string | null} text
 * @param {ConversationOptions} options
 * @returns {Promise<Entry>} the stored entry
 */
export async function write(conversation, { id, seq }, text, options) {
  for (;;) {
    const known = conversation.messages.find((message) => message.id === id);
    const target = seq ?? known?.seq;
    if (target) return options.write({ target, text });
    if (known?.state !== "pending") {
      conversation.discard(id);
      if (text !== null) return options.write({ body: text });
      const message = "The message was not sent, and is discarded.";
      throw new Rejection({ code: Code.unknownMessage, message, retry: Retry.never });
    }
    await new Promise((resolve) => {
      const unsubscribe = options.client.subscribe(() => {
        unsubscribe();
        resolve(null);
      });
    });
  }
}
