/** A device with the client library that pages use, in surroundings like a browser's, and somebody who reads all that is said. */
import { randomUUID } from "node:crypto";
import { setMaxListeners } from "node:events";

import WebSocket from "ws";

import { backoff, systemClock } from "../../web/client/clock.js";
import { Client, Refusal } from "../../web/client/index.js";
import { handshakeProtocols } from "../../web/client/protocol.js";
import { Witness } from "./witness.js";

/** The library finds out within a minute what it has missed, and repairs it by a few requests; a lost one costs ten seconds. */
export const SETTLED_WITHIN_MS = 150_000;
/** A page that could not be loaded in the trouble asks the person whether to try again. */
const ATTEMPTS = 3;

/**
 * @typedef {object} Endpoints
 * @property {string} http
 * @property {string} ws
 * @property {(user: string, options: {expiresIn?: number}) => Promise<string>} token
 */

/**
 * @typedef {object} Said what became of a message
 * @property {string} [refused] the code; without one it is stored
 */

export class LibraryDevice {
  #options;
  #witness;
  /** @type {Client} */ #client;
  /** @type {Set<() => void>} */ #listeners = new Set();
  /** @type {Set<WebSocket>} */ #sockets = new Set();
  /** How far the reader of a conversation is. @type {Map<string, number>} */ #positions =
    new Map();
  #happened = (_what) => {};
  #stopped = new AbortController();

  /**
   * @param {object} options
   * @param {Endpoints} options.endpoints
   * @param {import('./history.js').History} options.history
   * @param {string} options.name of the device
   * @param {string} options.user
   * @param {import('./outboxes.js').OutboxStorage} options.outboxes
   * @param {boolean} [options.isBlocked] something on the way lets no WebSocket through
   * @param {number} [options.tokenSeconds] how long its tokens are good
   */
  constructor(options) {
    this.#options = options;
    // Each reader listens for the end.
    setMaxListeners(0, this.#stopped.signal);
    this.#witness = new Witness(options.history, { client: options.name, user: options.user });
  }

  get name() {
    return this.#options.name;
  }

  get user() {
    return this.#options.user;
  }

  async start() {
    const { endpoints, outboxes, user, isBlocked, tokenSeconds } = this.#options;
    const provider = () => endpoints.token(user, { expiresIn: tokenSeconds });
    this.#client = new Client({
      http: endpoints.http,
      me: { user, name: user },
      token: await this.#insist(provider),
      provider,
      surroundings: {
        clock: systemClock,
        outboxes,
        fetch: this.#witness.fetch,
        dial: (token) => this.#dial(isBlocked ? "ws://127.0.0.1:1/" : endpoints.ws, token),
        newId: randomUUID,
        isVisible: () => true,
        isOnline: () => true,
        watch: (happened) => {
          this.#happened = happened;
          return () => (this.#happened = () => {});
        },
        tabs: null,
      },
    });
    this.#client.subscribe(() => this.#tell());
    await this.#client.start();
  }

  /** Begins to read a conversation, from a position on. @param {string} conversation */
  follow(conversation, position = 0) {
    if (position === 0) this.#witness.restarted(conversation, 0);
    this.#positions.set(conversation, position);
    void this.#read(conversation);
  }

  /**
   * Says something, and waits for what becomes of it.
   *
   * @returns {Promise<Said>}
   */
  async say(conversation, body) {
    try {
      await this.#client.conversation(conversation).send(body);
      return {};
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      for (const { id, state } of this.#client.conversation(conversation).messages) {
        if (state === "failed") this.#client.conversation(conversation).discard(id);
      }
      return { refused: error.code };
    }
  }

  /** Looks at a conversation, as somebody does who is told that he is in it. */
  look(conversation) {
    this.#client.open(conversation);
  }

  /** Something on the network changed, so the library sees whether its connection is good. */
  doubt() {
    this.#happened("online");
  }

  position(conversation) {
    return this.#positions.get(conversation) ?? 0;
  }

  pending(conversation) {
    return this.#client
      .conversation(conversation)
      .messages.filter(({ state }) => state === "pending").length;
  }

  /** Whether it comes to have seen and sent all. */
  async settle(conversation, head) {
    const isSettled = () => this.position(conversation) >= head && this.pending(conversation) === 0;
    const patience = AbortSignal.timeout(SETTLED_WITHIN_MS);
    while (!isSettled() && !patience.aborted) await this.#changed(patience);
    return isSettled();
  }

  /** What the page of a conversation shows, with all of its history. @returns {Promise<object[]>} entries of the log */
  async page(conversation) {
    const shown = this.#client.conversation(conversation);
    for (let failures = 0; shown.history !== "complete" && failures < ATTEMPTS; ) {
      if (shown.history === "loading") await this.#changed(this.#stopped.signal);
      else await shown.loadEarlier();
      if (shown.history === "failed") failures += 1;
    }
    return shown.lines().map((line) => line.entry ?? { unsent: line.outgoing.id });
  }

  /** How it ends, for the history. */
  end(conversation) {
    this.#witness.ended(conversation, {
      position: this.position(conversation),
      pending: this.pending(conversation),
    });
  }

  stop() {
    this.#stopped.abort();
    this.#client.stop();
    for (const socket of this.#sockets) socket.terminate();
  }

  /** How it is, for whoever has to find out why it does not settle. */
  describe(conversation) {
    const { state } = this.#client;
    const { listed, messages } = this.#client.conversation(conversation);
    const unsent = messages
      .filter((message) => message.state !== "sent")
      .map(({ id, state, problem }) => ({ id, state, problem }));
    return {
      device: this.name,
      conversation,
      position: this.position(conversation),
      state,
      listed: listed && { head: listed.head },
      unsent,
    };
  }

  /** Asks until there is an answer: whoever logs in tries again. */
  async #insist(question) {
    for (let failures = 1; ; failures += 1) {
      try {
        return await question();
      } catch {
        await new Promise((resolve) => systemClock.after(backoff(failures, systemClock), resolve));
      }
    }
  }

  #dial(url, token) {
    const socket = new WebSocket(url, handshakeProtocols(token), {
      origin: this.#options.endpoints.origin,
    });
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    return this.#witness.socket(socket);
  }

  /** As a page of somebody who wants to miss nothing: asks again after whatever went wrong. */
  async #read(conversation) {
    const { signal } = this.#stopped;
    let failures = 0;
    while (!signal.aborted) {
      const after = this.position(conversation);
      try {
        for await (const entry of this.#client
          .conversation(conversation)
          .entries({ after, signal })) {
          this.#witness.seen(entry);
          this.#positions.set(conversation, entry.seq);
          this.#tell();
        }
        failures = 0;
      } catch (error) {
        if (error instanceof Refusal) {
          // Not a participant: until he is told that he is one again.
          while (!this.#client.conversation(conversation).listed && !signal.aborted)
            await this.#changed(signal);
        } else {
          failures += 1;
          await new Promise((resolve) =>
            systemClock.after(backoff(failures, systemClock), resolve),
          );
        }
      }
    }
  }

  /** Resolves when anything has changed, or there is no more time. @param {AbortSignal} signal */
  #changed(signal) {
    return new Promise((resolve) => {
      const end = () => {
        this.#listeners.delete(end);
        signal.removeEventListener("abort", end);
        resolve();
      };
      this.#listeners.add(end);
      signal.addEventListener("abort", end);
    });
  }

  #tell() {
    for (const listener of [...this.#listeners]) listener();
  }
}
