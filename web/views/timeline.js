/**
 * The message list as data. Its pieces have fixed ranges of seqs, and so stay the same when earlier
 * messages are loaded. Pure.
 */

import { isolated, messageOf } from "../client/index.js";

/** @import { Entry, Line } from "../client/public.js" */
/** @import { Item, Piece, Reader, RowContent } from "./types.js" */

// Dates and times are in the user's language and time zone.
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

const SEQS_PER_PIECE = 20;
const GROUP_PAUSE_MS = 5 * 60_000;

/** Messages show edits, deletions and reactions. @param {Line} line */
export function isShown(line) {
  return line.kind === "outgoing" || !line.entry.target;
}

/** @param {Line[]} lines @returns {Piece[]} */
export function piecesOf(lines) {
  /** @type {Piece[]} */
  const pieces = [];
  /** @type {Line | null} */
  let before = null;
  for (const line of lines.filter(isShown)) {
    // Unsent messages are in the last piece.
    const key =
      line.kind === "entry"
        ? String(Math.floor(line.entry.seq / SEQS_PER_PIECE))
        : (pieces.at(-1)?.key ?? "0");
    const last = pieces.at(-1);
    if (last && last.key === key) last.lines.push(line);
    else pieces.push({ key, lines: [line], before });
    before = line;
  }
  return pieces;
}

/** @param {Piece} piece @param {Reader} reader @returns {Item[]} */
export function itemsOf({ lines, before }, reader) {
  /** @type {Item[]} */
  const items = [];
  for (const line of lines) {
    const at = timeOf(line);
    const startsDay = at > 0 && (before === null || dayKey(timeOf(before)) !== dayKey(at));
    if (startsDay)
      items.push({ kind: "day", key: `day ${dayKey(at)}`, text: dayText(at, reader.now) });
    if (line.kind === "entry" && line.entry.event !== "message") {
      const text = changeText(line.entry, reader);
      if (text !== null) items.push({ kind: "note", key: line.key, text });
    } else {
      const content = contentOf(line, reader);
      if (line.key === reader.firstNew) items.push({ kind: "new", key: "new", text: "New" });
      const startsGroup =
        startsDay ||
        before === null ||
        speakerOf(before, reader) !== content.sender ||
        at - timeOf(before) > GROUP_PAUSE_MS;
      items.push({
        kind: "message",
        key: line.key,
        content: { ...content, startsGroup, time: at > 0 ? time.format(at) : "" },
      });
    }
    before = line;
  }
  return items;
}

/** @param {Line} line */
function timeOf(line) {
  return line.kind === "outgoing"
    ? line.outgoing.writtenAt
    : Date.parse(line.entry.sentAt ?? "") || 0;
}

/** @param {Line} line @param {Reader} reader */
function speakerOf(line, { me }) {
  if (line.kind === "outgoing") return me.user;
  return line.entry.event === "message" ? line.entry.sender : null;
}

/** @param {Line} line @param {Reader} reader @returns {Omit<RowContent, "startsGroup" | "time">} */
function contentOf(line, { me, nameOf }) {
  const message = messageOf(line, me);
  const { sender, deletedBy } = message;
  const by = deletedBy === me.user ? "You" : isolated(nameOf(deletedBy ?? ""));
  return {
    ...message,
    name: nameOf(sender, message.name),
    body: deletedBy === null ? message.body : `${by} deleted a message`,
    isMine: sender === me.user,
  };
}

/** @param {Entry} entry @param {Reader} reader */
function changeText({ event, user = "", by = "" }, { me, nameOf }) {
  const isMe = user === me.user;
  const subject = isMe ? "You" : isolated(nameOf(user));
  const object = isMe ? "you" : subject;
  const actor = by === me.user ? "You" : isolated(nameOf(by));
  if (event === "participantAdded")
    return by === user || by === "" ? `${subject} joined` : `${actor} added ${object}`;
  if (event === "participantRemoved")
    return by === user || by === "" ? `${subject} left` : `${actor} removed ${object}`;
  return null;
}

/** @param {number} at milliseconds since 1970 */
function dayKey(at) {
  const date = new Date(at);
  return `${date.getFullYear()}-${date.getMonth() + 1}-${date.getDate()}`;
}

/** @param {number} at @param {number} now */
function dayText(at, now) {
  const days = daysBetween(at, now);
  if (days <= 1) return capitalised(relative.format(-days, "day"));
  if (days < 7) return weekday.format(at);
  return new Date(at).getFullYear() === new Date(now).getFullYear()
    ? dayOfYear.format(at)
    : fullDay.format(at);
}

/** @param {number} at @param {number} now */
export function shortTime(at, now) {
  const days = daysBetween(at, now);
  if (days <= 0) return time.format(at);
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
