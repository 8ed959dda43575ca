/** Assertions about the exact shape of frames and HTTP responses. */
import assert from "node:assert/strict";

/** RFC 3339, UTC, milliseconds. */
export const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** What each error code asks the client to do. */
const RETRY = {
  malformed: "never",
  invalid: "never",
  unknown_action: "never",
  too_large: "never",
  unauthenticated: "reauthenticate",
  forbidden: "never",
  not_found: "never",
  unknown_message: "never",
  unknown_position: "resync",
  resync_required: "resync",
  id_reused: "never",
  contended: "later",
  rate_limited: "later",
  internal: "later",
};

/** Codes that always name the same field. */
const BLAMED = { unknown_position: "after", resync_required: "after", id_reused: "id" };

/** The HTTP status of each error; `unknown_action` has none. */
const STATUS = {
  malformed: 400,
  invalid: 422,
  too_large: 413,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  unknown_message: 404,
  unknown_position: 409,
  resync_required: 409,
  id_reused: 409,
  contended: 503,
  rate_limited: 429,
  internal: 500,
};

/**
 * Asserts the exact shape of an error frame.
 *
 * @param {object} frame
 * @param {string} code
 * @param {string} [field] the field at fault; by default the one that the code implies
 */
export function assertRejected(frame, code, field = BLAMED[code]) {
  const { message, ...rest } = frame;
  assert.deepEqual(rest, {
    event: "error",
    code,
    retry: RETRY[code],
    ...(field === undefined ? {} : { field }),
  });
  assert.equal(typeof message, "string");
  assert.notEqual(message, "");
}

/**
 * Asserts the exact shape of an HTTP error.
 *
 * @param {{status: number, headers: Headers, body: any}} answer
 * @param {string} code
 * @param {string} [field]
 */
export function assertProblem(answer, code, field = BLAMED[code]) {
  const { status, headers, body } = answer;
  const seen = {
    status,
    type: headers.get("content-type")?.split(";")[0],
    code: body.code,
    retry: body.retry,
    field: body.field,
  };
  assert.deepEqual(
    seen,
    { status: STATUS[code], type: "application/problem+json", code, retry: RETRY[code], field },
    JSON.stringify(body),
  );
}

/**
 * Asserts the exact shape of a pushed or listed message.
 *
 * @param {object} entry
 * @param {{conversation: string, seq: number, id: string, sender: import('./people.js').Person,
 *   body: string}} expected
 */
export function assertMessage(entry, { conversation, seq, id, sender, body }) {
  const { sentAt, ...rest } = entry;
  assert.deepEqual(rest, {
    event: "message",
    conversation,
    seq,
    id,
    sender: sender.user,
    name: sender.name,
    body,
  });
  assert.match(sentAt, INSTANT);
}

/**
 * Asserts the exact shape of the reply to `sendMessage`.
 *
 * @param {object} reply
 * @param {{conversation: string, id: string, seq: number, duplicate?: boolean}} expected
 */
export function assertSent(reply, { conversation, id, seq, duplicate = false }) {
  const { sentAt, ...rest } = reply;
  assert.deepEqual(rest, { event: "sent", conversation, id, seq, duplicate });
  assert.match(sentAt, INSTANT);
}

/** Asserts that the positions are 1, 2, 3 and so on, without a gap. @param {{seq: number}[]} log */
export function assertDense(log) {
  assert.deepEqual(
    log.map(({ seq }) => seq),
    log.map((_, index) => index + 1),
  );
}
