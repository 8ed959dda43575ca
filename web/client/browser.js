/** The client's surroundings in a browser: the only module that knows one. */

import { systemClock } from "./clock.js";
import { IndexedOutbox } from "./outbox_storage.js";
import { handshakeProtocols } from "./protocol.js";
import { StoredReadPositions } from "./read_positions.js";

/** @import { Socket } from "./connection.js" */
/** @import { Channel, Surroundings } from "./surroundings.js" */

/**
 * @param {object} options
 * @param {string} options.http
 * @param {string} options.ws
 * @param {string} options.user
 * @returns {Surroundings}
 */
export function browserSurroundings({ http, ws, user }) {
  const owner = `${http} ${user}`;
  // A page that did not come by TLS has no locks, unless it is of this machine: there each tab is by itself.
  const locks = /** @type {LockManager | undefined} */ (navigator.locks);
  return {
    clock: systemClock,
    outboxes: new IndexedOutbox(indexedDB, owner),
    readPositions: new StoredReadPositions(localStorage, user),
    fetch: (input, init) => fetch(input, init),
    dial: (token) => /** @type {Socket} */ (/** @type {unknown} */ (new WebSocket(ws, handshakeProtocols(token)))),
    newId,
    isVisible: () => document.visibilityState === "visible",
    isOnline: () => navigator.onLine,
    watch,
    tabs: locks
      ? {
          lock: (name, options, then) => locks.request(name, options, then),
          channel: () => /** @type {Channel} */ (/** @type {unknown} */ (new BroadcastChannel(`confab.1 ${owner}`))),
        }
      : null,
  };
}

/** As `crypto.randomUUID`, which a page that did not come by TLS does not have. */
function newId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @type {Surroundings["watch"]} */
function watch(happened) {
  const listeners = /** @type {const} */ ([
    [window, "online", () => happened("online")],
    [window, "offline", () => happened("offline")],
    [window, "storage", () => happened("read elsewhere")],
    [document, "visibilitychange", () => happened(document.visibilityState === "visible" ? "visible" : "hidden")],
  ]);
  for (const [target, type, listener] of listeners) target.addEventListener(type, listener);
  return () => {
    for (const [target, type, listener] of listeners) target.removeEventListener(type, listener);
  };
}
