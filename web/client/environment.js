/**
 * Types of what the client needs from its host. `browser.js` provides it in a browser; tests and
 * other hosts provide their own. Types only: never loaded.
 */

/** @import { Outgoing } from "./changes.js" */

/**
 * Time and randomness. Tests provide a clock that they move themselves.
 * @typedef {object} Clock
 * @property {() => number} now milliseconds since 1970
 * @property {(ms: number, then: () => void) => () => void} after calls `then` once after `ms`;
 *   the result cancels it
 * @property {() => number} random from 0 up to but not including 1
 */

/**
 * The part of a browser's WebSocket that the client uses.
 * @typedef {object} Socket
 * @property {(() => void) | null} onopen
 * @property {((message: {data: unknown}) => void) | null} onmessage
 * @property {(() => void) | null} onclose
 * @property {(text: string) => void} send
 * @property {(code?: number) => void} close
 */

/**
 * An unsent message and its conversation.
 * @typedef {{conversation: string, outgoing: Outgoing}} OutboxRow
 */

/**
 * How far the user has read a conversation.
 * @typedef {{conversation: string, seq: number}} ReadRow
 */

/**
 * Keeps unsent messages when the page closes. Its functions must not reject or throw. If storing
 * fails, messages are still kept in memory and sent.
 * @typedef {object} OutboxStorage
 * @property {() => Promise<unknown[]>} load returns an `OutboxRow` for each unsent message; rows of
 *   another shape are ignored
 * @property {(conversation: string, outgoing: Outgoing) => void} put adds or replaces a message
 * @property {(conversation: string, id: string) => void} remove
 */

/**
 * Keeps how far the user has read when the page closes. Its functions must not reject or throw.
 * @typedef {object} ReadPositions
 * @property {() => Promise<unknown[]>} load returns a `ReadRow` for each conversation; none means
 *   that the user has not been here before
 * @property {(conversation: string, seq: number) => void} set
 */

/**
 * The part of a `BroadcastChannel` that the client uses.
 * @typedef {object} Channel
 * @property {(message: unknown) => void} postMessage
 * @property {((message: {data: unknown}) => void) | null} onmessage
 * @property {() => void} close
 */

/**
 * The part of Web Locks that the client uses. Calls `then` once the lock is granted, and holds the
 * lock until the returned promise settles. With `steal`, takes the lock from its holder at once.
 * Rejects if the lock is stolen, or if `signal` aborts the wait.
 * @typedef {(
 *   name: string,
 *   options: {signal: AbortSignal} | {steal: true},
 *   then: () => Promise<void>,
 * ) => Promise<unknown>} Lock
 */

/**
 * `focus`: the page got the focus, or lost it. `input`: the user did something on the page.
 * @typedef {"visible" | "hidden" | "online" | "offline" | "focus" | "input"} HostEvent
 */

/**
 * @typedef {object} Environment
 * @property {Clock} clock
 * @property {OutboxStorage} outboxes
 * @property {ReadPositions} [readPositions] without it, read positions are lost with the page
 * @property {typeof globalThis.fetch} fetch
 * @property {(token: string) => Socket} dial starts a WebSocket handshake
 * @property {() => string} newId returns an id that is unique among all clients
 * @property {() => boolean} isVisible whether the page is visible
 * @property {() => boolean} [isFocused] whether the user's keystrokes go to the page; `true` by
 *   default
 * @property {() => boolean} isOnline whether the host has a network
 * @property {(onEvent: (event: HostEvent) => void) => () => void} watch reports changes until the
 *   result is called
 * @property {{lock: Lock, channel: () => Channel} | null} tabs how the tabs of a user find one
 *   another; `null` if they cannot
 */

export {};
