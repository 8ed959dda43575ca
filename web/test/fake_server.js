/** A server in memory, and the sockets to it. */

/** @import { Socket } from "../client/environment.js" */
/** @import { Entry } from "../client/wire.js" */

/** @implements {Socket} */
export class FakeSocket {
  /** @type {(() => void) | null} */
  onopen = null;
  /** @type {((message: {data: unknown}) => void) | null} */
  onmessage = null;
  /** @type {(() => void) | null} */
  onclose = null;
  isClosed = false;
  /** @type {Record<string, any>[]} */
  sent = [];
  /** @type {(frame: Record<string, any>) => void} */
  onsend = () => {};

  /** @param {string} text */
  send(text) {
    const frame = JSON.parse(text);
    this.sent.push(frame);
    this.onsend(frame);
  }

  close() {
    this.isClosed = true;
  }

  /** @param {object} frame */
  receive(frame) {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }

  /** The network drops the connection. */
  cut() {
    this.isClosed = true;
    this.onclose?.();
  }
}

const INVALID = { code: "invalid", retry: "never", message: "no" };

/**
 * A server with one log. Tests put faults into `script`: each function answers the next request
 * with its action, in place of the server.
 */
export class FakeServer {
  /** @type {Entry[]} */
  log = [];
  /** @type {FakeSocket[]} */
  sockets = [];
  /**
   * The tokens of all handshakes.
   * @type {string[]}
   */
  tokens = [];
  /**
   * The only accepted tokens; `null` accepts all.
   * @type {string[] | null}
   */
  accepted = null;
  /** Whether a browser hides refusals, because they have no CORS headers. */
  hidesRefusals = false;
  tabs = 0;
  /** @type {string[]} */
  requests = [];
  /** @type {{action: string, answer: (frame: Record<string, any>, socket: FakeSocket) => void}[]} */
  script = [];
  /** @type {"open" | "down" | "http only" | "forbidding"} */
  mode = "open";
  page = 100;
  /** Whether it knows neither `catchUp` nor lists of conversations. */
  isOld = false;
  /**
   * Conversations of which it has lost the subscription.
   * @type {Set<string>}
   */
  forgotten = new Set();
  /** How many of the next HTTP requests get no answer. */
  failNext = 0;
  /** @type {Record<string, unknown>[]} */
  listed = [];
  /**
   * Conversations that the user has been removed from.
   * @type {Set<string>}
   */
  out = new Set();

  /** @param {string} id */
  constructor(id) {
    this.id = id;
    this.listed.push({ id, title: "Lunch", joinedAt: "2026-01-05T08:00:00.000Z" });
  }

  /** The newest socket. */
  get socket() {
    const socket = this.sockets.at(-1);
    if (!socket) throw new Error("no socket was opened");
    return socket;
  }

  /**
   * Returns the frames with this action, of all sockets.
   * @param {string} action
   */
  asked(action) {
    return this.sockets.flatMap(({ sent }) => sent).filter((frame) => frame.action === action);
  }

  /** Returns the conversations that were subscribed to, of all sockets. */
  subscribed() {
    return this.asked("subscribe").flatMap(({ conversation, conversations }) =>
      conversations
        ? conversations.map((/** @type {any} */ one) => one.conversation)
        : conversation,
    );
  }

  /**
   * @param {string} sender
   * @param {string} body
   * @param {string} [id]
   */
  store(sender, body, id = `${sender}-${this.log.length + 1}`) {
    const seq = this.log.length + 1;
    const sentAt = new Date(Date.UTC(2026, 0, 5, 9, 0, seq)).toISOString();
    const entry = {
      event: "message",
      conversation: this.id,
      seq,
      id,
      sender,
      name: sender,
      body,
      sentAt,
    };
    this.log.push(entry);
    return entry;
  }

  /** @param {string} sender @param {Record<string, any>} message */
  append(sender, { id, body, replyTo, after = 0 }) {
    const old = this.#repeated(sender, id, after);
    const entry = old ?? this.store(sender, body, id);
    if (replyTo) /** @type {Entry} */ (entry).replyTo = replyTo;
    return this.#acknowledgement(id, entry, old);
  }

