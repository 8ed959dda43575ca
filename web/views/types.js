/** Types of the views. Types only: never loaded. */

/** @import { Line, Person } from "../client/index.js" */
/** @import { MessageRow } from "./messages.js" */

/**
 * What a message row shows.
 * @typedef {object} RowContent
 * @property {string} id chosen by the sender
 * @property {number | null} seq `null` until the message is stored
 * @property {string} sender user id
 * @property {string} name
 * @property {string} body
 * @property {boolean} isMine
 * @property {"pending" | "sent" | "failed"} state
 * @property {string} problem why it failed
 * @property {boolean} startsGroup whether it is the first of several messages of one person
 * @property {string} time
 */

/**
 * @typedef {object} RowOptions
 * @property {HTMLElement | null} picture
 * @property {(id: string) => void} onRetry
 * @property {(id: string) => void} onDiscard
 * @property {() => void} onGrown the row became higher after `render`
 */

/**
 * Lines with seqs of a fixed range. `before` is the line before the first of them.
 * @typedef {{key: string, lines: Line[], before: Line | null}} Piece
 */

/**
 * An element of the message list.
 * @typedef {{kind: "day" | "note" | "new", key: string, text: string}
 *   | {kind: "message", key: string, content: RowContent}} Item
 */

/**
 * The user who reads the messages, and the time.
 * @typedef {object} Reader
 * @property {Person} me
 * @property {(user: string, name?: string) => string} nameOf
 * @property {number} now milliseconds since 1970
 * @property {string} firstNew key of the first message after the divider; empty for none
 */

/**
 * The box of a piece.
 * @typedef {object} Shelf
 * @property {HTMLElement} root
 * @property {Piece} piece
 * @property {Map<string, MessageRow | HTMLElement>} rows
 * @property {boolean} isFilled whether it has rows
 */

/**
 * A row of the list of conversations.
 * @typedef {object} ConversationRow
 * @property {HTMLLIElement} root
 * @property {HTMLButtonElement} button
 * @property {HTMLElement} title
 * @property {HTMLElement} preview
 * @property {HTMLElement} time
 * @property {HTMLElement} unread
 * @property {string} pictureOf the title that the picture is made of
 */

/**
 * @typedef {object} LoginOptions
 * @property {boolean} asksForUser whether to ask for a user name, and not for a token
 * @property {(person: {user: string, name?: string}) => Promise<string | null>} onPerson returns what
 *   went wrong
 * @property {(token: string) => Promise<string | null>} onToken returns what went wrong
 */

/**
 * @typedef {object} ProviderLoginOptions
 * @property {string} problem what went wrong at the provider; empty if nothing did
 * @property {() => Promise<string>} onLogIn returns what went wrong
 */

export {};
