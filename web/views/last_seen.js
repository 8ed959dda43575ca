/** When a person was here last: coarse, because nobody should be watched by the minute. */

import { shortTime } from "./timeline.js";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/**
 * @param {number | null} at milliseconds since 1970
 * @param {number} now
 */
export function lastSeenText(at, now) {
  if (at === null) return "offline";
  const ago = Math.max(0, now - at);
  if (ago < 5 * MINUTE_MS) return "last seen a few minutes ago";
  if (ago < HOUR_MS) return `last seen ${5 * Math.floor(ago / (5 * MINUTE_MS))} min ago`;
  if (ago < 12 * HOUR_MS) return `last seen ${Math.floor(ago / HOUR_MS)} h ago`;
  return `last seen ${shortTime(at, now)}`;
}
