/**
 * Frames that are neither entries nor answers: who has read, who types, and who was added. Loaded
 * with the first of them. Nothing depends on them, so one that is lost is no error.
 */

import { isPosition, isText, textOr } from "./protocol.js";

/** @import { Change } from "./types.js" */

/** @param {Record<string, unknown>} frame @returns {Change | null} */
export function changeOf({ event, conversation, user, name, title, head, by, ...rest }) {
  if (!isText(conversation)) return null;
  if (event === "added") {
    const added = { title: textOr(title, ""), by: textOr(by, "") };
    return { kind: "added", conversation, head: isPosition(head) ? head : 0, ...added };
  }
  const { readTo, messages, after, forMs } = rest;
  if (!isText(user)) return null;
  if (event === "read" && isPosition(readTo))
    return {
      kind: "positions",
      conversation,
      read: [[user, readTo]],
      ...(isPosition(messages) && { counted: [readTo, messages] }),
      isNow: true,
    };
  if (event === "typing" && isPosition(after) && isPosition(forMs))
    return { kind: "typing", conversation, user, name: textOr(name, user), after, forMs };
  return null;
}