  /** @param {string} sender @param {Record<string, any>} edit */
  edit(sender, { id, target, body, after = 0 }) {
    const old = this.#repeated(sender, id, after);
    const entry = old ?? this.#change({ event: "messageEdited", id, target, sender, body });
    const message = this.log[target - 1];
    if (message && !old) {
      const { seq, sentAt: at = "" } = entry;
      Object.assign(message, { body, edited: { seq, at } });
    }
    return this.#acknowledgement(id, entry, old);
  }

  /** @param {string} by @param {number} target @param {string} id */
  remove(by, target, id) {
    const message = this.log[target - 1];
    const old = message?.deleted && this.log[message.deleted.seq - 1];
    const entry = old ?? this.#change({ event: "messageDeleted", id, target, by });
    if (message && !old)
      Object.assign(message, { body: "", edited: undefined, deleted: { seq: entry.seq, by } });
    return this.#acknowledgement(id, entry, old);
  }

  /** @param {string} user @param {Record<string, any>} reaction */
  react(user, { target, emoji, on }) {
    const last = this.log.findLast(
      (entry) =>
        entry.event === "reaction" &&
        entry.user === user &&
        entry.target === target &&
        entry.emoji === emoji,
    );
    const isSo = (last?.on ?? false) === on;
    const entry = isSo
      ? null
      : this.#change({ event: "reaction", target, emoji, on, user, name: user });
    return { conversation: this.id, target, emoji, on, seq: entry?.seq ?? null };
  }

