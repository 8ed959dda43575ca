/**
 * What becomes of messages: their edits, deletions and reactions. Writes them, and shows the messages
 * that they change. Loaded when there are any.
 */

import { changed } from "./directory.js";
import { Code, Rejection, Retry } from "./protocol.js";
import { Replica } from "./model.js";

/** @import { Conversation } from "./conversation.js" */
/** @import { ConversationOptions, Entry, MessageId, Outgoing, Person } from "./types.js" */
/** @import { Reaction, Revised, Wish } from "./types.js" */

/** Unsent changes count as later than all entries. */
const UNSENT = Number.MAX_SAFE_INTEGER;

/**
 * What the entries of a replica say about messages, also about those that are not loaded. An entry may
 * be read in any order and repeatedly: the highest position wins, and a deletion for ever.
 */
class Revisions {
  #first = UNSENT;
  #last = 0;
  /**
   * The deciding edit or deletion of each message.
   * @type {Map<number, Entry>}
   */
  changes = new Map();
  /**
   * The deciding reaction of each person with each emoji, by message.
   * @type {Map<number, Map<string, Entry>>}
   */
  #reactions = new Map();
  /** @type {Map<number, Reaction[]>} */
  #shown = new Map();

  /** Reads the new entries, which are at the beginning or at the end. @param {Replica} replica */
  read({ entries, held }) {
    for (let at = entries.length - 1; at >= 0; at -= 1) {
      const entry = entries[at];
      if (!entry || entry.seq <= this.#last) break;
      this.#read(entry);
    }
    for (const entry of entries) {
      if (entry.seq >= this.#first) break;
      this.#read(entry);
    }
    for (const entry of held) this.#read(entry);
    this.#first = Math.min(this.#first, entries[0]?.seq ?? UNSENT);
    this.#last = Math.max(this.#last, entries.at(-1)?.seq ?? 0);
  }

  /** @param {Entry} entry */
  #read(entry) {
    const { event, target, body } = entry;
    if (target === undefined) return;
    if (event === "reaction") this.#react(target, entry);
    // Without a text, a later entry has replaced the edit.
    else if (event === "messageDeleted" || (event === "messageEdited" && body !== undefined)) {
      const known = this.changes.get(target);
      const isLater = known?.event !== "messageDeleted" && entry.seq > (known?.seq ?? 0);
      if (isLater || event === "messageDeleted") this.changes.set(target, entry);
    }
  }

  /** @param {number} target @param {Entry} entry */
  #react(target, entry) {
    const { emoji, user, seq } = entry;
    if (!emoji || !user) return;
    const all = this.#reactions.get(target) ?? new Map();
    const key = `${emoji} ${user}`;
    if ((all.get(key)?.seq ?? 0) >= seq) return;
    this.#reactions.set(target, all.set(key, entry));
    this.#shown.delete(target);
  }

