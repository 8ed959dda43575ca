/** The environment in a browser. No other module of the client uses browser globals. */

import { handshakeProtocols } from "./protocol.js";

/** @import { Channel, Clock, Environment, OutboxStorage, ReadPositions, Socket } from "./types.js" */

const OUTBOX = "outbox";
const READ = "read";
const INPUTS = ["pointerdown", "pointermove", "wheel", "keydown"];
/** Input is reported at most this often. */
const INPUT_PAUSE_MS = 10_000;

/** @type {Clock} */
export const systemClock = {
  now: () => Date.now(),
  after: (ms, then) => {
    const timer = setTimeout(then, ms);
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
};

/** @param {{http: string, ws: string, user: string}} options @returns {Environment} */
export function browserEnvironment({ http, ws, user }) {
  const owner = `${http} ${user}`;
  // Pages from `http:` have no locks. Then tabs do not share a connection.
  const locks = /** @type {LockManager | undefined} */ (navigator.locks);
  return {
    clock: systemClock,
    ...indexedStorage(indexedDB, owner),
    fetch: (input, init) => fetch(input, init),
    dial: (token) =>
      /** @type {Socket} */ (/** @type {unknown} */ (new WebSocket(ws, handshakeProtocols(token)))),
    newId,
    isVisible: () => document.visibilityState === "visible",
    isFocused: () => document.hasFocus(),
    isOnline: () => navigator.onLine,
    watch,
    tabs: locks
      ? {
          lock: (name, options, then) => locks.request(name, options, then),
          channel: () =>
            /** @type {Channel} */ (
              /** @type {unknown} */ (new BroadcastChannel(`confab.3 ${owner}`))
            ),
        }
      : null,
  };
}

/** Pages from `http:` have no `crypto.randomUUID`. */
function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @type {Environment["watch"]} */
function watch(onEvent) {
  let lastInputAt = 0;
  const onInput = () => {
    if (Date.now() - lastInputAt < INPUT_PAUSE_MS) return;
    lastInputAt = Date.now();
    onEvent("input");
  };
  const listeners = /** @type {const} */ ([
    [window, "online", () => onEvent("online")],
    [window, "offline", () => onEvent("offline")],
    [window, "focus", () => onEvent("focus")],
    [window, "blur", () => onEvent("focus")],
    ...INPUTS.map((type) => /** @type {const} */ ([window, type, onInput])),
    [
      document,
      "visibilitychange",
      () => onEvent(document.visibilityState === "visible" ? "visible" : "hidden"),
    ],
  ]);
  for (const [target, type, listener] of listeners) target.addEventListener(type, listener);
  return () => {
    for (const [target, type, listener] of listeners) target.removeEventListener(type, listener);
  };
}

/** @param {IDBFactory} factory @param {string} owner */
export function indexedStorage(factory, owner) {
  const database = open(factory).catch(() => null);

  /** @param {string} name @returns {Promise<unknown[]>} */
  async function rows(name) {
    try {
      const store = (await database)?.transaction(name).objectStore(name);
      return store ? await answer(store.getAll(IDBKeyRange.bound([owner], [owner, []]))) : [];
    } catch {
      return [];
    }
  }

  /** @param {string} name @param {(store: IDBObjectStore) => void} then */
  async function change(name, then) {
    try {
      const transaction = (await database)?.transaction(name, "readwrite");
      if (!transaction) return;
      then(transaction.objectStore(name));
      transaction.commit();
    } catch {}
  }

  /**
   * Has one row per message, so that tabs do not overwrite the messages of others.
   * @type {OutboxStorage}
   */
  const outboxes = {
    load: () => rows(OUTBOX),
    put: (conversation, outgoing) =>
      void change(OUTBOX, (store) =>
        store.put({ owner, conversation, id: outgoing.id, outgoing: { ...outgoing } }),
      ),
    remove: (conversation, id) =>
      void change(OUTBOX, (store) => store.delete([owner, conversation, id])),
  };
  /** @type {ReadPositions} */
  const readPositions = {
    load: () => rows(READ),
    set: (conversation, seq) =>
      void change(READ, (store) => store.put({ owner, conversation, seq })),
  };
  return { outboxes, readPositions };
}

/** @param {IDBFactory} factory @returns {Promise<IDBDatabase>} */
async function open(factory) {
  const request = factory.open("confab", 2);
  request.onupgradeneeded = () => {
    const { result } = request;
    if (!result.objectStoreNames.contains(OUTBOX))
      result.createObjectStore(OUTBOX, { keyPath: ["owner", "conversation", "id"] });
    result.createObjectStore(READ, { keyPath: ["owner", "conversation"] });
  };
  const database = await answer(request);
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
