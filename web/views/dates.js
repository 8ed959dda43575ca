/** Dates and times in the reader's own language and time zone. */

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

/** Which day a moment belongs to, as a key to compare. @param {number} at milliseconds since 1970 */
export function dayKey(at) {
  const date = new Date(at);
  return `${date.getFullYear()}-${date.getMonth() + 1}-${date.getDate()}`;
}

/** @param {number} at */
export function timeOfDay(at) {
  return time.format(at);
}

/** Words for a day: today, yesterday, a weekday, a date. @param {number} at @param {number} now */
export function dayWords(at, now) {
  const days = daysBetween(at, now);
  if (days <= 1) return capitalised(relative.format(-days, "day"));
  if (days < 7) return weekday.format(at);
  return new Date(at).getFullYear() === new Date(now).getFullYear()
    ? dayOfYear.format(at)
    : fullDay.format(at);
}

/** A moment in few letters, for a list. @param {number} at @param {number} now */
export function shortMoment(at, now) {
  const days = daysBetween(at, now);
  if (days <= 0) return timeOfDay(at);
  if (days === 1) return capitalised(relative.format(-1, "day"));
  return days < 7 ? weekday.format(at) : shortDay.format(at);
}

/** Midnights between two moments; 0 also if the server's clock is ahead of ours. @param {number} at @param {number} now */
function daysBetween(at, now) {
  const midnight = (/** @type {number} */ moment) => new Date(moment).setHours(0, 0, 0, 0);
  return Math.max(0, Math.round((midnight(now) - midnight(at)) / 86_400_000));
}

/** @param {string} words */
function capitalised(words) {
  return words.charAt(0).toLocaleUpperCase() + words.slice(1);
}
