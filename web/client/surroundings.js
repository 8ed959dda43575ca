/**
 * What a browser provides and a test, or another host, replaces. Everything that the client knows of the world outside
 * comes this way. Types only: never loaded.
 */

/** @import { Outgoing } from "./facts.js" */

/**
 * Everything that waits takes a clock, so that tests move the hands themselves.
 * @typedef {object} Clock
 * @property {() => number} now milliseconds since 1970
 * @property {(ms: number, then: () => void) => () => void} after calls `then` once after `ms`; the result cancels it
 * @property {() => number} random 0 up to but not including 1
 */

/**
 * The part of a browser's WebSocket that is used here.
 * @typedef {object} Socket
 * @property {(() => void) | null} onopen
 * @property {((message: {data: unknown}) => void) | null} onmessage
 * @property {(() => void) | null} onclose
 * @property {(text: string) => void} send
 * @property {(code?: number) => void} close
 */

/** An unsent message and where it belongs. @typedef {{conversation: string, outgoing: Outgoing}} Row */

/** How far this person has read a conversation. @typedef {{conversation: string, seq: number}} ReadRow */

/**
 * Where unsent messages outlive the page. Nothing of it may reject or throw: a storage that fails costs only the safety
 * net, as messages are in memory too, and sent.
 * @typedef {object} OutboxStorage
 * @property {() => Promise<unknown[]>} load a `Row` for each unsent message; what is none is left alone
 * @property {(conversation: string, outgoing: Outgoing) => void} put adds or replaces
 * @property {(conversation: string, id: string) => void} remove
 */

/**
 * Where it outlives the page how far this person has read. Nothing of it may reject or throw.
 * @typedef {object} ReadPositions
 * @property {() => Promise<unknown[]>} load a `ReadRow` for each conversation; none: this person has never been here
 * @property {(conversation: string, seq: number) => void} set
 */

/**
 * The part of a `BroadcastChannel` that is used here.
 * @typedef {object} Channel
 * @property {(message: unknown) => void} postMessage
 * @property {((message: {data: unknown}) => void) | null} onmessage
 * @property {() => void} close
 */

/**
 * The part of the Web Locks that is used here: calls `then` once the lock is had, and holds it until its promise ends. With
 * `steal` it is taken at once from whoever has it. Rejects when the lock is stolen, or `signal` ends the waiting for it.
 * @typedef {(name: string, options: {signal: AbortSignal} | {steal: true}, then: () => Promise<void>) => Promise<unknown>} Lock
 */

/**
 * @typedef {object} Surroundings
 * @property {Clock} clock
 * @property {OutboxStorage} outboxes
 * @property {ReadPositions} [readPositions] what this person has read; left out: forgotten with the page
 * @property {typeof globalThis.fetch} fetch
 * @property {(token: string) => Socket} dial starts a handshake
 * @property {() => string} newId an id that no other client makes
 * @property {() => boolean} isVisible whether somebody can see the page
 * @property {() => boolean} isOnline whether there is a network, as far as the browser knows
 * @property {(happened: (what: "visible" | "hidden" | "online" | "offline") => void) => () => void} watch
 *   tells of changes; the result ends it
 * @property {{lock: Lock, channel: () => Channel} | null} tabs how tabs of one person find one another; `null`: not at all
 */

export {};
