/** Types of the views. Types only: never loaded. */

/** @import { Line, Message, Person } from "../client/public.js" */
/** @import { MessageRow } from "./messages.js" */

/**
 * What a message row shows. Of a deleted message, `body` says that.
 * @typedef {Message & {
 *   isMine: boolean,
 *   startsGroup: boolean,
 *   time: string,
 * }} RowContent `startsGroup`: it is the first of several messages of one person
 */

/**
 * What the text in the composer is for, if it is no draft of a message.
 * @typedef {object} ComposerMode
 * @property {(body: string) => void} send
 * @property {() => void} end
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
 * Accepts a token, or returns what went wrong.
 * @typedef {(token: string) => Promise<string | null>} OnToken
 */

/**
 * A way to log in. `person` was logged in before.
 * @typedef {{root: HTMLElement, show: (message: string, person: Person | null) => void}} LoginView
 */

/**
 * `config.json`.
 * @typedef {object} Configuration
 * @property {string} http
 * @property {string} ws
 * @property {string | null} login
 * @property {unknown} people
 * @property {Awaited<ReturnType<import("../provider_login.js").prepareLogin>> | null} provider
 */

export {};
