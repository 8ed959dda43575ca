/**
 * What can become known, to one tab and then to all of a person: every change of what a tab shows is a fact, and plain
 * data. Types only: never loaded.
 */

/** @import { Details, Entry, Problem, Summary } from "./wire.js" */

/** @typedef {{user: string, name: string}} Person */

/**
 * A message on its way. It also lives in a database and in other tabs.
 * @typedef {object} Outgoing
 * @property {string} id made by this client, unique per sender and conversation
 * @property {string} body
 * @property {number} after the position when it was written or last attempted: everything up to it is known not to
 *   hold this message
 * @property {number} writtenAt milliseconds since 1970, and later than that of the message before it
 * @property {Problem | null} failure why the server will not take it, however often it is sent
 */

/**
 * What is shown in a conversation: an entry of its log, or a message on its way. The key of a message stays the same.
 * @typedef {{kind: "entry", key: string, entry: Entry} | {kind: "outgoing", key: string, outgoing: Outgoing}} Line
 */

/**
 * A message as a page shows it.
 * @typedef {object} Message
 * @property {string} key stays the same while it goes from `pending` to `sent`
 * @property {string} id the sender's own
 * @property {number | null} seq `null` as long as it is not stored
 * @property {string} sender user id
 * @property {string} name
 * @property {string} body
 * @property {number} at milliseconds since 1970
 * @property {"pending" | "sent" | "failed"} state
 * @property {Problem | null} problem why it failed
 */

/**
 * A conversation as a list shows it.
 * @typedef {object} Listed
 * @property {string} id
 * @property {string} title empty if it has none
 * @property {number} head newest seq that was reported; the log may be further
 * @property {Entry | null} lastMessage
 * @property {number} activeAt milliseconds since 1970 of the last message, or of joining
 * @property {number} read seq up to which this person has read
 * @property {number} unread entries past `read`, without those that turned out to be no messages
 * @property {Set<string>} people user ids, as far as they are known
 * @property {string} owner user id; empty as long as it is not known
 * @property {boolean} complete whether `people` are all participants
 */

/**
 * Why there is no socket. `away`: HTTP is not answered either; `blocked`: HTTP is answered, so something between here and
 * the server, or the server's list of origins, is against sockets; `forbidden`: this person may not; `expired`: the token
 * was refused.
 * @typedef {"away" | "blocked" | "forbidden" | "expired"} Reason
 */

/**
 * @typedef {object} State
 * @property {(typeof import("./model.js").StateName)[keyof typeof import("./model.js").StateName]} name
 * @property {Reason | null} reason as far as it is known
 * @property {number | null} retryAt when a socket is tried next, in milliseconds since 1970; `null` while one stands or is tried
 */

/**
 * @typedef {{kind: "entries", conversation: string, entries: Entry[]}
 *   | {kind: "restarted", conversation: string, position: number}
 *   | {kind: "written", conversation: string, outgoing: Outgoing}
 *   | {kind: "failed", conversation: string, id: string, problem: Problem}
 *   | {kind: "revived", conversation: string, id: string, freshId: string}
 *   | {kind: "discarded", conversation: string, id: string}
 *   | {kind: "listed", summaries: Summary[], complete: boolean}
 *   | {kind: "details", details: Details}
 *   | {kind: "added", conversation: string, title: string, head: number, by: string}
 *   | {kind: "participant", conversation: string, user: string, present: boolean}
 *   | {kind: "gone", conversation: string}
 *   | {kind: "read", conversation: string, seq: number}
 *   | {kind: "state", state: State}} Fact
 */

/** What a tab that comes later is told. @typedef {{isListed: boolean, state: State, listed: (Omit<Listed, "people"> & {skipped: number, people: Person[]})[]}} Snapshot */

/** What a tab has to say of itself. @typedef {{leads: boolean, visible: boolean, wanted: string[]}} Presence */

/**
 * What tabs tell one another.
 * @typedef {{kind: "fact", fact: Fact}
 *   | {kind: "presence", tab: string, presence: Presence | null}
 *   | {kind: "join", tab: string}
 *   | {kind: "welcome", tab: string, snapshot: Snapshot}
 *   | {kind: "lead"}
 *   | {kind: "follow", tab: string, conversation: string, position: number}
 *   | {kind: "behind", tab: string, conversation: string, position: number}
 *   | {kind: "wake"}
 *   | {kind: "check", tab: string}
 *   | {kind: "awake", tab: string}} TabMessage
 */

export {};
