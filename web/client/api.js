/** The HTTP API of Confab, with the user's token. */

import {
  Code,
  isObject,
  isPosition,
  isText,
  parseAll,
  parseEntry,
  parseEventPage,
  parseObject,
  parseProblem,
  parseSent,
  Rejection,
  Retry,
  textOr,
  Unanswered,
} from "./protocol.js";

/** @import { ApiOptions, Details, Sent } from "./types.js" */

const ANSWER_LIMIT_MS = 15_000;

/**
 * The gateway sends no code. Other statuses without a code may come from a proxy.
 */
const GATEWAY_REJECTIONS = new Map([
  [401, [Code.unauthenticated, Retry.reauthenticate]],
  [403, [Code.forbidden, Retry.never]],
  [429, [Code.rateLimited, Retry.later]],
]);

/** Each method throws `Rejection` or `Unanswered`. All requests may be repeated. */
export class Api {
  /** @type {ApiOptions} */
  #options;

  /** @param {ApiOptions} options */
  constructor(options) {
    this.#options = options;
  }

  /** @param {string} [from] `next` of the previous page */
  async conversations(from) {
    const query = from ? `?next=${encodeURIComponent(from)}` : "";
    const { conversations, next } = await this.#request("GET", `/conversations${query}`);
    return {
      conversations: parseAll(conversations, parseSummary),
      next: isText(next) ? next : null,
    };
  }

  /** @param {string} id */
  async conversation(id) {
    return parseDetails(await this.#request("GET", path(id)));
  }

  /** @param {{id: string, title?: string, participants: string[]}} conversation */
  async create(conversation) {
    return parseDetails(await this.#request("POST", "/conversations", conversation));
  }

  /**
   * @param {string} conversation
   * @param {{id: string, body: string, after: number}} message
   * @returns {Promise<Sent>}
   */
  async send(conversation, message) {
    const answer = await this.#request("POST", path(conversation, "messages"), message);
    return parseSent(answer) ?? unreadable();
  }

  /**
   * @param {string} conversation
   * @param {number} after
   * @param {number} [limit]
   */
  async events(conversation, after, limit) {
    const query = `?after=${after}${limit === undefined ? "" : `&limit=${limit}`}`;
    const answer = await this.#request("GET", path(conversation, "events") + query);
    return parseEventPage(answer) ?? unreadable();
  }

  /**
   * @param {string} conversation
   * @param {string} user
   */
  async addParticipant(conversation, user) {
    await this.#request("PUT", path(conversation, "participants", inPath(user)));
  }

  /**
   * @param {string} conversation
   * @param {string} user
   */
  async removeParticipant(conversation, user) {
    await this.#request("DELETE", path(conversation, "participants", inPath(user)));
  }

  async diagnose() {
    const { credentials } = this.#options;
    const used = credentials.token;
    try {
      await this.conversations();
      return used === credentials.token ? "blocked" : "renewed";
    } catch (error) {
      if (!(error instanceof Rejection)) return "away";
      if (error.retry === Retry.reauthenticate) return "expired";
      return error.code === Code.forbidden ? "forbidden" : "away";
    }
  }

  /**
   * @param {"GET" | "POST" | "PUT" | "DELETE"} method
   * @param {string} resource
   * @param {object} [body]
   */
  async #request(method, resource, body) {
    const { credentials } = this.#options;
    const used = credentials.token;
    let answer = await this.#attempt(method, resource, body, used);
    const isRefused = answer instanceof Rejection && answer.retry === Retry.reauthenticate;
    if (!isRefused) {
      if (!(answer instanceof Unanswered)) credentials.accepted(used);
    } else if (await credentials.refused(used))
      answer = await this.#attempt(method, resource, body, credentials.token);
    if (answer instanceof Error) throw answer;
    return answer;
  }

  /**
   * @param {string} method
   * @param {string} resource
   * @param {object | undefined} body
   * @param {string} token
   */
  async #attempt(method, resource, body, token) {
    const { base, clock, fetch } = this.#options;
    const abort = new AbortController();
    const cancel = clock.after(ANSWER_LIMIT_MS, () => abort.abort());
    try {
      const response = await fetch(base + resource, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body && { "content-type": "application/json" }),
        },
        ...(body && { body: JSON.stringify(body) }),
        signal: abort.signal,
        cache: "no-store",
      });
      const value = parseObject(await response.text());
      return response.ok && value ? value : failure(response.status, value);
    } catch (cause) {
      // A browser hides a 401 without CORS headers.
      return this.#options.credentials.hasEnded(token)
        ? failure(401, null)
        : new Unanswered("The server could not be reached.", { cause });
    } finally {
      cancel();
    }
  }
}

/**
 * @param {number} status
 * @param {Record<string, unknown> | null} value
 */
function failure(status, value) {
  if (value && isText(value.code)) return new Rejection(parseProblem(value));
  const [code, retry] = GATEWAY_REJECTIONS.get(status) ?? [];
  return code && retry
    ? new Rejection({ code, retry, message: "The server rejected the request." })
    : new Unanswered(`The server answered with status ${status}.`);
}

/** @returns {never} */
function unreadable() {
  throw new Unanswered("The server's answer is incomplete.");
}

/**
 * Encodes a user id that API Gateway, which decodes paths twice, would change.
 * @param {string} user
 */
function inPath(user) {
  if (!/[%?/\\#+]|^\.+$|^base64url\./.test(user)) return user;
  const encoded = btoa(String.fromCharCode(...new TextEncoder().encode(user)));
  return `base64url.${encoded.replace(/\+/g, "-").replace(/\//g, "_")}`;
}

/** @param {string[]} parts */
function path(...parts) {
  return ["/conversations", ...parts.map(encodeURIComponent)].join("/");
}

/** @param {Record<string, unknown>} value */
function parseSummary({ id, title, head, lastMessage, joinedAt }) {
  return (
    isText(id) && {
      id,
      title: textOr(title, ""),
      head: isPosition(head) ? head : 0,
      lastMessage: isObject(lastMessage)
        ? parseEntry({ event: "message", conversation: id, ...lastMessage })
        : null,
      joinedAt: textOr(joinedAt, ""),
    }
  );
}

/**
 * @param {Record<string, unknown>} value
 * @returns {Details}
 */
function parseDetails({ id, title, head, participants, createdAt }) {
  if (!isText(id)) return unreadable();
  return {
    id,
    title: textOr(title, ""),
    head: isPosition(head) ? head : 0,
    participants: parseAll(
      participants,
      ({ user, name, role }) =>
        isText(user) && { user, name: textOr(name, user), role: textOr(role, "") },
    ),
    createdAt: textOr(createdAt, ""),
  };
}
