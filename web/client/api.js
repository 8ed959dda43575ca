/**
 * Confab over HTTP: the list of conversations, creating one, history, and all that the socket does while there is none.
 */

import { Code, Refusal, Unanswered } from "./errors.js";
import { isObject, isPosition, isText, parseEntries, parseEventPage, parseObject, parseProblem, parseSent, Retry } from "./protocol.js";

/** @import { Clock } from "./clock.js" */
/** @import { Credentials } from "./credentials.js" */
/** @import { Details, EventPage, Sent, Summary } from "./wire.js" */

/** An HTTP request without an answer after this many milliseconds counts as unanswered. */
const ANSWER_LIMIT = 15_000;

/**
 * @typedef {object} ApiOptions
 * @property {string} base URL without trailing slash
 * @property {Pick<Credentials, "token" | "refused" | "accepted">} credentials
 * @property {typeof globalThis.fetch} fetch
 * @property {Clock} clock
 */

export class Api {
  /** @type {ApiOptions} */ #options;

  /** @param {ApiOptions} options */
  constructor(options) {
    this.#options = options;
  }

  /**
   * One page of one's conversations.
   * @param {string} [next] where the page before it ended
   * @returns {Promise<{conversations: Summary[], next: string | null}>}
   */
  async conversations(next) {
    const body = await this.#request("GET", `/conversations${next ? `?next=${encodeURIComponent(next)}` : ""}`);
    const listed = Array.isArray(body.conversations) ? body.conversations : [];
    return {
      conversations: listed.flatMap((value) => {
        if (!isObject(value) || !isText(value.id)) return [];
        const last = isObject(value.lastMessage) ? { event: "message", conversation: value.id, ...value.lastMessage } : null;
        return [
          {
            id: value.id,
            title: isText(value.title) ? value.title : "",
            head: isPosition(value.head) ? value.head : 0,
            lastMessage: last ? (parseEntries([last])[0] ?? null) : null,
            joinedAt: isText(value.joinedAt) ? value.joinedAt : "",
          },
        ];
      }),
      next: isText(body.next) ? body.next : null,
    };
  }

