/**
 * The words of Confab protocol 1, what can go wrong, and the one place where bytes become values: what is read here has
 * been checked.
 */

/** @import { Row } from "./surroundings.js" */
/** @import { Entry, EventPage, Frame, Problem, Sent } from "./wire.js" */

export const Action = Object.freeze({
  subscribe: "subscribe",
  unsubscribe: "unsubscribe",
  sendMessage: "sendMessage",
  ping: "ping",
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
  unknownPosition: "unknown_position",
  resyncRequired: "resync_required",
  idReused: "id_reused",
  contended: "contended",
  rateLimited: "rate_limited",
  internal: "internal",
});

/** As `encodedBytes` counts. */
export const MAX_BODY_BYTES = 16_384;
/** Of UTF-8. */
export const MAX_TITLE_BYTES = 200;
/** Of UTF-8. */
export const MAX_USER_BYTES = 128;
/** Beside who creates the conversation. */
export const MAX_PARTICIPANTS = 90;
/** In one ping, and so the most that are followed. */
export const MAX_POSITIONS = 20;

/** The server's considered no, and its advice: to try again `never` as it is, after `reauthenticate` or `resync`, or `later`. */
export class Refusal extends Error {
  /** @override */ name = "Refusal";

  /** @param {Problem} problem the whole of what the server said */
  constructor(problem) {
    super(problem.message);
    this.problem = problem;
    /** One of `Code`, or of the future. */ this.code = problem.code;
    this.retry = problem.retry;
    this.field = problem.field;
  }
}

/** It may have been done: ask again with the same id. */
export class Unanswered extends Error {
  /** @override */ name = "Unanswered";
}

/** There is no token. */
export class SignedOut extends Error {
  /** @override */ name = "SignedOut";
}

/** A URL would end up in logs, with the token. @param {string} token */
export function handshakeProtocols(token) {
  return ["confab.v1", `bearer.${token}`];
}

/** `null`: no frame of this protocol, as the gateway's own of errors. @param {unknown} text @returns {Frame | null} */
export function parseFrame(text) {
  const frame = parseObject(text);
  if (frame === null) return null;
  const { event, conversation } = frame;
  const ref = typeof frame.ref === "string" ? frame.ref : undefined;
  switch (event) {
    case "subscribed": {
      const page = parseEventPage(frame);
      return page && isText(conversation) ? { event, ref, conversation, page } : null;
    }
    case "sent": {
      const sent = parseSent(frame);
      return sent && { event, ref, sent };
    }
    case "pong":
      return { event, ref, heads: parseHeads(frame.heads) };
    case "error":
      return { event, ref, problem: parseProblem(frame) };
    case "added": {
      const { title, head, by } = frame;
      return isText(conversation)
        ? {
            event,
            conversation,
            title: textOr(title, ""),
            head: isPosition(head) ? head : 0,
            by: textOr(by, ""),
          }
        : null;
    }
    case "removed":
      return isText(conversation) ? { event, conversation } : null;
    default: {
      const entry = parseEntry(frame);
      return entry && { event: "entry", entry };
    }
  }
}

/** What is no entry is left out and shows as a gap. @param {Record<string, unknown>} value @returns {EventPage | null} */
export function parseEventPage({ head, events, limited }) {
  if (!isPosition(head) || !Array.isArray(events)) return null;
  return { head, events: parseAll(events, parseEntry), limited: limited === true };
}

/** @param {Record<string, unknown>} value @returns {Sent | null} */
export function parseSent({ conversation, id, seq, sentAt, duplicate }) {
  if (!isText(conversation) || !isText(id) || !isPosition(seq) || seq < 1) return null;
  return { conversation, id, seq, sentAt: textOr(sentAt, ""), duplicate: duplicate === true };
}

/** Advice that is not known means `never`: to repeat blindly is the one wrong guess. @param {Record<string, unknown>} value @returns {Problem} */
export function parseProblem({ code, message, retry, field, retryAfterMs }) {
  return {
    code: textOr(code, Code.internal),
    message: textOr(message, "The server refused this."),
    retry: Object.values(Retry).find((advice) => advice === retry) ?? Retry.never,
    ...(isText(field) && { field }),
    ...(typeof retryAfterMs === "number" && retryAfterMs >= 0 && { retryAfterMs }),
  };
}

/** Reads what was kept of an unsent message: it may be of another version, or have been tampered with. @param {Record<string, unknown>} value @returns {Row | null} */
export function parseUnsent({ conversation, outgoing }) {
  if (!isText(conversation) || !isObject(outgoing)) return null;
  const { id, body, after, writtenAt, failure } = outgoing;
  if (
    !isText(id) ||
    !/^[\w.:-]{1,64}$/.test(id) ||
    !isText(body) ||
    encodedBytes(body) > MAX_BODY_BYTES
  )
    return null;
  if (!isPosition(after) || typeof writtenAt !== "number" || !Number.isFinite(writtenAt))
    return null;
  return {
    conversation,
    outgoing: {
      id,
      body,
      after,
      writtenAt,
      failure: isObject(failure) ? parseProblem(failure) : null,
    },
  };
}

/** @param {Record<string, unknown>} value @returns {Entry | null} */
export function parseEntry(value) {
  const { event, conversation, seq } = value;
  if (!isText(event) || !isText(conversation) || !isPosition(seq) || seq < 1) return null;
  /** @type {Entry} */
  const entry = { event, conversation, seq };
  for (const member of /** @type {const} */ ([
    "id",
    "sender",
    "name",
    "body",
    "user",
    "by",
    "sentAt",
  ])) {
    const text = value[member];
    if (typeof text === "string") entry[member] = text;
  }
  return entry;
}

/** @template T @param {unknown} values @param {(value: Record<string, unknown>) => T | false | null} parse */
export function parseAll(values, parse) {
  return Array.isArray(values)
    ? values.flatMap((value) => (isObject(value) && parse(value)) || [])
    : [];
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

/** As the server counts a body: in JSON, without the quotes. @param {string} text */
export function encodedBytes(text) {
  return new TextEncoder().encode(JSON.stringify(text)).length - 2;
}

/** What may be sent of what was typed, without what nobody sees and the server refuses. @param {string} text */
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

/** @param {unknown} value @returns {value is number} */
export function isPosition(value) {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

/** @param {unknown} value @param {string} otherwise */
export function textOr(value, otherwise) {
  return typeof value === "string" ? value : otherwise;
}

/** @param {unknown} value @returns {Map<string, number>} */
function parseHeads(value) {
  return new Map(
    Object.entries(isObject(value) ? value : {}).flatMap(([id, head]) =>
      isPosition(head) ? [[id, head]] : [],
    ),
  );
}
