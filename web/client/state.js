/** How a client is: one name at a time, and why. */

/** What `state.name` can be. */
export const StateName = Object.freeze({
  /** The first connection is on its way. */ connecting: "connecting",
  /** A socket stands. */ connected: "connected",
  /** There was a socket, and the next one is on its way. */ reconnecting: "reconnecting",
  /** A socket cannot be had; messages go and come over HTTP, a little slower. */ polling: "polling",
  /** The browser knows of no network. */ offline: "offline",
  /** The token is refused and there is no other: everything rests until `start`. */ signedOut: "signed-out",
  /** Not started, or stopped. */ stopped: "stopped",
});

/**
 * Why there is no socket. `away`: HTTP is not answered either; `blocked`: HTTP is answered, so something between here and
 * the server, or the server's list of origins, is against sockets; `forbidden`: this person may not; `expired`: the token
 * was refused.
 * @typedef {"away" | "blocked" | "forbidden" | "expired"} Reason
 */

/**
 * @typedef {object} State
 * @property {(typeof StateName)[keyof typeof StateName]} name
 * @property {Reason | null} reason as far as it is known
 * @property {number | null} retryAt when a socket is tried next, in milliseconds since 1970; `null` while one stands or is tried
 */

/** @param {State} one @param {State} other */
export function isSameState(one, other) {
  return one.name === other.name && one.reason === other.reason && one.retryAt === other.retryAt;
}
