/** Types of what travels over the wire. `protocol.js` checks it. Types only: never loaded. */

/**
 * One position of a conversation's log. `event` decides which of the optional members are present.
 * Kinds that this client does not know are kept, because their `seq` counts.
 * @typedef {object} Entry
 * @property {string} event `message`, `messageEdited`, `messageDeleted`, `reaction`, `participantAdded`,
 *   `participantRemoved`, or a future kind
 * @property {string} conversation
 * @property {number} seq position in the log: 1, 2, 3 …
 * @property {string} [id] of a message; chosen by its sender
 * @property {string} [sender] user id
 * @property {string} [name] display name of the sender, or of `user`
 * @property {string} [body] text; empty for a deleted message, missing in an edit that a later entry
 *   has replaced
 * @property {number} [target] seq of the message that this entry edits or deletes, or to which it is
 *   a reaction
 * @property {number} [replyTo] seq of the message that this one replies to
 * @property {{seq: number, at: string}} [edited] the newest edit of a message
 * @property {{seq: number, by: string}} [deleted] the deletion of a message
 * @property {string} [user] the participant concerned, or the person who reacts
 * @property {string} [emoji] of a reaction, without variation selectors
 * @property {boolean} [on] whether a reaction is there from now on
 * @property {string} [by] user id of the participant who made the change
 * @property {string} [sentAt] RFC 3339, UTC
 */

/**
 * The acknowledgement of a message, an edit or a deletion.
 * @typedef {object} Sent
 * @property {string} conversation
 * @property {string} id
 * @property {number} seq
 * @property {string} sentAt
 * @property {boolean} duplicate whether the message had been stored before
 */

/**
 * `messages` is the number of messages up to `head`, and `read` says how far users have read. A
 * server that keeps no positions sends neither.
 * @typedef {object} EventPage
 * @property {number} head
 * @property {Entry[]} events
 * @property {boolean} limited
 * @property {number} [messages]
 * @property {Map<string, number>} [read]
 */

/**
 * An error of the server. `docs/protocol.md` lists the codes.
 * @typedef {object} Problem
 * @property {string} code one of `Code`, or a future one
 * @property {string} message for people
 * @property {string} retry one of `Retry`
 * @property {string} [field] the field that is invalid
 * @property {number} [retryAfterMs]
 */

/**
 * What the server answers about one conversation to `subscribe` or `catchUp`: a page, and whether the
 * connection is subscribed.
 * @typedef {{conversation?: string, page: EventPage, subscribed: boolean, problem?: undefined}} Opened
 */

/** @typedef {Opened | {conversation?: string, page?: undefined, problem: Problem}} SubscribeOutcome */

/**
 * A checked frame from the server. `entries` answers `subscribe` and `catchUp`, or pushes
 * several entries; a `notice` is checked by `notices.js`. `ref` is present if the frame answers a request.
 * @typedef {{event: "entry", entry: Entry}
 *   | {event: "entries", ref?: string, outcomes: SubscribeOutcome[]}
 *   | {event: "sent", ref?: string, sent: Sent}
 *   | {event: "reacted", ref?: string, seq: number | null}
 *   | {event: "pong", ref?: string, heads: Map<string, number>, read?: Map<string, Map<string, number>>, presence?: Record<string, unknown>}
 *   | {event: "notice", frame: Record<string, unknown>}
 *   | {event: "removed", conversation: string}
 *   | {event: "error", ref?: string, problem: Problem}} Frame
 */

/**
 * A conversation in the answer to `GET /conversations`.
 * @typedef {object} Summary
 * @property {string} id
 * @property {string} title
 * @property {number} head
 * @property {Entry | null} lastMessage
 * @property {string} joinedAt
 * @property {number} [messages] number of messages up to `head`
 * @property {number} [readTo] seq up to which the user has read
 * @property {number} [unread]
 */

/**
 * The answer to `GET /conversations/{id}`.
 * @typedef {object} Details
 * @property {string} id
 * @property {string} title
 * @property {number} head
 * @property {{user: string, name: string, role: string}[]} participants
 * @property {string} createdAt
 */

export {};
