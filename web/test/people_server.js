/**
 * A server in memory with several users, that keeps positions and presence as `docs/protocol.md`
 * says. Frames may be lost: see `loses`.
 */

import { FakeSocket } from "./fake_server.js";

/** @import { FakeClock } from "./fakes.js" */

/** @typedef {{readTo: number, shownTo: number}} Row */
/** @typedef {{user: string, socket: FakeSocket, subscribed: Set<string>}} Connection */

const MAX_TYPING_TARGETS = 20;
const MAX_SHOWN = 20;
const ACTIVE_FOR_MS = 330_000;

/** @type {Record<string, string>} */
const EVENTS = { subscribe: "subscribed", catchUp: "caughtUp" };

class Room {
  /** @type {Record<string, any>[]} */
  log = [];
  /** @type {Map<string, Row>} */
  rows = new Map();

  /** @param {string} id @param {string[]} users */
  constructor(id, users) {
    this.id = id;
    this.owner = users[0];
    for (const user of users) this.rows.set(user, { readTo: 0, shownTo: 0 });
  }

  /** @param {number} [seq] */
  messages(seq = this.log.length) {
    return this.log.slice(0, seq).filter(({ event }) => event === "message").length;
  }

  /** Those who have done something that others may see. */
  answered() {
    const all = [...this.rows];
    return all
      .filter(([user, row]) => user === this.owner || row.shownTo > 0)
      .map(([user]) => user);
  }

  /** What `user` may know of the positions. @param {string} user */
  read(user) {
    const shown = [...this.rows].map(([other, { readTo, shownTo }]) =>
      other === user ? [other, readTo] : [other, this.rows.size > MAX_SHOWN ? 0 : shownTo],
    );
    return Object.fromEntries(shown.filter(([, seq]) => Number(seq) > 0));
  }
}

export class PeopleServer {
  tabs = 0;
  /** @type {Map<string, Room>} */
  rooms = new Map();
  /** @type {Connection[]} */
  connections = [];
  /** Whether a frame to or from a user is lost. @type {(frame: Record<string, any>, user: string) => boolean} */
  loses = () => false;
  /** All frames of all clients. @type {(Record<string, any> & {from: string})[]} */
  heard = [];
  /** All frames to a user. @type {(Record<string, any> & {to: string})[]} */
  said = [];
  /** @type {Map<string, {seenAt: number, isActive: boolean, by: Connection | null}>} */
  seen = new Map();
  /** @type {Set<string>} */
  hidden = new Set();
  isDown = false;
  #clock;

  /** @param {FakeClock} clock */
  constructor(clock) {
    this.#clock = clock;
  }

  /** @param {string} id @param {string[]} users */
  room(id, users) {
    const room = new Room(id, users);
    this.rooms.set(id, room);
    return room;
  }

  /** @param {string} user @param {string} action */
  asked(user, action) {
    return this.heard.filter((frame) => frame.from === user && frame.action === action);
  }

