/**
 * Records the requests of one device before they are sent, and the replies before the device sees
 * them. Requests and replies pass unchanged.
 */

import { randomUUID } from "node:crypto";

import { fromPath } from "../lib/paths.js";

/** Pushes that were under way when a token ended have arrived after this time. */
export const UNDER_WAY_MS = 15_000;
/** The events that the server pushes: entries and notices. */
const PUSHED = [
  "message",
  "messageEdited",
  "messageDeleted",
  "reaction",
  "participantAdded",
  "participantRemoved",
  "added",
  "removed",
];

/** A message to send has no position in its path; one to edit or to delete has. */
const MESSAGES = /\/conversations\/([^/?]+)\/messages(?:\/(\d+))?$/;
const REACTION = /\/conversations\/([^/?]+)\/messages\/(\d+)\/reactions\/([^/?]+)$/;
const PARTICIPANT = /\/conversations\/([^/?]+)\/participants\/([^/?]+)$/;
const EVENTS = /\/conversations\/([^/?]+)\/events$/;

export class Recorder {
  #history;
  #device;
  /**
   * Messages that were sent and, as far as this process knows, not acknowledged.
   *
   * @type {Set<string>}
   */
  #unacknowledged = new Set();

  /**
   * @param {import('./history.js').History} history
   * @param {{client: string, user: string}} device
   */
  constructor(history, device) {
    this.#history = history;
    this.#device = device;
  }

