/**
 * The words of Confab protocol 1 as the browser uses them, and the one place where bytes from the network become
 * values: `parseFrame` lets nothing through whose shape was not checked. It knows neither sockets nor state.
 */

/** The subprotocol that the server echoes. */
export const SUBPROTOCOL = "confab.v1";

/** What a client may ask for over the socket. */
export const Action = Object.freeze({
  subscribe: "subscribe",
  unsubscribe: "unsubscribe",
  sendMessage: "sendMessage",
  ping: "ping",
});

/** What a client should do about an error; every error names one. */
export const Retry = Object.freeze({
  never: "never",
  reauthenticate: "reauthenticate",
  resync: "resync",
  later: "later",
});

/** Bytes of a message's text, counted as JSON encodes it, without the quotes. */
export const MAX_BODY_BYTES = 16_384;
/** Bytes of a conversation's title in UTF-8. */
export const MAX_TITLE_BYTES = 200;
/** Bytes of a user id in UTF-8. */
export const MAX_USER_BYTES = 128;
/** Participants that a conversation can be created with, beside its creator. */
export const MAX_PARTICIPANTS = 90;
/** Conversations whose positions fit into one ping, and so the most that are followed at a time. */
export const MAX_POSITIONS = 20;

/**
 * One entry of a conversation's log. Which of the optional members are there follows from `event`; kinds that this
 * client does not know are kept, because their `seq` counts.
 * @typedef {object} Entry
 * @property {string} event `message`, `participantAdded`, `participantRemoved`, or a kind of the future
 * @property {string} conversation
 * @property {number} seq position in the log: 1, 2, 3 …
 * @property {string} [id] the sender's own id of a message
 * @property {string} [sender] user id
 * @property {string} [name] display name of the sender, or of the participant concerned
 * @property {string} [body] text
 * @property {string} [user] the participant concerned
 * @property {string} [by] user id of who did it
 * @property {string} [sentAt] RFC 3339, UTC
 */

/** @typedef {{conversation: string, id: string, seq: number, sentAt: string, duplicate: boolean}} Sent */
/** @typedef {{head: number, events: Entry[], limited: boolean}} EventPage */
/** @typedef {{code: string, message: string, retry: string, field?: string, retryAfterMs?: number}} Problem */

/**
 * A frame from the server, checked. `ref` is there when it answers a request.
 * @typedef {{event: "entry", entry: Entry}
 *   | {event: "subscribed", ref?: string, conversation: string, page: EventPage}
 *   | {event: "sent", ref?: string, sent: Sent}
 *   | {event: "pong", ref?: string, heads: Map<string, number>}
 *   | {event: "added", conversation: string, title: string, head: number, by: string}
 *   | {event: "removed", conversation: string}
 *   | {event: "error", ref?: string, problem: Problem}} Frame
 */

/**
 * Subprotocols for a browser's handshake. The token travels here because a URL ends up in logs.
 * @param {string} token
 */
export function handshakeProtocols(token) {
  return [SUBPROTOCOL, `bearer.${token}`];
}

/**
 * Reads one text frame. `null` is anything that is no frame of this protocol, the gateway's own error frames
 * (`{"message": "Internal server error", …}`) among them: the request that caused one counts as unanswered.
 * @param {unknown} text
 * @returns {Frame | null}
 */
export function parseFrame(text) {
  const frame = parseObject(text);
  if (frame === null || typeof frame.event !== "string") return null;
  const ref = typeof frame.ref === "string" ? frame.ref : undefined;
  switch (frame.event) {
    case "subscribed": {
      const page = parseEventPage(frame);
      return page && isText(frame.conversation) ? { event: "subscribed", ref, conversation: frame.conversation, page } : null;
    }
    case "sent": {
      const sent = parseSent(frame);
      return sent && { event: "sent", ref, sent };
    }
    case "pong":
      return { event: "pong", ref, heads: parseHeads(frame.heads) };
    case "error":
      return { event: "error", ref, problem: parseProblem(frame) };
    case "added":
      if (!isText(frame.conversation)) return null;
      return {
        event: "added",
        conversation: frame.conversation,
        title: textOr(frame.title, ""),
        head: isPosition(frame.head) ? frame.head : 0,
        by: textOr(frame.by, ""),
      };
    case "removed":
      return isText(frame.conversation) ? { event: "removed", conversation: frame.conversation } : null;
    default: {
      const entry = parseEntry(frame);
      return entry && { event: "entry", entry };
    }
  }
}

