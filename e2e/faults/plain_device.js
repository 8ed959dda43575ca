/**
 * A device without the client library: plain HTTP, with the client's part of the protocol. Position
 * and outbox are one state, and a message without a reply is sent again under its id.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";

import { inPath } from "../lib/paths.js";
import { Device, SETTLED_WITHIN_MS } from "./device.js";

/** The gateway ends a request after 30 s, so after this time nothing of it is running any more. */
const PATIENCE_MS = 40_000;
/** The longest wait between two attempts if the reply does not advise one; the wait is random. */
const WAIT_MS = 1_000;

/** @typedef {import('./device.js').SendResult} SendResult */

export class PlainDevice extends Device {
  /**
   * What it has read of each conversation; `own` and `others` are the positions of messages.
   *
   * @type {Map<string, {position: number, pending: Set<string>, own: number[], others: number[]}>}
   */
  #logs = new Map();
  #token;

  async start() {
    this.#token = await this.options.endpoints.token(this.user, {});
  }

  follow(conversation) {
    this.recorder.restarted(conversation, 0);
    this.#logs.set(conversation, { position: 0, pending: new Set(), own: [], others: [] });
  }

  /** Sends a message and waits for its outcome. @returns {Promise<SendResult>} */
  say(conversation, body) {
    return this.#send("POST", conversation, "", body);
  }

  /**
   * Edits the newest message of the user that it knows, or deletes it if there is no body.
   *
   * @param {string} conversation
   * @param {string} [body]
   * @returns {Promise<SendResult>}
   */
  async revise(conversation, body) {
    const seq = this.#logs.get(conversation).own.at(-1);
    if (seq === undefined) return {};
    const result = await this.#send(body ? "PATCH" : "DELETE", conversation, `/${seq}`, body);
    return result.rejected === "unknown_message" ? {} : result;
  }

  /**
   * Reacts to the newest message of another user that it knows, or withdraws the reaction.
   *
   * @param {string} conversation
   * @param {string} emoji
   * @param {boolean} on
   * @returns {Promise<SendResult>}
   */
  async react(conversation, emoji, on) {
    const log = this.#logs.get(conversation);
    const seq = log.others.at(-1);
    if (seq === undefined) return {};
    const target = `${path(conversation)}/messages/${seq}/reactions/${inPath(emoji)}`;
    for (;;) {
      const after = `?after=${log.position}`;
      const { status, answer } = await this.#ask(on ? "PUT" : "DELETE", target + after);
      if (status === 200 || answer?.code === "unknown_message") return {};
      if (answer?.retry === "never") return { rejected: answer.code };
      await delay(answer?.retryAfterMs ?? Math.random() * WAIT_MS);
      if (answer?.retry === "resync") await this.catchUp(conversation);
    }
  }

  /** Sends a message, an edit or a deletion, again and again until there is an outcome. */
  async #send(method, conversation, place, body) {
    const log = this.#logs.get(conversation);
    const message = { id: randomUUID(), body };
    log.pending.add(message.id);
    for (;;) {
      const target = `${path(conversation)}/messages${place}`;
      const request = { ...message, after: log.position };
      const { status, answer } = await (method === "DELETE"
        ? this.#ask(method, `${target}?id=${request.id}&after=${request.after}`)
        : this.#ask(method, target, { json: request }));
      if (status === 200 || status === 201) log.pending.delete(message.id);
      if (!log.pending.has(message.id)) return {};
      if (answer?.retry === "never") {
        log.pending.delete(message.id);
        return { rejected: answer.code };
      }
      await delay(answer?.retryAfterMs ?? Math.random() * WAIT_MS);
      if (answer?.retry === "resync") await this.catchUp(conversation);
      if (!log.pending.has(message.id)) return {};
    }
  }

  /** Reads everything after the position. Returns whether that succeeded. */
  async catchUp(conversation) {
    const log = this.#logs.get(conversation);
    for (;;) {
      const { status, answer } = await this.#ask(
        "GET",
        `${path(conversation)}/events?after=${log.position}`,
      );
      if (status !== 200) return false;
      for (const entry of answer.events) {
        // Two concurrent reads return the same entries.
        if (entry.seq !== log.position + 1) continue;
        if ((entry.sender ?? entry.by) === this.user) log.pending.delete(entry.id);
        if (entry.event === "message")
          log[entry.sender === this.user ? "own" : "others"].push(entry.seq);
        this.recorder.seen(entry);
        log.position = entry.seq;
      }
      if (!answer.limited) return true;
    }
  }

  /** Waits until everything is read and sent. Returns false after {@link SETTLED_WITHIN_MS}. */
  async settle(conversation, head) {
    const patience = AbortSignal.timeout(SETTLED_WITHIN_MS);
    const log = this.#logs.get(conversation);
    while ((log.position < head || log.pending.size > 0) && !patience.aborted) {
      if (!(await this.catchUp(conversation))) await delay(Math.random() * WAIT_MS);
    }
    return log.position >= head && log.pending.size === 0;
  }

  /** It has no page. */
  async page() {
    return undefined;
  }

  /**
   * Starts a conversation, and repeats the request until it succeeds.
   *
   * @param {string} id
   * @param {string[]} participants
   */
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

  /** Returns the whole log, which is read page by page. @returns {Promise<object[]>} */
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

  /** Returns the reactions that history shows for all messages. @returns {Promise<object[]>} */
  async reactions(conversation) {
    const reactions = [];
    for (let before = ""; ; ) {
      const page = await this.#insist(
        "GET",
        `${path(conversation)}/messages?limit=1000&reactions=true${before}`,
      );
      reactions.push(...page.reactions);
      if (!page.limited) return reactions;
      before = `&before=${page.before}`;
    }
  }

  position(conversation) {
    return this.#logs.get(conversation)?.position ?? 0;
  }

  pending(conversation) {
    return this.#logs.get(conversation)?.pending.size ?? 0;
  }

  describe(conversation) {
    return {
      device: this.name,
      conversation,
      position: this.position(conversation),
      pending: [...this.#logs.get(conversation).pending],
    };
  }

  /** Repeats a request until it succeeds. */
  async #insist(method, target, what) {
    for (;;) {
      const { status, answer } = await this.#ask(method, target, what);
      if (status === 200 || status === 201) return answer;
      if (answer?.retry === "never")
        throw new Error(`${method} ${target}: ${JSON.stringify(answer)}`);
      this.stopped.signal.throwIfAborted();
      await delay(answer?.retryAfterMs ?? Math.random() * WAIT_MS);
    }
  }

  /**
   * Sends a request once. Status 0 means that there was no response. `change` names the change of
   * participants that this request attempts.
   */
  async #ask(method, target, { json, change } = {}) {
    const { endpoints } = this.options;
    try {
      const response = await this.recorder.fetch(endpoints.http + target, {
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
