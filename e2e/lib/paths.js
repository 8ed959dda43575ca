/** User ids in paths. */

const PREFIX = "base64url.";

/**
 * Encodes a user id for a path as docs/protocol.md says: in base64url if the gateway would change
 * it.
 *
 * @param {string} user
 */
export const inPath = (user) =>
  /[%?/\\#+]|^\.+$|^base64url\./.test(user)
    ? PREFIX + Buffer.from(user).toString("base64url")
    : encodeURIComponent(user);

/**
 * Returns the user id in a decoded segment of a path.
 *
 * @param {string} segment
 */
export const fromPath = (segment) =>
  segment.startsWith(PREFIX)
    ? Buffer.from(segment.slice(PREFIX.length), "base64url").toString()
    : segment;
