/** Confab over HTTP, as whoever the token is of: conversations, people, history, and all that the socket does while there is none. */

import { backoff } from "./clock.js";
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
  Refusal,
  Retry,
  textOr,
  Unanswered,
} from "./protocol.js";

/** @import { ApiOptions, CredentialsOptions, HistoryOptions } from "./parts.js" */
/** @import { Replica } from "./model.js" */
/** @import { Details, Entry, Sent } from "./wire.js" */

/** In milliseconds; then a request is unanswered. */
const ANSWER_LIMIT = 15_000;
const PAGE = 50;
/** How long before its end a token is replaced, if it lives long enough. */
const MARGIN = 60_000;
/** Of a browser. */
const LONGEST_TIMER = 2 ** 31 - 1;
/** The gateway refuses in its own words, without a code. Of any other status nobody knows who gave it: a proxy, a hotel's login. */
const REFUSALS = new Map([
  [401, [Code.unauthenticated, Retry.reauthenticate]],
  [403, [Code.forbidden, Retry.never]],
  [429, [Code.rateLimited, Retry.later]],
]);

export class Api {
  /** @type {ApiOptions} */ #options;

  /** @param {ApiOptions} options */
  constructor(options) {
    this.#options = options;
  }

  /** @param {string} [from] where the page before it ended */
  async conversations(from) {
    const { conversations, next } = await this.#request(
      "GET",
      `/conversations${from ? `?next=${encodeURIComponent(from)}` : ""}`,
    );
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

  /** @param {string} conversation @param {{id: string, body: string, after: number}} message @returns {Promise<Sent>} */
  async send(conversation, message) {
    return (
      parseSent(await this.#request("POST", path(conversation, "messages"), message)) ??
      unreadable()
    );
  }

  /** @param {string} conversation @param {number} after @param {number} [limit] */
  async events(conversation, after, limit) {
    const query = `?after=${after}${limit === undefined ? "" : `&limit=${limit}`}`;
    return (
      parseEventPage(await this.#request("GET", path(conversation, "events") + query)) ??
      unreadable()
    );
  }

  /** @param {string} conversation @param {string} user */
  async addParticipant(conversation, user) {
    await this.#request("PUT", path(conversation, "participants", user));
  }

  /** @param {string} conversation @param {string} user */
  async removeParticipant(conversation, user) {
    await this.#request("DELETE", path(conversation, "participants", user));
  }

  /** As of `ConnectionOptions`. */
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

  /** @param {"GET" | "POST" | "PUT" | "DELETE"} method @param {string} resource @param {object} [body] */
  async #request(method, resource, body) {
    const { credentials } = this.#options;
    const used = credentials.token;
    let answer = await this.#attempt(method, resource, body, used);
    if (!(answer instanceof Refusal && answer.retry === Retry.reauthenticate))
      credentials.accepted(used);
    // Anything here may be asked for twice.
    else if (await credentials.refused(used))
      answer = await this.#attempt(method, resource, body, credentials.token);
    if (answer instanceof Error) throw answer;
    return answer;
  }

  /** @param {string} method @param {string} resource @param {object | undefined} body @param {string} token */
  async #attempt(method, resource, body, token) {
    const { base, clock, fetch } = this.#options;
    const abort = new AbortController();
    const cancel = clock.after(ANSWER_LIMIT, () => abort.abort());
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
      return new Unanswered("The server could not be reached", { cause });
    } finally {
      cancel();
    }
  }
}

/** The token in use, and where the next one comes from. */
export class Credentials {
  /** @type {CredentialsOptions} */ #options;
  #token;
  /** Whether nobody has accepted it yet: a provider of bad tokens must not be asked without end. */ #unproven = false;
  /** @type {Promise<void> | null} */ #renewal = null;
  /** @type {() => void} */ #cancel = () => {};

  /** @param {CredentialsOptions} options */
  constructor(options) {
    this.#options = options;
    this.#token = options.token;
  }

  get token() {
    return this.#token;
  }

  start() {
    this.#cancel();
    const { clock } = this.#options;
    const left = (readClaims(this.#token)?.expiresAt ?? 0) - clock.now();
    // A clock that is wrong harms nobody: the server's no is what counts.
    if (left > 0)
      this.#cancel = clock.after(
        Math.min(LONGEST_TIMER, Math.max(left - MARGIN, left / 2)),
        () => void this.#ask(null),
      );
  }

  stop() {
    this.#cancel();
  }

  /** @param {string} token */
  accepted(token) {
    if (token === this.#token) this.#unproven = false;
  }

  /** Whether there is another one now. Never rejects. @param {string} token */
  async refused(token) {
    if (token !== this.#token) return true;
    if (this.#unproven) return false;
    // What was asked for in good time may be answered by the same one.
    await this.#renewal;
    if (token === this.#token) await this.#ask(token);
    return token !== this.#token;
  }

  /** After nobody was logged in: any token will do, the last one too. */
  async again() {
    const given = await this.#given(null);
    this.#unproven = false;
    this.#token = given ?? this.#token;
    return given !== null;
  }

  /** @param {string | null} refused */
  #ask(refused) {
    this.#renewal ??= this.#renew(refused).finally(() => (this.#renewal = null));
    return this.#renewal;
  }

  /** @param {string | null} refused */
  async #renew(refused) {
    const given = await this.#given(refused);
    if (given === null || given === this.#token) return;
    this.#token = given;
    this.#unproven = true;
    this.start();
    this.#options.onRenewed();
  }

  /** @param {string | null} refused */
  async #given(refused) {
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

/** Reads logs: backwards by the page, and forwards where no socket brings what is new. */
export class History {
  /** @type {HistoryOptions} */ #options;

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

  /** @param {Replica} replica */
  async loadEarlier(replica) {
    if (replica.historyBefore === 0 || this.state(replica) === "loading") return;
    const { onChange, onError } = this.#options;
    replica.history = "loading";
    onChange();
    try {
      await this.#prepend(replica, replica.historyBefore);
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

  /** @param {Replica} replica @param {number} before */
  async #prepend(replica, before) {
    const begin = Math.max(0, before - 1 - PAGE);
    /** @type {Entry[]} */
    const entries = [];
    // Long messages make the server end a page early.
    for (let after = begin; after < before - 1; after = entries.at(-1)?.seq ?? before) {
      const { events } = await this.#options.api.events(replica.id, after, before - 1 - after);
      const wanted = events.filter(({ seq }) => seq > after && seq < before);
      if (wanted.length === 0) unreadable();
      entries.push(...wanted);
    }
    // The log may have begun anew meanwhile.
    if (replica.historyBefore !== before) return;
    replica.prepend(entries, begin);
    this.#options.onEarlier(replica, entries);
  }
}

/** What a JSON Web Token says; `null` if it is none. Whether it is valid is the server's to say. @param {unknown} token */
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

/** @param {number} status @param {Record<string, unknown> | null} value */
function failure(status, value) {
  if (value && isText(value.code)) return new Refusal(parseProblem(value));
  const [code, retry] = REFUSALS.get(status) ?? [];
  return code && retry
    ? new Refusal({ code, retry, message: "The server refused this." })
    : new Unanswered(`The server answered ${status}`);
}

/** @returns {never} */
function unreadable() {
  throw new Unanswered("The server's answer lacks its members");
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

/** @param {Record<string, unknown>} value @returns {Details} */
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
