/** Dates and times in the user's language and time zone. */

const time = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const weekday = new Intl.DateTimeFormat(undefined, { weekday: "long" });
const dayOfYear = new Intl.DateTimeFormat(undefined, {
  weekday: "long",
  day: "numeric",
  month: "long",
});
const fullDay = new Intl.DateTimeFormat(undefined, {
  day: "numeric",
  month: "long",
  year: "numeric",
});
const shortDay = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });

/** @param {number} at milliseconds since 1970 */
export function dayKey(at) {
  const date = new Date(at);
  return `${date.getFullYear()}-${date.getMonth() + 1}-${date.getDate()}`;
}

/** @param {number} at */
export function timeOfDay(at) {
  return time.format(at);
}

/**
 * @param {number} at
 * @param {number} now
 */
export function dayText(at, now) {
  const days = daysBetween(at, now);
  if (days <= 1) return capitalised(relative.format(-days, "day"));
  if (days < 7) return weekday.format(at);
  return new Date(at).getFullYear() === new Date(now).getFullYear()
    ? dayOfYear.format(at)
    : fullDay.format(at);
}

/**
 * @param {number} at
 * @param {number} now
 */
export function shortTime(at, now) {
  const days = daysBetween(at, now);
  if (days <= 0) return timeOfDay(at);
  if (days === 1) return capitalised(relative.format(-1, "day"));
  return days < 7 ? weekday.format(at) : shortDay.format(at);
}

/**
 * The number of midnights between two times; 0 if the server's clock is ahead.
 * @param {number} at
 * @param {number} now
 */
function daysBetween(at, now) {
  const midnight = (/** @type {number} */ moment) => new Date(moment).setHours(0, 0, 0, 0);
  return Math.max(0, Math.round((midnight(now) - midnight(at)) / 86_400_000));
}

/** @param {string} text */
function capitalised(text) {
  return text.charAt(0).toLocaleUpperCase() + text.slice(1);
}
