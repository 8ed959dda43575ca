/** Who is typing: what this user's keystrokes tell others, and what they tell this user. */

/** @import { Change, Entry, Person, TypingOptions } from "./types.js" */

/** A correction or a slip is not worth a frame. */
const FIRST_AFTER_MS = 700;
const FIRST_AFTER_KEYSTROKES = 2;
const REPEAT_MS = 10_000;
/** The longest that a person is shown without another frame, so that none is shown for ever. */
const LASTS_MS = 12_000;
/** The server tells at most this many connections. */
const MAX_OTHERS = 20;

/** @typedef {{since: number, keystrokes: number, at: number, sentAt: number, cancel: () => void}} Own */
/** @typedef {{name: string, after: number, cancel: () => void}} Other */

export class Typing {
  /** @type {TypingOptions} */
  #options;
  /**
   * What this user types, by conversation.
   * @type {Map<string, Own>}
   */
  #own = new Map();
  /**
   * Who else types, by conversation and user.
   * @type {Map<string, Map<string, Other>>}
   */
  #others = new Map();
  /**
   * The newest message of each user, by conversation and user.
   * @type {Map<string, Map<string, number>>}
   */
  #latest = new Map();

  /** @param {TypingOptions} options */
  constructor(options) {
    this.#options = options;
  }

  /** @param {string} conversation @returns {Person[]} */
  in(conversation) {
    const others = this.#others.get(conversation) ?? new Map();
    return [...others].map(([user, { name }]) => ({ user, name }));
  }

  /** @param {string} conversation */
  keystroke(conversation) {
    if (!this.#isTold(conversation)) return;
    const now = this.#options.clock.now();
    const before = this.#own.get(conversation);
    const isOver = before === undefined || now - before.at > REPEAT_MS;
    if (isOver) before?.cancel();
    const own = isOver
      ? { since: now, keystrokes: 0, at: now, sentAt: Number.NEGATIVE_INFINITY, cancel: () => {} }
      : before;
    this.#own.set(conversation, own);
    own.at = now;
    own.keystrokes += 1;
    own.cancel();
    if (own.keystrokes < FIRST_AFTER_KEYSTROKES) return;
    const wait = own.since + FIRST_AFTER_MS - now;
    if (wait > 0) own.cancel = this.#options.clock.after(wait, () => this.#tell(conversation, own));
    else if (now - own.sentAt >= REPEAT_MS) this.#tell(conversation, own);
  }

  /** @param {string} conversation whose text is empty again */
  stop(conversation) {
    const { clock, tell } = this.#options;
    const own = this.#own.get(conversation);
    this.sent(conversation);
    if (own === undefined || clock.now() - own.sentAt > LASTS_MS) return;
    tell({ conversation, after: this.#position(conversation), stopped: true });
  }

  /** @param {string} conversation in which the message itself ends the typing */
  sent(conversation) {
    this.#own.get(conversation)?.cancel();
    this.#own.delete(conversation);
  }

  /** @param {Change} change */
  applied(change) {
    if (change.kind === "state" && change.state.name !== "connected") this.#clear();
    else if (change.kind === "gone") this.#end(change.conversation);
    else if (change.kind === "entries") for (const entry of change.entries) this.#see(entry);
    else if (change.kind === "typing") this.#hear(change);
  }

  /** @param {Extract<Change, {kind: "typing"}>} change */
  #hear({ conversation, user, name, after, forMs }) {
    const { clock, me, onChange } = this.#options;
    this.#end(conversation, user);
    // Frames may overtake each other: this one may come after the message.
    if (user === me || forMs === 0 || this.#latestOf(conversation, user) > after) return;
    const cancel = clock.after(Math.min(forMs, LASTS_MS), () => {
      this.#end(conversation, user);
      onChange();
    });
    const others = this.#others.get(conversation) ?? new Map();
    this.#others.set(conversation, others.set(user, { name, after, cancel }));
  }

  /** @param {Entry} entry */
  #see({ conversation, event, seq, sender, user }) {
    if (event === "participantRemoved") this.#end(conversation, user);
    if (event !== "message" || sender === undefined) return;
    const latest = this.#latest.get(conversation) ?? new Map();
    this.#latest.set(conversation, latest.set(sender, Math.max(seq, latest.get(sender) ?? 0)));
    const other = this.#others.get(conversation)?.get(sender);
    if (other && seq > other.after) this.#end(conversation, sender);
  }

  /** @param {string} conversation @param {string} user */
  #latestOf(conversation, user) {
    const entries = this.#options.model.find(conversation)?.entries ?? [];
    const last = entries.findLast(({ event, sender }) => event === "message" && sender === user);
    return Math.max(last?.seq ?? 0, this.#latest.get(conversation)?.get(user) ?? 0);
  }

  /** @param {string} conversation @param {string} [only] a user */
  #end(conversation, only) {
    const others = this.#others.get(conversation);
    for (const [user, { cancel }] of [...(others ?? [])]) {
      if (only !== undefined && user !== only) continue;
      cancel();
      others?.delete(user);
    }
  }

  /** Without a socket there would be no news of an end. */
  #clear() {
    for (const conversation of this.#others.keys()) this.#end(conversation);
    for (const conversation of [...this.#own.keys()]) this.sent(conversation);
  }

  /** @param {string} conversation @param {Own} own */
  #tell(conversation, own) {
    own.sentAt = this.#options.clock.now();
    this.#options.tell({ conversation, after: this.#position(conversation) });
  }

  /**
   * Whether the server passes it on.
   * @param {string} conversation
   */
  #isTold(conversation) {
    const { isTold, model } = this.#options;
    const info = model.directory.get(conversation);
    return isTold && info?.confirmed != null && info.people.size <= MAX_OTHERS + 1;
  }

  /** @param {string} conversation */
  #position(conversation) {
    return this.#options.model.find(conversation)?.position ?? 0;
  }
}
