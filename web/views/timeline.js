/**
 * The message list as data. Its pieces have fixed ranges of seqs, and so stay the same when earlier
 * messages are loaded. Pure.
 */

import { isolated } from "../client/index.js";
import { dayKey, dayText, timeOfDay } from "./dates.js";

/** @import { Entry, Line } from "../client/index.js" */
/** @import { Item, Piece, Reader, RowContent } from "./types.js" */

const SEQS_PER_PIECE = 20;
const GROUP_PAUSE_MS = 5 * 60_000;
/** Entries that the message itself shows. */
const HIDDEN = ["messageEdited", "messageDeleted"];

/**
 * @param {Line[]} lines
 * @returns {Piece[]}
 */
export function piecesOf(lines) {
  /** @type {Piece[]} */
  const pieces = [];
  /** @type {Line | null} */
  let before = null;
  for (const line of lines) {
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

/**
 * @param {Piece} piece
 * @param {Reader} reader
 * @returns {Item[]}
 */
export function itemsOf({ lines, before }, reader) {
  /** @type {Item[]} */
  const items = [];
  for (const line of lines) {
    if (line.kind === "entry" && HIDDEN.includes(line.entry.event)) continue;
    const at = timeOf(line);
    const startsDay = at > 0 && (before === null || dayKey(timeOf(before)) !== dayKey(at));
    if (startsDay)
      items.push({ kind: "day", key: `day ${dayKey(at)}`, text: dayText(at, reader.now) });
    if (line.kind === "entry" && line.entry.event !== "message") {
      const text = changeText(line.entry, reader);
      if (text !== null) items.push({ kind: "note", key: line.key, text });
    } else {
      const content = contentOf(line, reader);
      const startsGroup =
        startsDay ||
        before === null ||
        speakerOf(before, reader) !== content.sender ||
        at - timeOf(before) > GROUP_PAUSE_MS;
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

/**
 * @param {Line} line
 * @param {Reader} reader
 */
function speakerOf(line, { me }) {
  if (line.kind === "outgoing") return me.user;
  return line.entry.event === "message" ? line.entry.sender : null;
}

/**
 * @param {Line} line
 * @param {Reader} reader
 * @returns {Omit<RowContent, "startsGroup" | "time">}
 */
function contentOf(line, { me, nameOf }) {
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
  const { id = "", seq, sender = "", body = "" } = line.entry;
  const name = nameOf(sender, line.entry.name);
  return { id, seq, sender, name, body, isMine: sender === me.user, state: "sent", problem: "" };
}

/**
 * @param {Entry} entry
 * @param {Reader} reader
 */
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
