/**
 * Types of the state and of its changes. Changes are plain data, because the tabs of a user send
 * them to one another. Types only: never loaded.
 */

/** @import { Details, Entry, Problem, Summary } from "./wire.js" */

/** @typedef {{user: string, name: string}} Person */

/**
 * A message, an edit, a deletion or a reaction that is not stored yet. The browser's database and the
 * other tabs hold copies of it. All but messages have a `target`, or `of` until that is known, and no
 * `body`, so that a tab with an earlier version of this client does not take them for messages.
 * @typedef {object} Outgoing
 * @property {string} id made by this client, unique per sender and conversation
 * @property {string} [body] of a message
 * @property {number} [replyTo] seq of the message that this one replies to
 * @property {number} [target] seq of the message that it concerns
 * @property {string} [of] id of the message that it concerns, while that is not stored
 * @property {string | null} [text] the new text; `null` deletes the message
 * @property {string} [emoji] of a reaction
 * @property {boolean} [on] whether the user wants the reaction to be there
 * @property {number} after the position when the message was written or last sent: no entry up to
 *   this position holds the message
 * @property {number} writtenAt milliseconds since 1970, later than the message before it
 * @property {Problem | null} failure why the server will never accept the message
 */

/**
 * The people who reacted to a message with the same emoji. It is without variation selectors; see
 * `shownEmoji`.
 * @typedef {{emoji: string, people: Person[], isMine: boolean}} Reaction
 */

/**
 * One line of a conversation: an entry of its log, or a message that is not stored yet. A message
 * keeps its key when it is stored. An entry has a `revision` while an edit or a deletion of it is not
 * stored: `entry` shows it already, unless it failed.
 * @typedef {{kind: "entry", key: string, entry: Entry, revision?: Outgoing, reactions?: Reaction[]}
 *   | {kind: "outgoing", key: string, outgoing: Outgoing}} Line
 */

/**
 * A message with its edits or its deletion, the one of them that is not stored, and the reactions.
 * @typedef {{entry: Entry, revision?: Outgoing, reactions?: Reaction[]}} Revised
 */

/**
 * A message as a page shows it.
 * @typedef {object} Message
 * @property {string} key does not change when `pending` becomes `sent`
 * @property {string} id chosen by the sender
 * @property {number | null} seq `null` until the message is stored
 * @property {string} sender user id
 * @property {string} name display name of the sender
 * @property {string} body empty if the message is deleted
 * @property {number} at milliseconds since 1970
 * @property {number | null} replyTo seq of the message that this one replies to
 * @property {number | null} editedAt time of the newest edit, in milliseconds since 1970
 * @property {string | null} deletedBy user id
 * @property {Reaction[]} reactions in the order in which the emoji came
 * @property {string | null} change the id of an edit or a deletion that is not stored, for `retry` and
 *   `discard`
 * @property {"pending" | "sent" | "failed"} state of the message, or of its edit or deletion
 * @property {Problem | null} problem why it failed
 */

/** @typedef {Pick<Message, "id" | "seq">} MessageId */

/**
 * A conversation as a list shows it.
 * @typedef {object} ConversationInfo
 * @property {string} id
 * @property {string} title empty if the conversation has none; see `Conversation.title`
 * @property {number} head newest reported seq; the log may be longer
 * @property {Entry | null} lastMessage
 * @property {number} activeAt time of the last message or of joining, in milliseconds since 1970
 * @property {number} readTo seq up to which the user has read, on any device
 * @property {number} unread number of messages after `readTo`, without those that the user looks at
 * @property {number | null} confirmed the server's `readTo`; `null` if it keeps none
 * @property {Map<string, number>} readers seq up to which other users have read, if they show it
 * @property {Set<string>} people the known user ids
 * @property {string} owner user id; empty until it is known
 * @property {boolean} complete whether `people` contains every participant
 */

/**
 * @typedef {ConversationInfo & {
 *   total: number,
 *   exactTo: number,
 *   readTotal: number,
 *   isReadExact: boolean,
 *   inView: number,
 * }} Info `total` and `readTotal` are the numbers of messages up to `head` and up to `readTo`. Each
 *   entry after `exactTo` counts as a message in `total` until it is seen. `readTotal` is an estimate
 *   unless `isReadExact`. The user looks at messages up to `inView`.
 */

/**
 * Why there is no socket.
 *
 * - `away`: HTTP requests are not answered either.
 * - `blocked`: HTTP requests are answered; a proxy blocks sockets, or the server does not allow
 *   this origin.
 * - `forbidden`: the server does not allow this user.
 * - `expired`: the server refused the token.
 * @typedef {"away" | "blocked" | "forbidden" | "expired"} Reason
 */

/**
 * @typedef {object} State
 * @property {(typeof import("./model.js").StateName)[keyof typeof import("./model.js").StateName]} name
 * @property {Reason | null} reason if it is known
 * @property {number | null} retryAt time of the next attempt to connect, in milliseconds since
 *   1970; `null` while a socket is open or an attempt is under way
 */

/**
 * @typedef {{kind: "entries", conversation: string, entries: Entry[]}
 *   | {kind: "restarted", conversation: string, position: number}
 *   | {kind: "written", conversation: string, outgoing: Outgoing}
 *   | {kind: "failed", conversation: string, id: string, problem: Problem}
 *   | {kind: "retried", conversation: string, id: string, newId: string}
 *   | {kind: "discarded", conversation: string, id: string}
 *   | {kind: "listed", summaries: Summary[], complete: boolean}
 *   | {kind: "details", details: Details}
 *   | {kind: "added", conversation: string, title: string, head: number, by: string}
 *   | {kind: "participant", conversation: string, user: string, present: boolean}
 *   | {kind: "gone", conversation: string}
 *   | {kind: "read", conversation: string, seq: number}
 *   | {kind: "positions", conversation: string, read: [user: string, seq: number][], counted?: [seq: number, messages: number], isNow?: boolean}
 *   | {kind: "typing", conversation: string, user: string, name: string, after: number, forMs: number}
 *   | {kind: "presence", people: Record<string, unknown>}
 *   | {kind: "state", state: State}} Change
 */

/** @typedef {Omit<Info, "people"> & {people: Person[]}} StoredInfo */

/**
 * What the leading tab sends to a new one.
 * @typedef {{isLoaded: boolean, state: State, conversations: StoredInfo[]}} Snapshot
 */

/**
 * What a tab announces about itself. The user counts as present until `activeUntil`, in
 * milliseconds since 1970.
 * @typedef {{leads: boolean, visible: boolean, wanted: string[], activeUntil: number}} Presence
 */

/**
 * A message between tabs.
 * @typedef {{kind: "change", change: Change}
 *   | {kind: "presence", tab: string, presence: Presence | null}
 *   | {kind: "join", tab: string}
 *   | {kind: "welcome", tab: string, snapshot: Snapshot}
 *   | {kind: "lead"}
 *   | {kind: "follow", tab: string, conversation: string, position: number}
 *   | {kind: "behind", tab: string, conversation: string, position: number}
 *   | {kind: "wake"}
 *   | {kind: "tell", frame: Record<string, unknown>}
 *   | {kind: "check", tab: string}
 *   | {kind: "awake", tab: string}} TabMessage
 */

export {};
