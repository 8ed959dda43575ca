/** Reads what the browser's database kept. Loaded if there is anything, with what shows it. */

import "./revisions.js";
import { encodedBytes, isObject, isPosition, isText } from "./protocol.js";
import { MAX_BODY_BYTES, parseAll, parseProblem } from "./protocol.js";

/** @import { Content, OutboxRow } from "./types.js" */

/**
 * Returns the messages in the order in which they were written. Other rows are ignored.
 * @param {unknown[]} rows
 * @returns {OutboxRow[]}
 */
export function readUnsent(rows) {
  return parseAll(rows, parseUnsent).sort(
    (one, other) => one.outgoing.writtenAt - other.outgoing.writtenAt,
  );
}

/**
 * Checks a stored message, which may be from another version.
 * @param {Record<string, unknown>} value
 * @returns {OutboxRow | null}
 */
export function parseUnsent({ conversation, outgoing }) {
  if (!isText(conversation) || !isObject(outgoing)) return null;
  const { id, after, writtenAt, failure } = outgoing;
  const content = parseContent(outgoing);
  if (!isId(id) || content === null) return null;
  if (!isPosition(after) || typeof writtenAt !== "number" || !Number.isFinite(writtenAt))
    return null;
  return {
    conversation,
    outgoing: {
      id,
      ...content,
      after,
      writtenAt,
      failure: isObject(failure) ? parseProblem(failure) : null,
    },
  };
}

/**
 * Returns a message, or what is wished for another one: a reaction, or a new text. One that is `null`
 * deletes it.
 * @param {Record<string, unknown>} outgoing
 * @returns {Content | null}
 */
function parseContent({ body, replyTo, target, of, text, emoji, on }) {
  const about = isPosition(target) ? { target } : isId(of) ? { of } : null;
  if (about === null)
    return isBody(body) ? { body, ...(isPosition(replyTo) && { replyTo }) } : null;
  if (isText(emoji) && typeof on === "boolean") return { ...about, emoji, on };
  return text === null || isBody(text) ? { ...about, text } : null;
}

/** @param {unknown} id @returns {id is string} */
function isId(id) {
  return isText(id) && /^[\w.:-]{1,64}$/.test(id);
}

/** @param {unknown} text @returns {text is string} */
function isBody(text) {
  return isText(text) && encodedBytes(text) <= MAX_BODY_BYTES;
}
