/** Shapes on the wire, as types. `protocol.js` reads them. */

/**
 * One entry of a conversation's log. Which of the optional members are there follows from `event`; kinds that this
 * client does not know are kept, because their `seq` counts.
 * @typedef {object} Entry
 * @property {string} event `message`, `participantAdded`, `participantRemoved`, or a kind of the future
 * @property {string} conversation
 * @property {number} seq position in the log: 1, 2, 3 …
 * @property {string} [id] the sender's own id of a message
 * @property {string} [sender] user id
 * @property {string} [name] display name of the sender, or of the participant concerned
 * @property {string} [body] text
 * @property {string} [user] the participant concerned
 * @property {string} [by] user id of who did it
 * @property {string} [sentAt] RFC 3339, UTC
 */

/** @typedef {{conversation: string, id: string, seq: number, sentAt: string, duplicate: boolean}} Sent */
/** @typedef {{head: number, events: Entry[], limited: boolean}} EventPage */
/** @typedef {{code: string, message: string, retry: string, field?: string, retryAfterMs?: number}} Problem */

/**
 * A frame from the server, checked. `ref` is there when it answers a request.
 * @typedef {{event: "entry", entry: Entry}
 *   | {event: "subscribed", ref?: string, conversation: string, page: EventPage}
 *   | {event: "sent", ref?: string, sent: Sent}
 *   | {event: "pong", ref?: string, heads: Map<string, number>}
 *   | {event: "added", conversation: string, title: string, head: number, by: string}
 *   | {event: "removed", conversation: string}
 *   | {event: "error", ref?: string, problem: Problem}} Frame
 */

/** A line of the list of conversations. @typedef {{id: string, title: string, head: number, lastMessage: Entry | null, joinedAt: string}} Summary */
/** A conversation by itself. @typedef {{id: string, title: string, head: number, participants: {user: string, name: string, role: string}[], createdAt: string}} Details */

export {};
