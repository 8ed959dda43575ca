/**
 * Confab over HTTP: the list of conversations, creating one, history, and all that the socket does while there is none.
 * Two things can go wrong, and they are two classes: `Refusal`, the server's considered no with its advice, and
 * `Unanswered`, after which nobody knows whether the request took effect.
 */

import { isObject, isPosition, isText, parseEntries, parseEventPage, parseObject, parseProblem, parseSent, Retry } from "./protocol.js";

/** @import { Clock } from "./clock.js" */
/** @import { Entry, EventPage, Problem, Sent } from "./protocol.js" */

/** An HTTP request without an answer after this many milliseconds counts as unanswered. */
const ANSWER_LIMIT = 15_000;

/** @typedef {{id: string, title: string, head: number, lastMessage: Entry | null, joinedAt: string}} Summary */
/** @typedef {{id: string, title: string, head: number, participants: {user: string, name: string, role: string}[], createdAt: string}} Details */

export class Refusal extends Error {
  /** @param {Problem} problem */
  constructor(problem) {
    super(problem.message);
    this.problem = problem;
  }
}

export class Unanswered extends Error {}

/**
 * @typedef {object} ApiOptions
 * @property {string} base URL without trailing slash
 * @property {() => string} token asked for at every request
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
   * Whether the server refuses the token. `false` also when it cannot be reached: only a refusal is one.
   * @returns {Promise<boolean>}
   */
  async isRefused() {
    try {
      await this.conversations();
      return false;
    } catch (error) {
      return error instanceof Refusal && error.problem.retry === Retry.reauthenticate;
    }
  }

  /**
   * @param {"GET" | "POST" | "PUT" | "DELETE"} method
   * @param {string} path
   * @param {object} [body]
   * @returns {Promise<Record<string, unknown>>}
   */
  async #request(method, path, body) {
    const { base, clock, fetch, token } = this.#options;
    const abort = new AbortController();
    const cancel = clock.after(ANSWER_LIMIT, () => abort.abort());
    const used = token();
    /** @type {Response} */ let response;
    /** @type {string} */ let text;
    try {
      response = await fetch(base + path, {
        method,
        headers: { authorization: `Bearer ${used}`, ...(body && { "content-type": "application/json" }) },
        ...(body && { body: JSON.stringify(body) }),
        signal: abort.signal,
        cache: "no-store",
      });
      text = await response.text();
    } catch (cause) {
      throw new Unanswered("The server could not be reached", { cause });
    } finally {
      cancel();
    }
    const value = parseObject(text);
    if (response.ok && value) return value;
    const problem = failure(response.status, value);
    // That an earlier token is refused says nothing about the one in use now.
    const outdated = problem instanceof Refusal && problem.problem.retry === Retry.reauthenticate && used !== token();
    throw outdated ? new Unanswered("Asked with an earlier token") : problem;
  }
}

/**
 * What a status other than 2xx means. The gateway answers before our functions do, in its own words
 * (`{"message": "Unauthorized"}`), so without a code the status decides.
 * @param {number} status
 * @param {Record<string, unknown> | null} value
 */
function failure(status, value) {
  if (value && isText(value.code)) return new Refusal(parseProblem(value));
  if (status === 401 || status === 403) {
    return new Refusal({ code: "unauthenticated", message: "The token is not accepted.", retry: Retry.reauthenticate });
  }
  if (status === 429) return new Refusal({ code: "rate_limited", message: "Too many requests.", retry: Retry.later });
  if (status >= 400 && status < 500) {
    return new Refusal({ code: status === 404 ? "not_found" : "invalid", message: "The server refused this.", retry: Retry.never });
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