  /** @param {string} type @param {object} fields */
  #record(type, fields) {
    this.#history.record({ type, ...this.#device, ...fields });
  }

  /** Records an attempt to send a message, or to edit or delete the one at `target`. */
  sends(conversation, { id, body = "", target }) {
    this.#unacknowledged.add(`${conversation}/${id}`);
    this.#record("send", { conversation, id, body, target });
  }

  /** Records an attempt to react to a message, or to withdraw the reaction. */
  reacts(conversation, { target, emoji, on }) {
    this.#record("react", { conversation, target, emoji: keyOf(emoji), on });
  }

  /** Records the answer to such an attempt. */
  reacted(conversation, { target, emoji, on, seq }) {
    this.#record("reacted", { conversation, target, emoji, on, seq });
  }

  acknowledged(conversation, { id, seq }) {
    this.#unacknowledged.delete(`${conversation}/${id}`);
    this.#record("sent", { conversation, id, seq });
  }

  /** Records an error reply to a message. The sender gives up the message only after `never`. */
  rejected(conversation, id, { code, retry }) {
    if (retry === "never") this.#record("refused", { conversation, id, code });
  }

  /** Records that the position moved past an entry. */
  seen(entry) {
    this.#record("seen", { conversation: entry.conversation, seq: entry.seq, event: entry });
  }

  restarted(conversation, position) {
    this.#record("restart", { conversation, position });
  }

  ended(conversation, { position, pending }) {
    this.#record("end", { conversation, position, pending });
  }

  /**
   * Handles an entry that arrived by a push or a page: if it is the device's own message, edit or
   * deletion, it acknowledges that one.
   */
  #arrived(entry) {
    const isRevision = entry.event === "messageEdited" || entry.event === "messageDeleted";
    if (entry.event !== "message" && !isRevision) return;
    if ((entry.sender ?? entry.by) !== this.#device.user) return;
    if (this.#unacknowledged.has(`${entry.conversation}/${entry.id}`))
      this.acknowledged(entry.conversation, entry);
  }

  /**
   * `fetch`, recorded. `change` names the change of participants that the request attempts.
   *
   * @param {string} input
   * @param {RequestInit & {change?: string}} options
   */
  fetch = async (input, { change, ...init } = {}) => {
    const { pathname, searchParams } = new URL(input);
    const parts = (pattern) =>
      pattern.exec(pathname)?.map((part) => part && decodeURIComponent(part));
    const ofMessage = parts(MESSAGES);
    const ofReaction = parts(REACTION);
    const ofParticipant = parts(PARTICIPANT);
    const [, conversation] = ofMessage ?? ofReaction ?? ofParticipant ?? parts(EVENTS) ?? [];
    const user = ofParticipant?.[2];
    const message =
      ofMessage && init.method !== "GET" && init.method
        ? {
            id: searchParams.get("id") ?? undefined,
            ...(init.body && JSON.parse(init.body)),
            target: ofMessage[2] && Number(ofMessage[2]),
          }
        : undefined;
    const reaction = ofReaction && {
      target: Number(ofReaction[2]),
      emoji: fromPath(ofReaction[3]),
      on: init.method === "PUT",
    };
    const types =
      user === undefined
        ? undefined
        : { PUT: ["add", "added"], DELETE: ["remove", "removed"] }[init.method];
    if (message) this.sends(conversation, message);
    if (reaction) this.reacts(conversation, reaction);
    if (types) this.#history.record({ type: types[0], conversation, user, change });

    const response = await fetch(input, init);
    const text = await response.text();
    const answer = parsed(text);
    if (message && response.ok) this.acknowledged(conversation, { ...message, ...answer });
    if (reaction && response.ok) this.reacted(conversation, answer);
    if (message && !response.ok && answer) this.rejected(conversation, message.id, answer);
    if (types && response.ok)
      this.#history.record({ type: types[1], conversation, user, seq: answer.seq, change });
    if (EVENTS.test(pathname) && response.ok)
      for (const entry of answer.events) this.#arrived(entry);
    return new Response(text, { status: response.status, headers: response.headers });
  };

  /**
   * A WebSocket with the interface that the client library uses, recorded.
   *
   * @param {import('ws').WebSocket} socket
   * @param {string} token
   * @returns {import('../../web/client/environment.js').Socket}
   */
  socket(socket, token) {
    const life = new Life(token, (type, fields) => this.#record(type, fields));
    /** The message of each `ref`. @type {Map<string, {conversation: string, id: string}>} */
    const asked = new Map();
    const outer = {
      onopen: null,
      onmessage: null,
      onclose: null,
      send: (text) => {
        const { action, ref, ...fields } = JSON.parse(text);
        if (["sendMessage", "editMessage", "deleteMessage"].includes(action)) {
          asked.set(ref, fields);
          this.sends(fields.conversation, fields);
        } else if (action === "react") this.reacts(fields.conversation, fields);
        socket.send(text);
      },
      close: (code) => socket.close(code),
    };
    socket.onopen = () => outer.onopen?.();
    socket.onmessage = ({ data }) => {
      const frame = parsed(data);
      life.heard(frame);
      this.#heard(frame, asked);
      outer.onmessage?.({ data });
    };
    socket.onclose = () => outer.onclose?.();
    // The close event follows; a page learns nothing else about an error.
    socket.onerror = () => {};
    return outer;
  }

  #heard(frame, asked) {
    if (["sent", "edited", "deleted"].includes(frame?.event))
      this.acknowledged(frame.conversation, frame);
    else if (frame?.event === "reacted") this.reacted(frame.conversation, frame);
    else if (["subscribed", "caughtUp"].includes(frame?.event)) {
      // One conversation, or many, of which some may be refused.
      for (const { events = [] } of frame.conversations ?? [frame])
        for (const entry of events) this.#arrived(entry);
    } else if (frame?.event === "error" && asked.has(frame.ref)) {
      const { conversation, id } = asked.get(frame.ref);
      this.rejected(conversation, id, frame);
    } else if (frame?.seq !== undefined) this.#arrived(frame);
  }
}

/**
 * The life of one connection, for the promise that nothing is pushed to it after its token has
 * ended.
 */
class Life {
  #connection = randomUUID();
  #endsAt;
  #record;
  #hasEnded = false;

  /**
   * @param {string} token
   * @param {(type: string, fields: object) => void} record
   */
  constructor(token, record) {
    const { exp } = JSON.parse(Buffer.from(token.split(".")[1], "base64url").toString());
    this.#endsAt = exp * 1000 + UNDER_WAY_MS;
    this.#record = record;
  }

  /** Records a push, and first that the token has ended. Other frames answer requests. */
  heard(frame) {
    const connection = this.#connection;
    if (!this.#hasEnded && Date.now() > this.#endsAt) {
      this.#hasEnded = true;
      this.#record("expired", { connection });
    }
    if (PUSHED.includes(frame?.event) && frame.ref === undefined)
      this.#record("pushed", { connection, event: frame.event });
  }
}

/** The key of an emoji: without variation selectors. */
const keyOf = (emoji) => emoji.replaceAll(/[\ufe0e\ufe0f]/g, "");

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
