/**
 * Users for tests. Each has a new id, so suites do not affect one another and a stack can be
 * reused.
 */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";

import { Client, call } from "./client.js";

/** A user with a token. */
export class Person {
  /**
   * Creates a user and logs them in.
   *
   * @param {import('./stack.js').Stack} stack
   * @param {string} name the display name
   * @param {string} [user] the id; a new one by default
   */
  static async create(stack, name, user = `${name.toLowerCase()}-${randomUUID().slice(0, 8)}`) {
    const person = new Person();
    person.stack = stack;
    person.name = name;
    person.user = user;
    person.token = await stack.tokenFor(person.user, { name });
    return person;
  }

  /** Opens a WebSocket connection. */
  connect() {
    return Client.connect(this.stack, this.token);
  }

  /** @param {string} path @param {object} [json] @param {Record<string, string>} [headers] */
  post(path, json, headers) {
    return call(this.stack, this.token, "POST", path, json, headers);
  }

  /** @param {string} path */
  get(path) {
    return call(this.stack, this.token, "GET", path);
  }

  /** @param {string} path @param {object} [json] */
  put(path, json) {
    return call(this.stack, this.token, "PUT", path, json);
  }

  /** @param {string} path @param {object} json @param {Record<string, string>} [headers] */
  patch(path, json, headers) {
    return call(this.stack, this.token, "PATCH", path, json, headers);
  }

  /** @param {string} path */
  delete(path) {
    return call(this.stack, this.token, "DELETE", path);
  }

  /**
   * Starts a conversation and returns its id.
   *
   * @param {Person[]} others
   * @param {string} [title]
   */
  async start(others, title = "A conversation") {
    const { status, body } = await this.post("/conversations", {
      title,
      participants: others.map(({ user }) => user),
    });
    assert.equal(status, 201, JSON.stringify(body));
    return body.id;
  }

  /**
   * Returns the whole log of a conversation, which is read page by page.
   *
   * @param {string} conversation
   */
  async log(conversation) {
    const events = [];
    for (;;) {
      const after = events.at(-1)?.seq ?? 0;
      const { status, body } = await this.get(
        `/conversations/${conversation}/events?after=${after}&limit=1000`,
      );
      assert.equal(status, 200, JSON.stringify(body));
      events.push(...body.events);
      if (!body.limited) return events;
    }
  }
}
