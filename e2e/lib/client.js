/**
 * A minimal protocol client for tests. It pairs requests with replies and checks every frame and
 * every HTTP response against the protocol documents. What they must contain is left to the tests.
 */
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { randomBytes } from "node:crypto";

import WebSocket from "ws";

import { assertAnswers, assertHttpAnswer, assertServerFrame } from "./contract.js";

/** How long a test waits for a frame: much longer than any cold start on a busy machine. */
export const PATIENCE_MS = 30_000;

/** A request without a reply: the connection ended, or the gateway reported an error of its own. */
export class Unanswered extends Error {}

/** One WebSocket connection. */
export class Client {
  #socket;
  #waiting = new Map();
  #inbox = [];
  #wake = () => {};
  #requests = 0;

  /**
   * Connects as a browser does: the token is offered as a subprotocol.
   *
   * @param {import('./stack.js').Stack} stack
   * @param {string} token
   */
  static async connect(stack, token) {
    const client = new Client();
    client.stack = stack;
    client.#socket = new WebSocket(stack.ws, ["confab.v1", `bearer.${token}`]);
    client.#socket.on("message", (data) => client.#receive(JSON.parse(data)));
    /** Resolves with the close code when the connection ends. @type {Promise<number>} */
    client.closed = new Promise((resolve) => client.#socket.on("close", resolve));
    client.closed.then((code) =>
      client.#abandon(new Unanswered(`the connection ended with ${code}`)),
    );
    await new Promise((resolve, reject) =>
      client.#socket.once("open", resolve).once("error", reject),
    );
    client.#socket.on("error", () => {});
    return client;
  }

  /**
   * Sends an action and returns the reply with the same `ref`. The returned reply has no `ref`.
   *
   * @param {string} action
   * @param {object} [fields]
   * @returns {Promise<object>} the reply, which may be an error frame; rejects with {@link
   *   Unanswered}
   */
  async request(action, fields = {}) {
    const ref = `r${++this.#requests}`;
    if (fields.body !== undefined) this.stack.secret(String(fields.body));
    const frame = { action, ref, ...fields };
    this.send(frame);
    const answered = new Promise((resolve, reject) => this.#waiting.set(ref, { resolve, reject }));
    const { ref: _, ...reply } = await within(answered, () => `a reply to ${action}`);
    assertAnswers(frame, reply);
    return reply;
  }

  /**
   * Sends a frame: objects as JSON, strings and buffers unchanged.
   *
   * @param {object | string | Buffer} frame
   */
  send(frame) {
    if (this.#socket.readyState !== WebSocket.OPEN)
      throw new Unanswered("the connection has ended");
    this.#socket.send(
      typeof frame === "string" || Buffer.isBuffer(frame) ? frame : JSON.stringify(frame),
    );
  }

  /**
   * Returns the next frame that matches and is not a reply to {@link request}. Earlier frames stay
   * in the inbox.
   *
   * @param {(frame: object) => boolean} [fits]
   */
  async next(fits = () => true) {
    const index = await this.#find(fits);
    return this.#inbox.splice(index, 1)[0];
  }

  /**
   * Removes and returns all frames that arrived before a marker, and drops the marker. Tests prove
   * silence with it: a frame that should not have been pushed would be in the result.
   *
   * @param {(frame: object) => boolean} isMarker
   */
  async before(isMarker) {
    const index = await this.#find(isMarker);
    return this.#inbox.splice(0, index + 1).slice(0, -1);
  }

  /** Closes the connection and returns the close code. */
  async close() {
    this.#socket.close();
    return this.closed;
  }

  #receive(frame) {
    try {
      assertServerFrame(frame);
    } catch (violation) {
      // No test may be waiting for this frame, so the stack keeps the violation and reports it when
      // it stops.
      this.stack.reportViolation(violation);
    }
    const request = this.#waiting.get(frame.ref);
    if (request !== undefined) {
      this.#waiting.delete(frame.ref);
      request.resolve(frame);
    } else if (frame.event === undefined && this.#waiting.size > 0) {
      // Frames of the gateway itself carry no `ref`, so every waiting request counts as unanswered.
      this.#abandon(new Unanswered(`the gateway sent ${JSON.stringify(frame)}`));
    } else {
      this.#inbox.push(frame);
      this.#wake();
    }
  }

  #abandon(error) {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }

  async #find(fits) {
    for (;;) {
      const index = this.#inbox.findIndex(fits);
      if (index >= 0) return index;
      const arrival = new Promise((resolve) => (this.#wake = resolve));
      await within(
        arrival,
        () =>
          `a frame that matches ${fits}; received instead: ${JSON.stringify(this.#inbox, null, 1)}`,
      );
    }
  }
}

/**
 * Performs a WebSocket handshake without a client library, which would hide the status of a
 * rejection and the headers of the response.
 *
 * @param {string} url `ws:` or `wss:`
 * @param {Record<string, string | undefined>} headers headers with an undefined value are left out
 * @returns {Promise<{status: number, headers: import('node:http').IncomingHttpHeaders}>} status 101
 *   if it was accepted
 */
export async function handshake(url, headers) {
  const { protocol, href } = new URL(url);
  const request = protocol === "wss:" ? httpsRequest : httpRequest;
  const upgrade = {
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": randomBytes(16).toString("base64"),
  };
  const given = Object.fromEntries(
    Object.entries(headers).filter(([, value]) => value !== undefined),
  );
  const answered = new Promise((resolve, reject) => {
    request(href.replace(/^ws/, "http"), { headers: { ...upgrade, ...given } })
      .on("upgrade", (response, socket) => {
        socket.destroy();
        resolve({ status: response.statusCode, headers: response.headers });
      })
      .on("response", (response) => {
        response.resume();
        resolve({ status: response.statusCode, headers: response.headers });
      })
      .on("error", reject)
      .end();
  });
  return within(answered, () => "the response to a handshake");
}

/**
 * Sends one HTTP request, with a JSON body if `json` is given.
 *
 * @param {import('./stack.js').Stack} stack
 * @param {string | undefined} token
 * @param {string} method
 * @param {string} path with query
 * @param {object} [json]
 * @param {Record<string, string>} [headers]
 * @returns {Promise<{status: number, headers: Headers, body: any}>} `body` is parsed if it is JSON,
 *   and text otherwise
 */
export async function call(stack, token, method, path, json, headers = {}) {
  if (json?.body !== undefined) stack.secret(String(json.body));
  const response = await fetch(stack.http + path, {
    method,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(json === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    },
    body: json === undefined ? undefined : JSON.stringify(json),
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  const text = await response.text();
  const isJson = /[/+]json\b/.test(response.headers.get("content-type") ?? "");
  const answer = {
    status: response.status,
    headers: response.headers,
    body: isJson ? JSON.parse(text) : text,
  };
  assertHttpAnswer({ method, path, json }, answer);
  return answer;
}

async function within(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`waited ${PATIENCE_MS / 1000} s for ${what()}`)),
      PATIENCE_MS,
    );
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