  /** @param {string} token */
  dial = (token) => {
    const user = userOf(token);
    const socket = new FakeSocket();
    const connection = { user, socket, subscribed: new Set() };
    socket.onsend = (frame) => queueMicrotask(() => this.#answer(frame, connection));
    setImmediate(() => {
      if (this.isDown) return socket.cut();
      this.connections.push(connection);
      socket.onopen?.();
    });
    return socket;
  };

  /** @param {string} user ends all connections of a user */
  cut(user) {
    const [cut, kept] = [true, false].map((isCut) =>
      this.connections.filter((one) => (one.user === user) === isCut),
    );
    this.connections = kept ?? [];
    for (const { socket } of cut ?? []) socket.cut();
  }

  /** Stores an entry and pushes it. @param {string} id @param {Record<string, any>} entry @param {Connection} [by] */
  append(id, entry, by) {
    const room = this.#room(id);
    const sentAt = new Date(this.#clock.now()).toISOString();
    const stored = { ...entry, conversation: id, seq: room.log.length + 1, sentAt };
    room.log.push(stored);
    for (const one of this.#subscribers(id)) if (one !== by) this.#say(one, stored);
    return stored;
  }

  /** @param {string} id @param {string} sender @param {string} body */
  say(id, sender, body = "hello") {
    const count = this.#room(id).log.length;
    return this.append(id, {
      event: "message",
      id: `${sender}-${count}`,
      sender,
      name: sender,
      body,
    });
  }

  /** @type {typeof globalThis.fetch} */
  fetch = async (input, init) => {
    if (this.isDown) throw new TypeError("Failed to fetch");
    const user = userOf(new Headers(init?.headers).get("authorization") ?? "");
    const url = new URL(String(input));
    const [, , id = "", what = ""] = url.pathname.split("/");
    const room = this.rooms.get(id);
    const body = JSON.parse(String(init?.body ?? "{}"));
    if (url.pathname === "/me/presence") {
      if (body.shown) this.hidden.delete(user);
      else this.hidden.add(user);
      return Response.json({ shown: body.shown });
    }
    if (url.pathname === "/conversations")
      return Response.json({ conversations: this.#listOf(user), next: null });
    if (!room?.rows.has(user))
      return Response.json({ code: "not_found", retry: "never" }, { status: 404 });
    if (what === "events") {
      const [after, limit] = [url.searchParams.get("after"), url.searchParams.get("limit") ?? 1e6];
      const events = room.log.slice(Number(after), Number(after) + Number(limit));
      return Response.json({ events, head: room.log.length, limited: false });
    }
    if (what === "receipt") {
      this.#receipt(user, { conversation: id, ...body });
      const readTo = room.rows.get(user)?.readTo;
      return Response.json({ conversation: id, readTo, messages: room.messages(readTo) });
    }
    const participants = [...room.rows.keys()].map((one) => ({ user: one, name: one, role: "" }));
    return Response.json({ id, title: id, head: room.log.length, participants });
  };

  /** @param {string} user */
  #listOf(user) {
    return [...this.rooms.values()]
      .filter(({ rows }) => rows.has(user))
      .map((room) => {
        const readTo = room.rows.get(user)?.readTo ?? 0;
        const lastMessage = room.log.findLast(({ event }) => event === "message") ?? null;
        const messages = room.messages();
        const unread = lastMessage?.sender === user ? 0 : messages - room.messages(readTo);
        const { id } = room;
        const joinedAt = "2026-01-05T08:00:00.000Z";
        return {
          id,
          title: id,
          head: room.log.length,
          lastMessage,
          joinedAt,
          readTo,
          unread,
          messages,
        };
      });
  }

  /** @param {Record<string, any>} frame @param {Connection} connection */
  #answer(frame, connection) {
    const { user, socket } = connection;
    if (socket.isClosed || this.isDown || this.loses(frame, user)) return;
    this.heard.push({ ...frame, from: user });
    const { action, conversation, ref } = frame;
    const room = this.rooms.get(conversation);
    const isIn = room?.rows.has(user);
    if (action === "receipt") return this.#receipt(user, frame, connection);
    if (action === "typing") return isIn && this.#type(connection, frame);
    if (action === "ping") return this.#say(connection, { ref, ...this.#pong(connection, frame) });
    if (frame.conversations) {
      const outcomes = frame.conversations.map((/** @type {any} */ one) =>
        this.#outcome(connection, one, action),
      );
      return this.#say(connection, { event: EVENTS[action], ref, conversations: outcomes });
    }
    if (!room || !isIn)
      return this.#say(connection, { event: "error", ref, code: "not_found", retry: "never" });
    if (action in EVENTS) {
      const outcome = this.#outcome(connection, frame, action);
      this.#say(connection, { event: EVENTS[action], ref, ...outcome });
    } else if (action === "sendMessage") {
      const { id, body } = frame;
      const old = room.log.find((entry) => entry.sender === user && entry.id === id);
      const entry = { event: "message", id, sender: user, name: user, body };
      const { seq, sentAt } = old ?? this.append(conversation, entry, connection);
      this.#say(connection, {
        event: "sent",
        ref,
        conversation,
        id,
        seq,
        sentAt,
        duplicate: !!old,
      });
    }
  }

  /** @param {Connection} connection @param {Record<string, any>} wanted @param {string} action */
  #outcome({ user, subscribed }, { conversation, after }, action) {
    const room = this.rooms.get(conversation);
    if (!room?.rows.has(user))
      return { conversation, code: "not_found", retry: "never", message: "No such thing" };
    if (action === "subscribe") subscribed.add(conversation);
    const head = room.log.length;
    return {
      conversation,
      head,
      events: room.log.slice(after ?? head),
      limited: false,
      ...(action === "catchUp"
        ? { subscribed: subscribed.has(conversation) }
        : { messages: room.messages(), read: room.read(user) }),
    };
  }

