/**
 * What is shown of a log, as data: messages, notes of who came and went, and lines between days, in pieces of a fixed
 * range of seqs. A piece stays the same piece when older ones come in front of it, so that a view can put away those
 * that nobody sees. Pure.
 */

import { isolated } from "../client/conversation.js";
import { dayKey, dayWords, timeOfDay } from "./dates.js";

/** @import { Line } from "../client/index.js" */
/** @import { Entry } from "../client/wire.js" */
/** @import { RowContent } from "./message_row.js" */

/** Seqs of one piece. */
const SPAN = 20;
/** A pause this long, in milliseconds, starts a new group of messages of one person. */
const GROUP_PAUSE = 5 * 60_000;

/** @typedef {{key: string, lines: Line[], before: Line | null}} Piece */
/** @typedef {{kind: "day" | "note", key: string, words: string} | {kind: "message", key: string, content: RowContent}} Item */

/**
 * @typedef {object} Reader
 * @property {{user: string, name: string}} me
 * @property {(user: string) => string} nameOf
 * @property {number} now milliseconds since 1970
 */

/** @param {Line[]} lines @returns {Piece[]} */
export function piecesOf(lines) {
  /** @type {Piece[]} */
  const pieces = [];
  /** @type {Line | null} */
  let before = null;
  for (const line of lines) {
    // What is not yet in the log is at its end, wherever that is.
    const key =
      line.kind === "entry"
        ? String(Math.floor(line.entry.seq / SPAN))
        : (pieces.at(-1)?.key ?? "0");
    const last = pieces.at(-1);
    if (last && last.key === key) last.lines.push(line);
    else pieces.push({ key, lines: [line], before });
    before = line;
  }
  return pieces;
}

/** What stands in a piece. @param {Piece} piece @param {Reader} reader @returns {Item[]} */
export function itemsOf({ lines, before }, reader) {
  /** @type {Item[]} */
  const items = [];
  for (const line of lines) {
    const at = timeOf(line);
    const startsDay = at > 0 && (before === null || dayKey(timeOf(before)) !== dayKey(at));
    if (startsDay)
      items.push({ kind: "day", key: `day ${dayKey(at)}`, words: dayWords(at, reader.now) });
    if (line.kind === "entry" && line.entry.event !== "message") {
      const words = changeWords(line.entry, reader);
      if (words !== null) items.push({ kind: "note", key: line.key, words });
    } else {
      const content = contentOf(line, reader.me);
      const startsGroup =
        startsDay ||
        before === null ||
        speakerOf(before, reader) !== content.sender ||
        at - timeOf(before) > GROUP_PAUSE;
      items.push({
        kind: "message",
        key: line.key,
        content: { ...content, startsGroup, time: at > 0 ? timeOfDay(at) : "" },
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

/** @param {Line} line @param {{user: string, name: string}} me @returns {Omit<RowContent, "startsGroup" | "time">} */
function contentOf(line, me) {
  if (line.kind === "outgoing") {
    const { id, body, failure } = line.outgoing;
    return {
      id,
      seq: null,
      sender: me.user,
      name: me.name,
      body,
      isMine: true,
      state: failure ? "failed" : "pending",
      problem: failure?.message ?? "",
    };
  }
  const { id = "", seq, sender = "", name = sender, body = "" } = line.entry;
  return { id, seq, sender, name, body, isMine: sender === me.user, state: "sent", problem: "" };
}

/** What an entry that is no message says; `null` for kinds that this page does not know. @param {Entry} entry @param {Reader} reader */
function changeWords({ event, user = "", by = "" }, { me, nameOf }) {
  const name = user === me.user ? "you" : isolated(nameOf(user));
  const actor = by === me.user ? "You" : isolated(nameOf(by));
  const itself = user === me.user ? "You" : name;
  if (event === "participantAdded")
    return by === user || by === "" ? `${itself} joined` : `${actor} added ${name}`;
  if (event === "participantRemoved")
    return by === user || by === "" ? `${itself} left` : `${actor} removed ${name}`;
  return null;
}
