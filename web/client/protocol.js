/** Confab protocol 1: words, errors, and checks of everything that comes from outside. */

/** @import { Entry, EventPage, Frame, Problem, Sent, SubscribeOutcome } from "./types.js" */

export const Action = Object.freeze({
  subscribe: "subscribe",
  unsubscribe: "unsubscribe",
  catchUp: "catchUp",
  sendMessage: "sendMessage",
  editMessage: "editMessage",
  deleteMessage: "deleteMessage",
  react: "react",
  ping: "ping",
  typing: "typing",
  receipt: "receipt",
});

export const Retry = Object.freeze({
  never: "never",
  reauthenticate: "reauthenticate",
  resync: "resync",
  later: "later",
});

/** `docs/protocol.md` says what each means. */
export const Code = Object.freeze({
  malformed: "malformed",
  invalid: "invalid",
  unknownAction: "unknown_action",
  tooLarge: "too_large",
  unauthenticated: "unauthenticated",
  forbidden: "forbidden",
  notFound: "not_found",
  unknownMessage: "unknown_message",
  unknownPosition: "unknown_position",
  resyncRequired: "resync_required",
  idReused: "id_reused",
  contended: "contended",
  rateLimited: "rate_limited",
  internal: "internal",
});

export const MAX_BODY_BYTES = 16_384;
export const MAX_TITLE_BYTES = 200;
export const MAX_USER_BYTES = 128;
/** The most initial participants, without the creator. */
export const MAX_PARTICIPANTS = 90;
/** The most positions in a ping, and so the most subscriptions of a client. */
export const MAX_POSITIONS = 20;

/** The server rejected a request. `retry` says whether, and when, to repeat it. */
export class Rejection extends Error {
  /** @override */
  name = "Rejection";

  /** @param {Problem} problem the server's whole answer */
  constructor(problem) {
    super(problem.message);
    this.problem = problem;
    this.code = problem.code;
    this.retry = problem.retry;
    this.field = problem.field;
  }
}

/** The request may have taken effect. Repeating it is safe. */
export class Unanswered extends Error {
  /** @override */
  name = "Unanswered";
}

export class SignedOut extends Error {
  /** @override */
  name = "SignedOut";
}

/**
 * The subprotocols to offer. The token is not in the URL, because URLs end up in logs.
 * @param {string} token
 */
export function handshakeProtocols(token) {
  return ["confab.v1", `bearer.${token}`];
}

/** @param {unknown} text @returns {Frame | null} */
export function parseFrame(text) {
  const frame = parseObject(text);
  if (frame === null) return null;
  const { event, conversation } = frame;
  const ref = typeof frame.ref === "string" ? frame.ref : undefined;
  switch (event) {
    case "subscribed":
    case "caughtUp":
    case "entries": {
      const { conversations = [frame] } = frame;
      const outcomes = parseAll(conversations, parseOutcome);
      return outcomes.length > 0 ? { event: "entries", ref, outcomes } : null;
    }
    case "sent":
    case "edited":
    case "deleted": {
      const sent = parseSent(frame);
      return sent && { event: "sent", ref, sent };
    }
    case "reacted":
      return { event, ref, seq: isPosition(frame.seq) ? frame.seq : null };
    case "pong":
      return {
        event,
        ref,
        heads: parsePositions(frame.heads),
        ...(isObject(frame.presence) && { presence: frame.presence }),
        ...(isObject(frame.read) && {
          read: new Map(Object.entries(frame.read).map(([id, read]) => [id, parsePositions(read)])),
        }),
      };
    case "added":
    case "read":
    case "typing":
      return isText(conversation) ? { event: "notice", frame } : null;
    case "error":
      return { event, ref, problem: parseProblem(frame) };
    case "removed":
      return isText(conversation) ? { event, conversation } : null;
    default: {
      const entry = parseEntry(frame);
      return entry && { event: "entry", entry };
    }
  }
}

/** @param {Record<string, unknown>} value @returns {SubscribeOutcome | null} */
function parseOutcome(value) {
  const { conversation, subscribed, code } = value;
  if (!isText(conversation)) return null;
  if (isText(code)) return { conversation, problem: parseProblem(value) };
  const page = parseEventPage(value);
  return page && { conversation, page, subscribed: subscribed !== false };
}

/**
 * Leaves out invalid entries; they appear as gaps. Pushed pages have no head.
 * @param {Record<string, unknown>} value
 * @returns {EventPage | null}
 */
