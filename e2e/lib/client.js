/**
 * A small client of the protocol for tests: it knows how frames and answers pair, and holds every one of them to the
 * protocol's documents. What they should say is for the tests.
 */
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { randomBytes } from "node:crypto";

import WebSocket from "ws";

import { assertAnswers, assertHttpAnswer, assertServerFrame } from "./contract.js";

/** How long a frame may take before a test gives up: far beyond any cold start on a busy machine. */
export const PATIENCE_MS = 30_000;

/** A request that got no answer: the connection ended, or the gateway reported a failure of its own. */
export class Unanswered extends Error {}

/** One WebSocket connection. */
export class Client {
  #socket;
  #waiting = new Map();
  #inbox = [];
  #wake = () => {};
  #requests = 0;

  /**
   * Connects as a browser does, with the token as a subprotocol.
   *
   * @param {import('./stack.js').Stack} stack
   * @param {string} token
   */
  static async connect(stack, token) {
    const client = new Client();
    client.stack = stack;
    client.#socket = new WebSocket(stack.ws, ["confab.v1", `bearer.${token}`]);
    client.#socket.on("message", (data) => client.#receive(JSON.parse(data)));
    /** Resolves with the close code when the connection has ended. @type {Promise<number>} */
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
   * Sends an action and waits for the reply with its `ref`, which it leaves out of the answer.
   *
   * @param {string} action
   * @param {object} [fields]
   * @returns {Promise<object>} the reply, be it an error frame; rejects with {@link Unanswered}
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

  /** Sends a frame as it is: an object as JSON, text and bytes unchanged. @param {object | string | Buffer} frame */
  send(frame) {
    if (this.#socket.readyState !== WebSocket.OPEN)
      throw new Unanswered("the connection has ended");
    this.#socket.send(
      typeof frame === "string" || Buffer.isBuffer(frame) ? frame : JSON.stringify(frame),
    );
  }

  /**
   * The next frame that is no reply to {@link request} and fits; those before it stay.
   *
   * @param {(frame: object) => boolean} [fits]
   */
  async next(fits = () => true) {
    const index = await this.#find(fits);
    return this.#inbox.splice(index, 1)[0];
  }

  /**
   * Everything that was pushed before a marker, which it takes away with it. This is how silence is proven without
   * waiting: what had to come earlier would be in here.
   *
   * @param {(frame: object) => boolean} isMarker
   */
  async before(isMarker) {
    const index = await this.#find(isMarker);
    return this.#inbox.splice(0, index + 1).slice(0, -1);
  }

  /** Closes, and resolves with the close code. */
  async close() {
    this.#socket.close();
    return this.closed;
  }

  #receive(frame) {
    try {
      assertServerFrame(frame);
    } catch (breach) {
      // Nobody may be waiting for this one; the stack remembers it to its end.
      this.stack.breach(breach);
    }
    const request = this.#waiting.get(frame.ref);
    if (request !== undefined) {
      this.#waiting.delete(frame.ref);
      request.resolve(frame);
    } else if (frame.event === undefined && this.#waiting.size > 0) {
      // The gateway's own frames carry no `ref`: whichever request it was counts as unanswered.
      this.#abandon(new Unanswered(`the gateway said ${JSON.stringify(frame)}`));
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
          `a frame that fits ${fits}; instead there came ${JSON.stringify(this.#inbox, null, 1)}`,
      );
    }
  }
}

/**
 * The bare handshake, for what no client library shows: the refusal's status, the headers of the answer.
 *
 * @param {string} url `ws:` or `wss:`
 * @param {Record<string, string | undefined>} headers those that are undefined are left out
 * @returns {Promise<{status: number, headers: import('node:http').IncomingHttpHeaders}>} 101 when it was accepted
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
  return within(answered, () => "an answer to a handshake");
}

/**
 * One HTTP request with a JSON body, if any.
 *
 * @param {import('./stack.js').Stack} stack
 * @param {string | undefined} token
 * @param {string} method
 * @param {string} path with its query
 * @param {object} [json]
 * @param {Record<string, string>} [headers]
 * @returns {Promise<{status: number, headers: Headers, body: any}>} `body` parsed if it is JSON, else text
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
