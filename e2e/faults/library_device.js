/**
 * A device with the client library of the page, in an environment like a browser's. A reader
 * records every entry of the conversations it follows.
 */
import { randomUUID } from "node:crypto";
import { setMaxListeners } from "node:events";

import WebSocket from "ws";

import {
  backoff,
  Client,
  handshakeProtocols,
  Rejection,
  systemClock,
} from "../../web/client/index.js";
import { Device, SETTLED_WITHIN_MS } from "./device.js";

/** A page asks its user whether to load the history again; the test tries this often. */
const ATTEMPTS = 3;

/**
 * @typedef {object} LibraryOptions
 * @property {import('./outboxes.js').MemoryOutbox} outboxes
 * @property {boolean} [isBlocked] whether WebSockets are blocked on the way
 * @property {number} [tokenSeconds] the lifetime of its tokens
 */

export class LibraryDevice extends Device {
  /** @type {Client} */ #client;
  /** @type {Set<() => void>} */ #listeners = new Set();
  /** @type {Set<WebSocket>} */ #sockets = new Set();
  /** The position of the reader in each conversation. @type {Map<string, number>} */ #positions =
    new Map();
  #happened = (_what) => {};

  /**
   * @param {import('./device.js').DeviceOptions & LibraryOptions} options
   */
  constructor(options) {
    super(options);
    // Each reader listens for the end.
    setMaxListeners(0, this.stopped.signal);
  }

  async start() {
    const { endpoints, outboxes, user, isBlocked, tokenSeconds } = this.options;
    const provider = () => endpoints.token(user, { expiresIn: tokenSeconds });
    this.#client = new Client({
      http: endpoints.http,
      me: { user, name: user },
      token: await this.#insist(provider),
      provider,
      environment: {
        clock: systemClock,
        outboxes,
        fetch: this.recorder.fetch,
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
    this.#client.subscribe(() => this.#notify());
    await this.#client.start();
  }

  /** Starts to read a conversation from a position on. @param {string} conversation */
  follow(conversation, position = 0) {
    if (position === 0) this.recorder.restarted(conversation, 0);
    this.#positions.set(conversation, position);
    void this.#read(conversation);
  }

  /** Sends a message and waits for its outcome. @returns {Promise<SendResult>} */
  async say(conversation, body) {
    try {
      await this.#client.conversation(conversation).send(body);
      return {};
    } catch (error) {
      if (!(error instanceof Rejection)) throw error;
      for (const { id, state } of this.#client.conversation(conversation).messages) {
        if (state === "failed") this.#client.conversation(conversation).discard(id);
      }
      return { rejected: error.code };
    }
  }

  /**
   * Edits the newest message of the user, or deletes it if there is no body.
   *
   * @param {string} conversation
   * @param {string} [body]
   * @returns {Promise<SendResult>}
   */
  async revise(conversation, body) {
    return this.#change(
      conversation,
      (sender) => sender === this.user,
      (shown, message) => (body ? shown.edit(message, body) : shown.delete(message)),
    );
  }

  /**
   * Reacts to the newest message of another user, or withdraws the reaction.
   *
   * @param {string} conversation
   * @param {string} emoji
   * @param {boolean} on
   * @returns {Promise<SendResult>}
   */
  async react(conversation, emoji, on) {
    return this.#change(
      conversation,
      (sender) => sender !== this.user,
      (shown, message) => shown.react(message, emoji, on),
    );
  }

  /** Changes the newest message of such a sender that is not deleted. */
  async #change(conversation, isBy, make) {
    const shown = this.#client.conversation(conversation);
    const message = shown.messages.findLast(
      ({ sender, deletedBy, state }) => isBy(sender) && deletedBy === null && state === "sent",
    );
    if (message === undefined) return {};
    try {
      await make(shown, message);
      return {};
    } catch (error) {
      if (!(error instanceof Rejection)) throw error;
      for (const { change, state } of shown.messages)
        if (change && state === "failed") shown.discard(change);
      return error.code === "unknown_message" ? {} : { rejected: error.code };
    }
  }

  /** Opens a conversation, as a user does after being added to it. */
  open(conversation) {
    this.#client.open(conversation);
  }

  /** Reports a network change, after which the library checks its connection. */
  networkChanged() {
    this.#happened("online");
  }

  position(conversation) {
    return this.#positions.get(conversation) ?? 0;
  }

  pending(conversation) {
    return this.options.outboxes.unsent(conversation);
  }

  /** Waits until everything is read and sent. Returns false after {@link SETTLED_WITHIN_MS}. */
  async settle(conversation, head) {
    const isSettled = () => this.position(conversation) >= head && this.pending(conversation) === 0;
    const patience = AbortSignal.timeout(SETTLED_WITHIN_MS);
    while (!isSettled() && !patience.aborted) await this.#changed(patience);
    return isSettled();
  }

  /**
   * Returns the entries that the page of a conversation shows, with its whole history.
   *
   * @returns {Promise<object[]>} entries of the log
   */
  async page(conversation) {
    const shown = this.#client.conversation(conversation);
    for (let failures = 0; shown.history !== "complete" && failures < ATTEMPTS; ) {
      if (shown.history === "loading") await this.#changed(this.stopped.signal);
      else await shown.loadEarlier();
      if (shown.history === "failed") failures += 1;
    }
    return shown.lines().map((line) => line.entry ?? { unsent: line.outgoing.id });
  }

  stop() {
    super.stop();
    this.#client.stop();
    for (const socket of this.#sockets) socket.terminate();
  }

  /** Describes the state of the device, for debugging when it does not settle. */
  describe(conversation) {
    const { state } = this.#client;
    const { info, messages } = this.#client.conversation(conversation);
    const unsent = messages
      .filter((message) => message.state !== "sent")
      .map(({ id, state, problem }) => ({ id, state, problem }));
    return {
      device: this.name,
      conversation,
      position: this.position(conversation),
      state,
      listed: info && { head: info.head },
      unsent,
    };
  }

  /** Asks until there is an answer, as a user tries to log in again. */
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
      origin: this.options.endpoints.origin,
    });
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    return this.recorder.socket(socket, token);
  }

  /** Reads a conversation until the device stops, and continues after every error. */
  async #read(conversation) {
    const { signal } = this.stopped;
    let failures = 0;
    while (!signal.aborted) {
      const after = this.position(conversation);
      try {
        for await (const entry of this.#client
          .conversation(conversation)
          .entries({ after, signal })) {
          this.recorder.seen(entry);
          this.#positions.set(conversation, entry.seq);
          this.#notify();
        }
        failures = 0;
      } catch (error) {
        if (error instanceof Rejection) {
          // Not a participant: wait until the user is added again.
          while (!this.#client.conversation(conversation).info && !signal.aborted)
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

  /** Resolves after the next change, or when the signal aborts. @param {AbortSignal} signal */
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

  #notify() {
    for (const listener of [...this.#listeners]) listener();
  }
}
