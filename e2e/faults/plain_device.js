/**
 * A device without the client library and without a socket: plain HTTP, by the client's half of the protocol. Position and
 * outbox are one state, and what got no answer is sent again under its id.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";

import { SETTLED_WITHIN_MS } from "./library_device.js";
import { Witness } from "./witness.js";

/** The gateway ends a request after 30 s, so by then it is known that nothing of it runs any more. */
const PATIENCE_MS = 40_000;
/** Between two attempts without advice, at random up to this. */
const WAIT_MS = 1_000;

/** @typedef {import('./library_device.js').Said} Said */

export class PlainDevice {
  #options;
  #witness;
  /** @type {Map<string, {position: number, pending: Set<string>}>} */ #logs = new Map();
  #token;
  #stopped = new AbortController();

  /**
   * @param {object} options
   * @param {import('./library_device.js').Endpoints} options.endpoints
   * @param {import('./history.js').History} options.history
   * @param {string} options.name of the device
   * @param {string} options.user
   */
  constructor(options) {
    this.#options = options;
    this.#witness = new Witness(options.history, { client: options.name, user: options.user });
  }

  get name() {
    return this.#options.name;
  }

  get user() {
    return this.#options.user;
  }

  async start() {
    this.#token = await this.#options.endpoints.token(this.user, {});
  }

  follow(conversation) {
    this.#witness.restarted(conversation, 0);
    this.#logs.set(conversation, { position: 0, pending: new Set() });
  }

  /**
   * Says something, and waits for what becomes of it.
   *
   * @returns {Promise<Said>}
   */
  async say(conversation, body) {
    const log = this.#logs.get(conversation);
    const message = { id: randomUUID(), body };
    log.pending.add(message.id);
    for (;;) {
      const { status, answer } = await this.#ask("POST", `${path(conversation)}/messages`, {
        json: { ...message, after: log.position },
      });
      if (status === 200 || status === 201) log.pending.delete(message.id);
      if (!log.pending.has(message.id)) return {};
      if (answer?.retry === "never") {
        log.pending.delete(message.id);
        return { refused: answer.code };
      }
      await delay(answer?.retryAfterMs ?? Math.random() * WAIT_MS);
      if (answer?.retry === "resync") await this.catchUp(conversation);
      if (!log.pending.has(message.id)) return {};
    }
  }

  /** Reads all that is past the position; whether it could be read. */
  async catchUp(conversation) {
    const log = this.#logs.get(conversation);
    for (;;) {
      const { status, answer } = await this.#ask(
        "GET",
        `${path(conversation)}/events?after=${log.position}`,
      );
      if (status !== 200) return false;
      for (const entry of answer.events) {
        // Two readings at the same time bring the same.
        if (entry.seq !== log.position + 1) continue;
        if (entry.sender === this.user) log.pending.delete(entry.id);
        this.#witness.seen(entry);
        log.position = entry.seq;
      }
      if (!answer.limited) return true;
    }
  }

  /** Whether it comes to have seen and sent all. */
  async settle(conversation, head) {
    const patience = AbortSignal.timeout(SETTLED_WITHIN_MS);
    const log = this.#logs.get(conversation);
    while ((log.position < head || log.pending.size > 0) && !patience.aborted) {
      if (!(await this.catchUp(conversation))) await delay(Math.random() * WAIT_MS);
    }
    return log.position >= head && log.pending.size === 0;
  }

  doubt() {}

  look() {}

  /** What it shows is what it has seen. */
  async page() {
    return undefined;
  }

  /** Starts a conversation, and asks until that is answered. @param {string} id @param {string[]} participants */
  async create(id, participants) {
    await this.#insist("POST", "/conversations", { json: { id, title: id, participants } });
  }

  /** @param {string} conversation @param {string} user */
  async add(conversation, user) {
    await this.#insist("PUT", `${path(conversation)}/participants/${user}`, {
      change: randomUUID(),
    });
  }

  /** @param {string} conversation @param {string} user */
  async remove(conversation, user) {
    await this.#insist("DELETE", `${path(conversation)}/participants/${user}`, {
      change: randomUUID(),
    });
  }

  /** The whole log, page by page. @returns {Promise<object[]>} */
  async log(conversation) {
    const events = [];
    for (;;) {
      const after = events.at(-1)?.seq ?? 0;
      const page = await this.#insist(
        "GET",
        `${path(conversation)}/events?after=${after}&limit=1000`,
      );
      events.push(...page.events);
      if (!page.limited) return events;
    }
  }

  position(conversation) {
    return this.#logs.get(conversation)?.position ?? 0;
  }

  pending(conversation) {
    return this.#logs.get(conversation)?.pending.size ?? 0;
  }

  end(conversation) {
    this.#witness.ended(conversation, {
      position: this.position(conversation),
      pending: this.pending(conversation),
    });
  }

  stop() {
    this.#stopped.abort();
  }

  describe(conversation) {
    return {
      device: this.name,
      conversation,
      position: this.position(conversation),
      pending: [...this.#logs.get(conversation).pending],
    };
  }

  /** Asks until there is an answer that is no error. */
  async #insist(method, target, what) {
    for (;;) {
      const { status, answer } = await this.#ask(method, target, what);
      if (status === 200 || status === 201) return answer;
      if (answer?.retry === "never")
        throw new Error(`${method} ${target}: ${JSON.stringify(answer)}`);
      this.#stopped.signal.throwIfAborted();
      await delay(answer?.retryAfterMs ?? Math.random() * WAIT_MS);
    }
  }

  /** Asks once. Status 0: no answer. `change`: which change of participants this is an attempt at. */
  async #ask(method, target, { json, change } = {}) {
    const { endpoints } = this.#options;
    try {
      const response = await this.#witness.fetch(endpoints.http + target, {
        method,
        headers: {
          authorization: `Bearer ${this.#token}`,
          ...(json && { "content-type": "application/json" }),
        },
        ...(json && { body: JSON.stringify(json) }),
        signal: AbortSignal.timeout(PATIENCE_MS),
        change,
      });
      const text = await response.text();
      const isJson = /[/+]json\b/.test(response.headers.get("content-type") ?? "");
      return { status: response.status, answer: isJson ? JSON.parse(text) : undefined };
    } catch {
      return { status: 0 };
    }
  }
}

function path(conversation) {
  return `/conversations/${encodeURIComponent(conversation)}`;
}
