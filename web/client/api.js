/** The user's token, and the HTTP API of Confab with it. */

import { backoff, spread } from "./connection.js";
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
  Rejection,
  Retry,
  textOr,
  Unanswered,
} from "./protocol.js";

/** @import { ApiOptions, CredentialsOptions, Details, Entry, HistoryOptions, Replica } from "./types.js" */

const ANSWER_LIMIT_MS = 15_000;
const PAGE = 50;

/** The gateway sends no code. Other statuses without a code may come from a proxy. */
const GATEWAY_REJECTIONS = new Map([
  [401, [Code.unauthenticated, Retry.reauthenticate]],
  [403, [Code.forbidden, Retry.never]],
  [429, [Code.rateLimited, Retry.later]],
]);

/**
 * @template T
 * @param {Promise<T>} module
 */
export async function load(module) {
  try {
    return await module;
  } catch (cause) {
    throw new Unanswered("The server could not be reached.", { cause });
  }
}

/** Each method throws `Rejection` or `Unanswered`. All requests may be repeated. */
export class Api {
  /** @type {ApiOptions} */
  #options;
  #restsUntil = 0;

  /** @param {ApiOptions} options */
  constructor(options) {
    this.#options = options;
  }

  /** @param {string} [from] `next` of the previous page */
  async conversations(from) {
    const query = from ? `?next=${encodeURIComponent(from)}` : "";
    const { conversations, next } = await this.request("GET", `/conversations${query}`);
    return {
      conversations: parseAll(conversations, parseSummary),
      next: isText(next) ? next : null,
    };
  }

  /** Reads all pages of the participants. @param {string} id */
  async conversation(id) {
    let page = await this.request("GET", path(id));
    const details = parseDetails(page);
    while (isText(page.next)) {
      page = await this.request("GET", `${path(id)}?next=${encodeURIComponent(page.next)}`);
      details.participants.push(...parseDetails(page).participants);
    }
    return details;
  }

  /** @param {string} conversation @param {number} after @param {number} [limit] */
  async events(conversation, after, limit) {
    const query = `?after=${after}${limit === undefined ? "" : `&limit=${limit}`}`;
    const answer = await this.request("GET", path(conversation, "events") + query);
    return parseEventPage(answer) ?? unreadable();
  }