/**
 * Reads `events` with its head: the body of `subscribed` and of `GET …/events`.
 * @param {Record<string, unknown>} value
 * @returns {EventPage | null}
 */
export function parseEventPage(value) {
  if (!isPosition(value.head) || !Array.isArray(value.events)) return null;
  return { head: value.head, events: parseEntries(value.events), limited: value.limited === true };
}

/**
 * Reads log entries, in their order; what is no entry is left out and shows as a gap.
 * @param {unknown[]} values
 */
export function parseEntries(values) {
  return values.flatMap((value) => {
    const entry = isObject(value) ? parseEntry(value) : null;
    return entry ? [entry] : [];
  });
}

/**
 * Reads the acknowledgement of a message: the `sent` frame and the answer of `POST …/messages`.
 * @param {Record<string, unknown>} value
 * @returns {Sent | null}
 */
export function parseSent(value) {
  const { conversation, id, seq, sentAt } = value;
  if (!isText(conversation) || !isText(id) || !isPosition(seq) || seq < 1) return null;
  return { conversation, id, seq, sentAt: textOr(sentAt, ""), duplicate: value.duplicate === true };
}

/**
 * Reads an error, of a frame or of a problem document. Advice that this client does not know means `never`: to repeat
 * blindly is the one wrong guess.
 * @param {Record<string, unknown>} value
 * @returns {Problem}
 */
export function parseProblem(value) {
  const advice = Object.values(Retry).find((retry) => retry === value.retry);
  return {
    code: textOr(value.code, "internal"),
    message: textOr(value.message, "The server refused this."),
    retry: advice ?? Retry.never,
    ...(isText(value.field) && { field: value.field }),
    ...(typeof value.retryAfterMs === "number" && value.retryAfterMs >= 0 && { retryAfterMs: value.retryAfterMs }),
  };
}

/**
 * Parses JSON to an object, or `null`.
 * @param {unknown} text
 * @returns {Record<string, unknown> | null}
 */
export function parseObject(text) {
  if (typeof text !== "string") return null;
  try {
    const value = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

/**
 * How many bytes a text takes inside a JSON string, which is how the server counts a body.
 * @param {string} text
 */
export function encodedBytes(text) {
  return new TextEncoder().encode(JSON.stringify(text)).length - 2;
}

/**
 * What may be sent of what was typed or pasted: one kind of line break, no control characters that nobody can see and
 * the server refuses, no halves of a surrogate pair, no empty space around.
 * @param {string} text
 */
export function cleanBody(text) {
  return text
    .replace(/\r\n?/g, "\n")
    .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "")
    .toWellFormed()
    .trim();
}

/** @param {unknown} value @returns {value is Record<string, unknown>} */
export function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** @param {unknown} value @returns {value is string} */
export function isText(value) {
  return typeof value === "string" && value !== "";
}

/** A position in a log, 0 before its first entry. @param {unknown} value @returns {value is number} */
export function isPosition(value) {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

/** @param {unknown} value @param {string} otherwise */
function textOr(value, otherwise) {
  return typeof value === "string" ? value : otherwise;
}

/** @param {unknown} value @returns {Map<string, number>} */
function parseHeads(value) {
  const heads = new Map();
  for (const [conversation, head] of Object.entries(isObject(value) ? value : {})) {
    if (isPosition(head)) heads.set(conversation, head);
  }
  return heads;
}

/** @param {Record<string, unknown>} value @returns {Entry | null} */
function parseEntry(value) {
  const { event, conversation, seq } = value;
  if (!isText(event) || !isText(conversation) || !isPosition(seq) || seq < 1) return null;
  /** @type {Entry} */
  const entry = { event, conversation, seq };
  for (const member of /** @type {const} */ (["id", "sender", "name", "body", "user", "by", "sentAt"])) {
    const text = value[member];
    if (typeof text === "string") entry[member] = text;
  }
  return entry;
}