  /** @param {string} user @param {Record<string, any>} frame @param {Connection} [by] */
  #receipt(user, { conversation, read, private: isPrivate = false }, by) {
    const room = this.rooms.get(conversation);
    const row = room?.rows.get(user);
    if (!room || !row || !(read <= room.log.length)) return;
    const isNews = read > row.readTo;
    row.readTo = Math.max(read, row.readTo);
    if (!isPrivate) row.shownTo = Math.max(read, row.shownTo);
    if (!isNews) return;
    const event = {
      event: "read",
      conversation,
      user,
      readTo: read,
      messages: room.messages(read),
    };
    for (const one of this.connections) {
      const isShown = !isPrivate && room.rows.size <= MAX_SHOWN && one.subscribed.has(conversation);
      const isFor = one.user === user || (isShown && room.rows.has(one.user));
      if (one !== by && isFor) this.#say(one, event);
    }
  }

  /** @param {Connection} by @param {Record<string, any>} frame */
  #type({ user }, { conversation, after, stopped = false }) {
    const targets = this.#subscribers(conversation).filter((one) => one.user !== user);
    if (targets.length > MAX_TYPING_TARGETS) return;
    const forMs = stopped ? 0 : 12_000;
    for (const one of targets)
      this.#say(one, { event: "typing", conversation, user, name: user, after, forMs });
  }

  /** @param {Connection} by @param {Record<string, any>} frame */
  #pong(by, { positions = {}, presence, watch }) {
    const { user } = by;
    const now = this.#clock.now();
    const last = this.seen.get(user);
    if (presence === "active") this.seen.set(user, { seenAt: now, isActive: true, by });
    else if (presence === "away" && last?.by === by) last.isActive = false;
    const behind = Object.entries(positions).map(([id, seq]) => [
      id,
      seq,
      this.#room(id).log.length,
    ]);
    const heads = behind.filter(([, seq, head]) => head > seq).map(([id, , head]) => [id, head]);
    const pong = { event: "pong", heads: Object.fromEntries(heads) };
    if (!watch) return pong;
    const rooms = watch.map((/** @type {string} */ id) => this.#room(id));
    /** @type {Record<string, object>} */
    const people = Object.create(null);
    for (const other of new Set(rooms.flatMap((/** @type {Room} */ room) => room.answered()))) {
      const seen = this.seen.get(other);
      if (other === user || !seen || this.hidden.has(other) || this.hidden.has(user)) continue;
      const online = seen.isActive && now - seen.seenAt <= ACTIVE_FOR_MS;
      people[other] = online ? { online } : { lastSeen: new Date(seen.seenAt).toISOString() };
    }
    const read = Object.fromEntries(
      rooms.map((/** @type {Room} */ room) => [room.id, room.read(user)]),
    );
    return { ...pong, presence: people, read };
  }

  /** @param {string} id */
  #room(id) {
    const room = this.rooms.get(id);
    if (!room) throw new Error(`there is no room ${id}`);
    return room;
  }

  /** @param {string} id */
  #subscribers(id) {
    return this.connections.filter(
      ({ user, subscribed }) => subscribed.has(id) && this.rooms.get(id)?.rows.has(user),
    );
  }

  /** @param {Connection} connection @param {Record<string, any>} frame */
  #say({ user, socket }, frame) {
    if (socket.isClosed || this.loses(frame, user)) return;
    this.said.push({ ...frame, to: user });
    setImmediate(() => !socket.isClosed && socket.receive(frame));
  }
}

/** @param {string} token with or without a scheme */
function userOf(token) {
  const payload = Buffer.from(token.split(".")[1] ?? "", "base64url").toString();
  return String(JSON.parse(payload).sub);
}