  /** @param {Partial<Entry> & {event: string}} change @returns {Entry} */
  #change(change) {
    const seq = this.log.length + 1;
    const sentAt = new Date(Date.UTC(2026, 0, 5, 9, 0, seq)).toISOString();
    const entry = { conversation: this.id, seq, sentAt, ...change };
    this.log.push(entry);
    return entry;
  }

  /** @param {string} sender @param {string} id @param {number} after */
  #repeated(sender, id, after) {
    return this.log.slice(after).find((entry) => entry.sender === sender && entry.id === id);
  }

  /** @param {string} id @param {Entry} entry @param {Entry | undefined} old */
  #acknowledgement(id, { seq, sentAt }, old) {
    return { conversation: this.id, id, seq, sentAt, duplicate: old !== undefined };
  }

  /** @param {string} token */
  dial = (token) => {
    this.tokens.push(token);
    const isAccepted = this.accepted?.includes(token) ?? true;
    const socket = new FakeSocket();
    this.sockets.push(socket);
    socket.onsend = (frame) => queueMicrotask(() => this.#answer(frame, socket));
    setImmediate(() => {
      if (this.mode === "open" && isAccepted) socket.onopen?.();
      else socket.cut();
    });
    return socket;
  };

  /** @type {typeof globalThis.fetch} */
  fetch = async (input, init) => {
    const url = new URL(String(input));
    this.requests.push(`${init?.method} ${url.pathname}${url.search}`);
    if (this.mode === "down" || this.failNext-- > 0) throw new TypeError("Failed to fetch");
    if (this.mode === "forbidding") return Response.json({ message: "Forbidden" }, { status: 403 });
    const token = new Headers(init?.headers).get("authorization")?.slice("Bearer ".length) ?? "";
    if (this.accepted && !this.accepted.includes(token)) {
      if (this.hidesRefusals) throw new TypeError("Failed to fetch");
      return Response.json({ message: "Unauthorized" }, { status: 401 });
    }
    const number = (/** @type {string} */ name) =>
      Number(url.searchParams.get(name) ?? Number.MAX_SAFE_INTEGER);
    const about = this.listed.find(({ id }) => url.pathname === `/conversations/${id}`);
    if (about)
      return Response.json({
        head: this.log.length,
        participants: [{ user: "alice", name: "Alice", role: "owner" }],
        ...about,
      });
    switch (`${init?.method} ${url.pathname.replace(this.id, "ID")}`) {
      case "GET /conversations":
        return Response.json({
          conversations: this.listed.map((one) => ({ head: this.log.length, ...one })),
          next: null,
        });
      case "GET /conversations/ID/events":
        if (number("after") > this.log.length) {
          return Response.json(
            { code: "unknown_position", retry: "resync", message: "never a position" },
            { status: 409 },
          );
        }
        return Response.json(this.#pageAfter(number("after"), number("limit")));
      case "POST /conversations/ID/messages":
        return Response.json(this.append("alice", JSON.parse(String(init?.body))), { status: 201 });
      case "PATCH /conversations/ID/messages/1":
        return Response.json(this.edit("alice", { target: 1, ...JSON.parse(String(init?.body)) }));
      case "PUT /conversations/ID/messages/1/reactions/%F0%9F%91%8D":
      case "DELETE /conversations/ID/messages/1/reactions/%F0%9F%91%8D": {
        const wish = { target: 1, emoji: "👍", on: init?.method === "PUT" };
        return Response.json({ event: "reacted", ...this.react("alice", wish) });
      }
      case "DELETE /conversations/ID/messages/1":
        return Response.json(this.remove("alice", 1, url.searchParams.get("id") ?? ""));
      default:
        return Response.json(
          { code: "not_found", retry: "never", message: "No such thing" },
          { status: 404 },
        );
    }
  };

  /** @param {number} after @param {number} [limit] */
  #pageAfter(after, limit = this.page) {
    const end = after + Math.min(limit, this.page);
    return {
      events: this.log.slice(after, end),
      head: this.log.length,
      limited: end < this.log.length,
    };
  }

  /** @param {Record<string, any>} wanted */
  #outcome({ conversation, after }) {
    if (this.out.has(conversation))
      return { conversation, code: "not_found", retry: "never", message: "No such thing" };
    if (after > this.log.length)
      return {
        conversation,
        code: "unknown_position",
        retry: "resync",
        message: "never a position",
      };
    const subscribed = !this.forgotten.delete(conversation);
    return { conversation, ...this.#pageAfter(after), subscribed };
  }

  /** @param {Record<string, any>} frame @param {FakeSocket} socket */
  #answer(frame, socket) {
    if (socket.isClosed) return;
    const scripted = this.script.findIndex(({ action }) => action === frame.action);
    if (scripted >= 0) {
      this.script.splice(scripted, 1)[0]?.answer(frame, socket);
      return;
    }
    const { ref, action, conversation } = frame;
    const reply = (/** @type {object} */ body) => socket.receive({ ref, conversation, ...body });
    const event = action === "subscribe" ? "subscribed" : "caughtUp";
    if (frame.conversations) {
      if (this.isOld) return reply({ event: "error", ...INVALID, field: "conversation" });
      const outcomes = frame.conversations.map((/** @type {any} */ one) => this.#outcome(one));
      reply({ event, conversations: outcomes });
    } else if (action === "catchUp" && this.isOld)
      reply({ event: "error", ...INVALID, code: "unknown_action" });
    else if (action === "subscribe" || action === "catchUp") {
      const outcome = this.#outcome(frame);
      reply({ event: "code" in outcome ? "error" : event, ...outcome });
    } else if (this.out.has(conversation)) {
      reply({ event: "error", code: "not_found", retry: "never", message: "No such thing" });
    } else if (action === "sendMessage") reply({ event: "sent", ...this.append("alice", frame) });
    else if (action === "editMessage") reply({ event: "edited", ...this.edit("alice", frame) });
    else if (action === "deleteMessage")
      reply({ event: "deleted", ...this.remove("alice", frame.target, frame.id) });
    else if (action === "react") reply({ event: "reacted", ...this.react("alice", frame) });
    else if (action === "ping") {
      const behind = Object.entries(frame.positions ?? {}).filter(
        ([, position]) => position < this.log.length,
      );
      reply({
        event: "pong",
        heads: Object.fromEntries(behind.map(([id]) => [id, this.log.length])),
      });
    }
  }
}