  /** @param {string} id @returns {Promise<Details>} */
  async conversation(id) {
    return details(await this.#request("GET", `/conversations/${encodeURIComponent(id)}`));
  }

  /**
   * Starts a conversation. Repeated with the same id, it is the same conversation.
   * @param {{id: string, title?: string, participants: string[]}} conversation
   * @returns {Promise<Details>}
   */
  async create(conversation) {
    return details(await this.#request("POST", "/conversations", conversation));
  }

  /**
   * @param {string} conversation
   * @param {{id: string, body: string, after: number}} message
   * @returns {Promise<Sent>}
   */
  async send(conversation, message) {
    const sent = parseSent(await this.#request("POST", `/conversations/${encodeURIComponent(conversation)}/messages`, message));
    if (!sent) throw new Unanswered("An acknowledgement without its members");
    return sent;
  }

  /**
   * Entries past a position.
   * @param {string} conversation
   * @param {number} after
   * @param {number} [limit] left out: as many as the server gives
   * @returns {Promise<EventPage>}
   */
  async events(conversation, after, limit) {
    const query = new URLSearchParams({ after: String(after), ...(limit !== undefined && { limit: String(limit) }) });
    const page = parseEventPage(await this.#request("GET", `/conversations/${encodeURIComponent(conversation)}/events?${query}`));
    if (!page) throw new Unanswered("A page of events without its members");
    return page;
  }

  /** Lets somebody in; who is in already stays. @param {string} conversation @param {string} user */
  async addParticipant(conversation, user) {
    await this.#request("PUT", `/conversations/${encodeURIComponent(conversation)}/participants/${encodeURIComponent(user)}`);
  }

  /** Lets somebody go; the owner may, and everybody themselves. @param {string} conversation @param {string} user */
  async removeParticipant(conversation, user) {
    await this.#request("DELETE", `/conversations/${encodeURIComponent(conversation)}/participants/${encodeURIComponent(user)}`);
  }

  /**
   * Why a handshake failed, which a browser tells nobody: asks the same server by HTTP. Never rejects.
   * @returns {Promise<"renewed" | "expired" | "forbidden" | "away" | "blocked">} `renewed`: the token was refused, and there
   *   is another one; `expired`: there is none; `blocked`: the server is there and lets us in, so something is against sockets
   */
  async diagnose() {
    const { credentials } = this.#options;
    const used = credentials.token;
    try {
      await this.conversations();
      return used === credentials.token ? "blocked" : "renewed";
    } catch (error) {
      if (!(error instanceof Refusal)) return "away";
      if (error.retry === Retry.reauthenticate) return "expired";
      return error.code === Code.forbidden ? "forbidden" : "away";
    }
  }

  /**
   * @param {"GET" | "POST" | "PUT" | "DELETE"} method
   * @param {string} path
   * @param {object} [body]
   * @returns {Promise<Record<string, unknown>>}
   */
  async #request(method, path, body) {
    const { credentials } = this.#options;
    const used = credentials.token;
    const answer = await this.#attempt(method, path, body, used);
    if (!isRefusedToken(answer)) {
      credentials.accepted(used);
      return unwrap(answer);
    }
    // Whatever is asked for here may be asked for twice: what changes anything carries an id.
    return unwrap((await credentials.refused(used)) ? await this.#attempt(method, path, body, credentials.token) : answer);
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {object | undefined} body
   * @param {string} token
   * @returns {Promise<Record<string, unknown> | Refusal | Unanswered>}
   */
  async #attempt(method, path, body, token) {
    const { base, clock, fetch } = this.#options;
    const abort = new AbortController();
    const cancel = clock.after(ANSWER_LIMIT, () => abort.abort());
    try {
      const response = await fetch(base + path, {
        method,
        headers: { authorization: `Bearer ${token}`, ...(body && { "content-type": "application/json" }) },
        ...(body && { body: JSON.stringify(body) }),
        signal: abort.signal,
        cache: "no-store",
      });
      const value = parseObject(await response.text());
      return response.ok && value ? value : failure(response.status, value);
    } catch (cause) {
      return new Unanswered("The server could not be reached", { cause });
    } finally {
      cancel();
    }
  }
}

/** @param {Record<string, unknown> | Refusal | Unanswered} answer */
function isRefusedToken(answer) {
  return answer instanceof Refusal && answer.retry === Retry.reauthenticate;
}

/** @param {Record<string, unknown> | Refusal | Unanswered} answer */
function unwrap(answer) {
  if (answer instanceof Error) throw answer;
  return answer;
}

/**
 * What a status other than 2xx means. The gateway answers before our functions do, in its own words
 * (`{"message": "Unauthorized"}`), so without a code the status decides.
 * @param {number} status
 * @param {Record<string, unknown> | null} value
 */
function failure(status, value) {
  if (value && isText(value.code)) return new Refusal(parseProblem(value));
  if (status === 401) {
    return new Refusal({ code: Code.unauthenticated, message: "The token is not accepted.", retry: Retry.reauthenticate });
  }
  if (status === 403) return new Refusal({ code: Code.forbidden, message: "This is not allowed.", retry: Retry.never });
  if (status === 429) return new Refusal({ code: Code.rateLimited, message: "Too many requests.", retry: Retry.later });
  if (status >= 400 && status < 500) {
    return new Refusal({ code: status === 404 ? Code.notFound : Code.invalid, message: "The server refused this.", retry: Retry.never });
  }
  return new Unanswered(`The server answered ${status}`);
}

/** @param {Record<string, unknown>} value @returns {Details} */
function details(value) {
  if (!isText(value.id)) throw new Unanswered("A conversation without an id");
  const participants = Array.isArray(value.participants) ? value.participants : [];
  return {
    id: value.id,
    title: isText(value.title) ? value.title : "",
    head: isPosition(value.head) ? value.head : 0,
    participants: participants.flatMap((one) =>
      isObject(one) && isText(one.user)
        ? [{ user: one.user, name: isText(one.name) ? one.name : one.user, role: isText(one.role) ? one.role : "" }]
        : [],
    ),
    createdAt: isText(value.createdAt) ? value.createdAt : "",
  };
}
