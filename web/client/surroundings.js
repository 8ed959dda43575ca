/**
 * What a browser provides and a test replaces. Everything that the client knows of the world outside comes this way.
 */

/** @import { Clock } from "./clock.js" */
/** @import { Socket } from "./connection.js" */

/**
 * @typedef {object} Surroundings
 * @property {Clock} clock
 * @property {Storage} storage for what has to outlive a reload
 * @property {typeof globalThis.fetch} fetch
 * @property {(token: string) => Socket} dial starts a handshake; throws if the token cannot even be offered
 * @property {() => string} newId an id that no other client makes
 * @property {() => boolean} isVisible whether somebody can see the page
 * @property {() => boolean} isOnline whether there is a network, as far as the browser knows
 */

export {};
