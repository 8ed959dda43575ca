/**
 * What a browser provides and a test replaces. Everything that the client knows of the world outside comes this way.
 */

/** @import { Clock } from "./clock.js" */
/** @import { Socket } from "./connection.js" */
/** @import { ReadPositions } from "./directory.js" */
/** @import { OutboxStorage } from "./outbox_storage.js" */

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
 * @property {(happened: (what: "visible" | "hidden" | "online" | "offline" | "read elsewhere") => void) => () => void} watch
 *   tells of changes; the result ends it
 * @property {{lock: Lock, channel: () => Channel} | null} tabs how tabs of one person find one another; `null`: not at all
 */

export {};
