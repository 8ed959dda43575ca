/**
 * The conversations that this person is in, as a list shows them: what they are called, what was said last, what is
 * unread. Pure; the logs themselves are `Conversation`s.
 */

/** @import { Details, Summary } from "./api.js" */
/** @import { Entry } from "./protocol.js" */

/**
 * @typedef {object} Listed
 * @property {string} id
 * @property {string} title empty if it has none
 * @property {number} head newest seq that was reported; the log may be further
 * @property {Entry | null} lastMessage
 * @property {number} activeAt milliseconds since 1970 of the last message, or of joining
 * @property {number} unread messages of others since it was last on the screen, as far as this page has seen
 * @property {Map<string, string>} people names by user id, as far as they are known
 * @property {boolean} complete whether `people` are all participants
 */

export class Directory {
  /** @type {Map<string, Listed>} */ #listed = new Map();
  #me;

  /** @param {string} me user id */
  constructor(me) {
    this.#me = me;
  }

  /** @param {string} id */
  get(id) {
    return this.#listed.get(id);
  }

  /** The most recently active first. */
  all() {
    return [...this.#listed.values()].sort((one, other) => other.activeAt - one.activeAt || one.id.localeCompare(other.id));
  }

  /** Adds or refreshes from the server's list, which may lag behind what was seen. @param {Summary} summary */
  merge(summary) {
    const listed = this.#entry(summary.id, Date.parse(summary.joinedAt));
    listed.title = summary.title || listed.title;
    listed.head = Math.max(listed.head, summary.head);
    if (summary.lastMessage) this.#said(listed, summary.lastMessage);
    return listed;
  }

  /** Adds what was just started, by oneself or by somebody else. @param {Partial<Details> & {id: string}} details @param {number} now */
  add(details, now) {
    const listed = this.#entry(details.id, now);
    listed.title = details.title || listed.title;
    listed.head = Math.max(listed.head, details.head ?? 0);
    for (const { user, name } of details.participants ?? []) {
      // The server knows nobody's name before they first speak, and then says the user id: that is no news.
      if (name !== user || !listed.people.has(user)) listed.people.set(user, name);
    }
    if (details.participants?.length) listed.complete = true;
    return listed;
  }

  /** @param {string} id */
  remove(id) {
    this.#listed.delete(id);
  }

  /**
   * Takes an entry of the log into account.
   * @param {Entry} entry
   * @param {boolean} watched whether somebody looks at it right now
   */
  see(entry, watched) {
    const listed = this.#listed.get(entry.conversation);
    if (!listed) return;
    listed.head = Math.max(listed.head, entry.seq);
    if (entry.event === "participantAdded" && entry.user) listed.people.set(entry.user, entry.name ?? entry.user);
    if (entry.event === "participantRemoved" && entry.user) listed.people.delete(entry.user);
    if (entry.event !== "message") return;
    this.#said(listed, entry);
    if (!watched && entry.sender !== this.#me) listed.unread += 1;
  }

  /** @param {string} id */
  read(id) {
    const listed = this.#listed.get(id);
    if (listed) listed.unread = 0;
  }

  get unread() {
    return [...this.#listed.values()].reduce((sum, { unread }) => sum + unread, 0);
  }

  /**
   * What to call a conversation: its title, else the others in it.
   * @param {Listed} listed
   */
  nameOf({ title, people }) {
    const others = [...people].filter(([user]) => user !== this.#me).map(([, name]) => name);
    if (title) return title;
    if (others.length === 0) return "Untitled conversation";
    return others.length > 4 ? `${others.slice(0, 3).join(", ")} and ${others.length - 3} more` : others.join(", ");
  }

  /** @param {string} id @param {number} since @returns {Listed} */
  #entry(id, since) {
    const existing = this.#listed.get(id);
    if (existing) return existing;
    const activeAt = Number.isNaN(since) ? 0 : since;
    /** @type {Listed} */
    const listed = { id, title: "", head: 0, lastMessage: null, activeAt, unread: 0, people: new Map(), complete: false };
    this.#listed.set(id, listed);
    return listed;
  }

  /** @param {Listed} listed @param {Entry} message */
  #said(listed, message) {
    if (message.sender) listed.people.set(message.sender, message.name ?? message.sender);
    if (message.seq < (listed.lastMessage?.seq ?? 0)) return;
    listed.lastMessage = message;
    listed.activeAt = Math.max(listed.activeAt, Date.parse(message.sentAt ?? "") || 0);
  }
}