  /**
   * @param {number} target
   * @param {Person} me
   * @param {Outgoing[]} wishes that are not stored
   */
  reactionsTo(target, me, wishes) {
    if (wishes.length === 0) {
      const shown = this.#shown.get(target);
      if (shown) return shown;
      const stored = this.#reactions.get(target);
      const reactions = stored && reactionsOf([...stored.values()], me);
      if (reactions) this.#shown.set(target, reactions);
      return reactions;
    }
    const all = new Map(this.#reactions.get(target));
    for (const { emoji, on } of wishes) {
      const key = `${emoji} ${me.user}`;
      const known = all.get(key);
      const entry = { event: "reaction", conversation: "", seq: UNSENT, ...me, emoji, on };
      all.set(key, on && known?.on ? known : entry);
    }
    return reactionsOf([...all.values()], me);
  }
}

/** @param {Entry[]} entries @param {Person} me @returns {Reaction[]} */
function reactionsOf(entries, me) {
  /** @type {Map<string, Reaction>} */
  const reactions = new Map();
  for (const { emoji = "", user = "", name = user, on } of entries.sort(bySeq)) {
    if (!on) continue;
    const reaction = reactions.get(emoji) ?? { emoji, people: [], isMine: false };
    reaction.people.push({ user, name });
    reaction.isMine ||= user === me.user;
    reactions.set(emoji, reaction);
  }
  return [...reactions.values()];
}

/** @param {Entry} one @param {Entry} other */
function bySeq(one, other) {
  return one.seq - other.seq;
}

/**
 * Returns a function that says what has become of a message, if anything has. Unsent changes show
 * already, unless they failed.
 * @param {Replica} replica
 * @param {Person} me
 * @returns {(message: Entry) => Revised | undefined}
 */
export function revise(replica, me) {
  replica.revisions ??= new Revisions();
  const revisions = /** @type {Revisions} */ (replica.revisions);
  revisions.read(replica);
  /** @type {Map<number, Outgoing>} */
  const unsent = new Map();
  /** @type {Map<number, Outgoing[]>} */
  const wishes = new Map();
  for (const outgoing of replica.outbox) {
    const { emoji, target } = outgoing;
    if (target === undefined) continue;
    if (emoji) wishes.set(target, [...(wishes.get(target) ?? []), outgoing]);
    else unsent.set(target, outgoing);
  }
  return (message) => {
    const { event, seq } = message;
    if (event !== "message") return undefined;
    const change = revisions.changes.get(seq);
    const revision = unsent.get(seq);
    const reactions = revisions.reactionsTo(seq, me, wishes.get(seq) ?? []);
    if (!change && !revision && !reactions) return undefined;
    const stored = change ? changed(message, change) : message;
    const isShown = revision && !revision.failure;
    const entry = isShown ? changed(stored, entryOf(revision, me.user)) : stored;
    const hasReactions = reactions && reactions.length > 0 && !entry.deleted;
    return { entry, ...(revision && { revision }), ...(hasReactions && { reactions }) };
  };
}

Replica.revise = revise;

/** @param {Outgoing} outgoing @param {string} by @returns {Entry} */
function entryOf({ text, writtenAt }, by) {
  const sentAt = new Date(writtenAt).toISOString();
  const entry = { conversation: "", seq: UNSENT, by, sentAt };
  return text
    ? { ...entry, event: "messageEdited", body: text }
    : { ...entry, event: "messageDeleted" };
}

/**
 * Has a wish about a message sent: at once if the message is stored, else after it. A failed message is
 * sent anew with its new text, or discarded.
 * @param {Conversation} conversation
 * @param {MessageId} message
 * @param {Wish} wish
 * @param {ConversationOptions} options
 * @returns {Promise<Entry>} the stored entry
 */
export function write(conversation, { id, seq }, wish, options) {
  // The key of an emoji has no mark that chooses between its text and its picture.
  if ("emoji" in wish) wish = { ...wish, emoji: wish.emoji.replace(/[\ufe0e\ufe0f]/g, "") };
  const { user } = options.client.me;
  const known = conversation.messages.find(
    (message) => message.id === id && message.sender === user,
  );
  const target = seq ?? known?.seq;
  if (target) {
    // It takes the place of an edit or a deletion that failed.
    for (const old of options.model.unsent(conversation.id))
      if (old.target === target && old.failure) conversation.discard(old.id);
    return options.write({ target, ...wish });
  }
  if (known?.state === "pending") return options.write({ of: id, ...wish });
  const text = "text" in wish ? wish.text : null;
  conversation.discard(id);
  const replyTo = known?.replyTo;
  if (text !== null) return options.write({ body: text, ...(replyTo && { replyTo }) });
  const message = "The message was not sent, and is discarded.";
  throw new Rejection({ code: Code.unknownMessage, message, retry: Retry.never });
}

/** @param {number} excess the bytes that a text is too long @returns {never} */
export function reject(excess) {
  const problem =
    excess > 0
      ? {
          code: Code.tooLarge,
          message: `The message is ${excess} bytes too long. Send it in several messages.`,
        }
      : { code: Code.invalid, message: "The message is empty." };
  throw new Rejection({ ...problem, field: "body", retry: Retry.never });
}