export function parseEventPage({ head = 0, events, limited, messages, read }) {
  if (!isPosition(head) || !Array.isArray(events)) return null;
  return {
    head,
    events: parseAll(events, parseEntry),
    limited: limited === true,
    ...(isPosition(messages) && { messages, read: parsePositions(read) }),
  };
}

/** @param {Record<string, unknown>} value @returns {Sent | null} */
export function parseSent({ conversation, id, seq, sentAt, duplicate }) {
  if (!isText(conversation) || !isText(id) || !isPosition(seq) || seq < 1) return null;
  return { conversation, id, seq, sentAt: textOr(sentAt, ""), duplicate: duplicate === true };
}

/**
 * Reads unknown advice as `never`, because repeating blindly could do harm.
 * @param {Record<string, unknown>} value
 * @returns {Problem}
 */
export function parseProblem({ code, message, retry, field, retryAfterMs }) {
  return {
    code: textOr(code, Code.internal),
    message: textOr(message, "The server rejected the request."),
    retry: Object.values(Retry).find((advice) => advice === retry) ?? Retry.never,
    ...(isText(field) && { field }),
    ...(typeof retryAfterMs === "number" && retryAfterMs >= 0 && { retryAfterMs }),
  };
}

/** @type {("id" | "sender" | "name" | "body" | "user" | "by" | "sentAt")[]} */
const OPTIONAL_MEMBERS = ["id", "sender", "name", "body", "user", "by", "sentAt"];

/** @param {Record<string, unknown>} value @returns {Entry | null} */
export function parseEntry(value) {
  const { event, conversation, seq } = value;
  if (!isText(event) || !isText(conversation) || !isPosition(seq) || seq < 1) return null;
  /** @type {Entry} */
  const entry = { event, conversation, seq };
  for (const member of OPTIONAL_MEMBERS) {
    const text = value[member];
    if (typeof text === "string") entry[member] = text;
  }
  const { target, replyTo, edited, deleted } = value;
  if (isPosition(target)) entry.target = target;
  if (event === "reaction")
    Object.assign(entry, { emoji: textOr(value.emoji, ""), on: value.on === true });
  if (isPosition(replyTo)) entry.replyTo = replyTo;
  if (isObject(edited)) entry.edited = { seq: Number(edited.seq), at: textOr(edited.at, "") };
  if (isObject(deleted)) entry.deleted = { seq: Number(deleted.seq), by: textOr(deleted.by, "") };
  return entry;
}

/**
 * @template T
 * @param {unknown} values
 * @param {(value: Record<string, unknown>) => T | false | null} parse
 */
export function parseAll(values, parse) {
  if (!Array.isArray(values)) return [];
  return values.flatMap((value) => (isObject(value) && parse(value)) || []);
}

/** @param {unknown} text */
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
 * The length of a body as the server counts it: as JSON, without the quotes.
 * @param {string} text
 */
export function encodedBytes(text) {
  return new TextEncoder().encode(JSON.stringify(text)).length - 2;
}

/**
 * Returns the text without characters that the server refuses, leading empty lines, and trailing
 * white space. A text that shows nothing becomes empty.
 * @param {string} text
 */
export function cleanBody(text) {
  const body = text
    .replace(/\r\n?/g, "\n")
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the server refuses these characters
    .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "")
    .toWellFormed()
    .replace(/^(?:[^\S\n]*\n)+/, "")
    .trimEnd();
  return /[^\s\p{DI}\u2800]/u.test(body) ? body : "";
}

/**
 * Keeps right-to-left letters in a text from reordering the text around it.
 * @param {string} text
 */
export function isolated(text) {
  return `\u2068${text}\u2069`;
}

/** @param {unknown} value @returns {value is Record<string, unknown>} */
export function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** @param {unknown} value @returns {value is string} */
export function isText(value) {
  return typeof value === "string" && value !== "";
}

/** @param {unknown} value @returns {value is number} */
export function isPosition(value) {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

/** @param {unknown} value @param {string} otherwise */
export function textOr(value, otherwise) {
  return typeof value === "string" ? value : otherwise;
}

/** @param {unknown} value @returns {Map<string, number>} */
function parsePositions(value) {
  /** @type {Map<string, number>} */
  const positions = new Map();
  for (const [id, position] of Object.entries(isObject(value) ? value : {})) {
    if (isPosition(position)) positions.set(id, position);
  }
  return positions;
}