  /**
   * @param {"GET" | "POST" | "PUT" | "PATCH" | "DELETE"} method
   * @param {string} resource
   * @param {object} [body]
   */
  async request(method, resource, body) {
    const { clock, credentials } = this.#options;
    for (;;) {
      const rest = this.#restsUntil - clock.now();
      if (rest > 0) await new Promise((resolve) => clock.after(rest, () => resolve(null)));
      const used = credentials.token;
      let answer = await this.#attempt(method, resource, body, used);
      const isRefused = answer instanceof Rejection && answer.retry === Retry.reauthenticate;
      if (!isRefused) {
        if (!(answer instanceof Unanswered)) credentials.accepted(used);
      } else if (await credentials.refused(used))
        answer = await this.#attempt(method, resource, body, credentials.token);
      if (!(answer instanceof Error)) return answer;
      const { code, retryAfterMs } = answer instanceof Rejection ? answer.problem : {};
      if (code !== Code.rateLimited || !retryAfterMs) throw answer;
      this.#restsUntil = clock.now() + retryAfterMs;
    }
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
        body: body && JSON.stringify(body),
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

/** Reads logs: earlier pages, and new entries while there is no socket. */
export class History {
  /** @type {HistoryOptions} */
  #options;

  /** @param {HistoryOptions} options */
  constructor(options) {
    this.#options = options;
  }

  /** @param {Replica} replica */
  state(replica) {
    return replica.history ?? (replica.historyBefore === 0 ? "complete" : "more");
  }

  /** @param {Replica} replica */
  begin(replica) {
    if (replica.historyStarted && this.state(replica) !== "failed") return;
    replica.historyStarted = true;
    void this.loadEarlier(replica);
  }

  /** @param {Replica} replica @param {number} [to] seq of an entry to be loaded */
  async loadEarlier(replica, to) {
    if (replica.historyBefore === 0 || this.state(replica) === "loading") return;
    const { onChange, onError } = this.#options;
    replica.history = "loading";
    onChange();
    try {
      // A page of changes to older messages shows nothing.
      for (let page = PAGE; await this.#prepend(replica, page, to); page = Math.min(2 * page, 800));
      replica.history = null;
    } catch (error) {
      replica.history = "failed";
      onError(error, replica);
    }
    onChange();
  }

  /** @param {Replica} replica */
  async catchUp(replica) {
    for (let limited = true; limited; ) {
      const from = replica.position;
      const page = await this.#options.api.events(replica.id, from);
      this.#options.onEntries(replica, page.events);
      limited = page.limited && replica.position > from;
    }
  }

  /** Returns whether more is needed. @param {Replica} replica @param {number} page @param {number} [to] */
  async #prepend(replica, page, to) {
    const before = replica.historyBefore;
    const begin = Math.max(0, Math.min(before - 1, to ?? before) - page);
    /** @type {Entry[]} */
    const entries = [];
    // The server ends a page early if its messages are long.
    for (let after = begin; after < before - 1; after = entries.at(-1)?.seq ?? before) {
      const { events } = await this.#options.api.events(replica.id, after, before - 1 - after);
      const wanted = events.filter(({ seq }) => seq > after && seq < before);
      if (wanted.length === 0) throw new Unanswered("The server's answer has no entries.");
      entries.push(...wanted);
    }
    if (replica.historyBefore !== before) return false;
    replica.prepend(entries, begin);
    this.#options.onEarlier(replica, entries);
    return begin > 0 && entries.every(({ target }) => target);
  }
}

/** @param {number} status @param {Record<string, unknown> | null} value */
function failure(status, value) {
  if (value && isText(value.code)) return new Rejection(parseProblem(value));
  const [code, retry] = GATEWAY_REJECTIONS.get(status) ?? [];
  return code && retry
    ? new Rejection({ code, retry, message: "The server rejected the request." })
    : new Unanswered(`The server answered with status ${status}.`);
}

/** @returns {never} */
export function unreadable() {
  throw new Unanswered("The server's answer is incomplete.");
}

/** @param {string[]} parts */
export function path(...parts) {
  return ["/conversations", ...parts.map(encodeURIComponent)].join("/");
}

/** @param {Record<string, unknown>} value */
function parseSummary({ id, title, head, lastMessage, joinedAt, messages, readTo, unread }) {
  return (
    isText(id) && {
      id,
      title: textOr(title, ""),
      head: isPosition(head) ? head : 0,
      lastMessage: isObject(lastMessage)
        ? parseEntry({ event: "message", conversation: id, ...lastMessage })
        : null,
      joinedAt: textOr(joinedAt, ""),
      ...(isPosition(messages) && isPosition(readTo) && isPosition(unread)
        ? { messages, readTo, unread }
        : {}),
    }
  );
}

/** @param {Record<string, unknown>} value @returns {Details} */
export function parseDetails({ id, title, head, participants, createdAt }) {
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

const MARGIN_MS = 3 * 60_000;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export class Credentials {
  /** @type {CredentialsOptions} */
  #options;
  #token;
  /** Whether the server has not accepted the token yet. Prevents endless renewals. */
  #isUnproven = false;
  /** @type {Promise<void> | null} */
  #renewal = null;
  #cancel = () => {};

  /** @param {CredentialsOptions} options */
  constructor(options) {
    this.#options = options;
    this.#token = options.token;
  }

  get token() {
    return this.#token;
  }

  /** Schedules the renewal. A wrong clock is harmless: only the server rejects tokens. */
  start() {
    this.#cancel();
    const { clock } = this.#options;
    const left = (readClaims(this.#token)?.expiresAt ?? 0) - clock.now();
    if (left <= 0) return;
    const wait = Math.min(LONGEST_TIMER_MS, Math.max(left - spread(MARGIN_MS, clock), left / 2));
    this.#cancel = clock.after(wait, () => void this.#renewOnce(null));
  }

  stop() {
    this.#cancel();
  }

  /** @param {string} token */
  accepted(token) {
    if (token === this.#token) this.#isUnproven = false;
  }

  /** Whether a token that the server accepted has ended. @param {string} token */
  hasEnded(token) {
    const end = readClaims(token)?.expiresAt;
    return !this.#isUnproven && !!end && end <= this.#options.clock.now();
  }

  /** @param {string} token */
  async refused(token) {
    if (token !== this.#token) return true;
    if (this.#isUnproven) return false;
    // A renewal under way was asked without `refused`, and may return the same token.
    await this.#renewal;
    if (token === this.#token) await this.#renewOnce(token);
    return token !== this.#token;
  }

  /** Asks for a token after the user was signed out. The previous token is acceptable, too. */
  async signIn() {
    const given = await this.#ask(null);
    this.#isUnproven = false;
    this.#token = given ?? this.#token;
    return given !== null;
  }

  /** @param {string | null} refused */
  #renewOnce(refused) {
    this.#renewal ??= this.#renew(refused).finally(() => {
      this.#renewal = null;
    });
    return this.#renewal;
  }

  /** @param {string | null} refused */
  async #renew(refused) {
    const given = await this.#ask(refused);
    if (given === null || given === this.#token) return;
    this.#token = given;
    this.#isUnproven = true;
    this.start();
    this.#options.onRenewed();
  }

  /** @param {string | null} refused */
  async #ask(refused) {
    const { clock, provider, user } = this.#options;
    for (let failures = 1; ; failures += 1) {
      try {
        const given = await provider({ refused });
        return readClaims(given)?.user === user ? given : null;
      } catch {
        await new Promise((resolve) => clock.after(backoff(failures, clock), () => resolve(null)));
      }
    }
  }
}

/**
 * Reads a JSON Web Token without verifying it. Returns `null` for anything else.
 * @param {unknown} token
 */
export function readClaims(token) {
  if (typeof token !== "string" || !/^[\w.-]+$/.test(token)) return null;
  try {
    const payload = atob((token.split(".")[1] ?? "").replace(/-/g, "+").replace(/_/g, "/"));
    const bytes = Uint8Array.from(payload, (character) => character.charCodeAt(0));
    const { sub, name, exp } = parseObject(new TextDecoder().decode(bytes)) ?? {};
    if (!isText(sub)) return null;
    return {
      user: sub,
      name: isText(name) ? name : sub,
      expiresAt: Number.isFinite(exp) ? Number(exp) * 1_000 : null,
    };
  } catch {
    return null;
  }
}
