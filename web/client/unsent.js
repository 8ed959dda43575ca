/** Reads the messages that the browser's database kept. Loaded if there are any. */

import { encodedBytes, isObject, isPosition, isText } from "./protocol.js";
import { MAX_BODY_BYTES, parseAll, parseProblem } from "./protocol.js";

/** @import { OutboxRow } from "./types.js" */

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
  const { id, body, replyTo, target, text, after, writtenAt, failure } = outgoing;
  if (!isText(id) || !/^[\w.:-]{1,64}$/.test(id)) return null;
  const isRevision = isPosition(target);
  const content = isRevision ? text : body;
  const isDeletion = isRevision && text === null;
  if (!isDeletion && (!isText(content) || encodedBytes(content) > MAX_BODY_BYTES)) return null;
  if (!isPosition(after) || typeof writtenAt !== "number" || !Number.isFinite(writtenAt))
    return null;
  return {
    conversation,
    outgoing: {
      id,
      ...(isRevision ? { target, text: isDeletion ? null : `${content}` } : { body: `${content}` }),
      ...(isPosition(replyTo) && { replyTo }),
      after,
      writtenAt,
      failure: isObject(failure) ? parseProblem(failure) : null,
    },
  };
}
