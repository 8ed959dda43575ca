/** The client's surroundings in a browser: the only module that knows one. */

import { systemClock } from "./clock.js";
import { handshakeProtocols, isObject, isPosition, isText, parseProblem } from "./protocol.js";

/** @import { Outgoing } from "./facts.js" */
/** @import { Channel, Row, Socket, Surroundings } from "./surroundings.js" */

const STORE = "outbox";

/** @param {{http: string, ws: string, user: string}} options @returns {Surroundings} */
export function browserSurroundings({ http, ws, user }) {
  const owner = `${http} ${user}`;
  // Without TLS there are none, unless it is this machine: then each tab is by itself.
  const locks = /** @type {LockManager | undefined} */ (navigator.locks);
  return {
    clock: systemClock,
    outboxes: new IndexedOutbox(indexedDB, owner),
    readPositions: new StoredReadPositions(localStorage, user),
    fetch: (input, init) => fetch(input, init),
    dial: (token) => /** @type {Socket} */ (/** @type {unknown} */ (new WebSocket(ws, handshakeProtocols(token)))),
    newId,
    isVisible: () => document.visibilityState === "visible",
    isOnline: () => navigator.onLine,
    watch,
    tabs: locks
      ? {
          lock: (name, options, then) => locks.request(name, options, then),
          channel: () => /** @type {Channel} */ (/** @type {unknown} */ (new BroadcastChannel(`confab.1 ${owner}`))),
        }
      : null,
  };
}

/** Without TLS there is no `crypto.randomUUID`. */
function newId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @type {Surroundings["watch"]} */
function watch(happened) {
  const listeners = /** @type {const} */ ([
    [window, "online", () => happened("online")],
    [window, "offline", () => happened("offline")],
    [window, "storage", () => happened("read elsewhere")],
    [document, "visibilitychange", () => happened(document.visibilityState === "visible" ? "visible" : "hidden")],
  ]);
  for (const [target, type, listener] of listeners) target.addEventListener(type, listener);
  return () => {
    for (const [target, type, listener] of listeners) target.removeEventListener(type, listener);
  };
}

/** A row a message, so that tabs do not overwrite one another's. */
export class IndexedOutbox {
  /** @type {Promise<IDBDatabase | null>} */ #database;
  #owner;

  /** @param {IDBFactory} factory @param {string} owner one per server and person */
  constructor(factory, owner) {
    this.#owner = owner;
    this.#database = open(factory).catch(() => null);
  }

  async load() {
    try {
      const transaction = (await this.#database)?.transaction(STORE);
      if (!transaction) return [];
      const rows = await answer(transaction.objectStore(STORE).getAll(IDBKeyRange.bound([this.#owner], [this.#owner, []])));
      return rows.flatMap((row) => parseRow(row) ?? []).sort((one, other) => one.outgoing.writtenAt - other.outgoing.writtenAt);
    } catch {
      return [];
    }
  }

  /** @param {string} conversation @param {Outgoing} outgoing */
  put(conversation, outgoing) {
    const row = { owner: this.#owner, conversation, id: outgoing.id, outgoing: { ...outgoing } };
    void this.#change((store) => store.put(row));
  }

  /** @param {string} conversation @param {string} id */
  remove(conversation, id) {
    void this.#change((store) => store.delete([this.#owner, conversation, id]));
  }

  /** @param {(store: IDBObjectStore) => void} change */
  async #change(change) {
    try {
      const transaction = (await this.#database)?.transaction(STORE, "readwrite");
      if (!transaction) return;
      change(transaction.objectStore(STORE));
      // At once, since the page may be left at this moment.
      transaction.commit();
    } catch {
      // A database that fails costs only the safety net.
    }
  }
}

/** @param {IDBFactory} factory @returns {Promise<IDBDatabase>} */
async function open(factory) {
  const request = factory.open("confab", 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: ["owner", "conversation", "id"] });
  const database = await answer(request);
  // Another tab's later version must not wait.
  database.onversionchange = () => database.close();
  return database;
}

/** @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
function answer(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** @param {unknown} row @returns {Row | null} */
function parseRow(row) {
  if (!isObject(row) || !isText(row.conversation) || !isObject(row.outgoing)) return null;
  const { id, body, after, writtenAt, failure } = row.outgoing;
  if (!isText(id) || !isText(body) || !isPosition(after) || typeof writtenAt !== "number") return null;
  return { conversation: row.conversation, outgoing: { id, body, after, writtenAt, failure: isObject(failure) ? parseProblem(failure) : null } };
}

/** How far a person has read. Nothing of what was said is in it. */
export class StoredReadPositions {
  /** @type {Storage} */ #storage;
  #prefix;

  /** @param {Storage} storage @param {string} user */
  constructor(storage, user) {
    this.#storage = storage;
    this.#prefix = `confab.read/${encodeURIComponent(user)}/`;
  }

  /** @param {string} id */
  get(id) {
    const seq = Number(this.#storage.getItem(this.#prefix + id) ?? Number.NaN);
    return Number.isSafeInteger(seq) && seq >= 0 ? seq : undefined;
  }

  /** @param {string} id @param {number} seq */
  set(id, seq) {
    try {
      this.#storage.setItem(this.#prefix + id, String(seq));
    } catch {
      // A full storage costs a number in a list.
    }
  }

  get size() {
    return Array.from(this.#storage, (_, index) => this.#storage.key(index)).filter((key) => key?.startsWith(this.#prefix)).length;
  }
}
