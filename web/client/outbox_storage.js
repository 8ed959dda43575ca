/**
 * Keeps unsent messages over a reload and over the end of the browser, per server and person: whoever else logs in
 * neither sees nor sends them. One row a message, so that tabs do not overwrite one another's.
 */

import { isObject, isPosition, isText, parseProblem } from "./protocol.js";

/** @import { Outgoing } from "./replica.js" */

/** @typedef {{conversation: string, outgoing: Outgoing}} Row */

/**
 * @typedef {object} OutboxStorage
 * @property {() => Promise<Row[]>} load what is unsent, in the order of writing; never rejects
 * @property {(conversation: string, outgoing: Outgoing) => void} put adds or replaces
 * @property {(conversation: string, id: string) => void} remove
 */

const STORE = "outbox";

/** In the browser's database. A database that fails costs only the safety net: messages are still in memory, and sent. @implements {OutboxStorage} */
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
      // Committed at once, so that a page that is left at this moment has said all that there is to say.
      transaction.commit();
    } catch {
      // See above: the safety net only.
    }
  }
}

/** @param {IDBFactory} factory @returns {Promise<IDBDatabase>} */
async function open(factory) {
  const request = factory.open("confab", 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: ["owner", "conversation", "id"] });
  const database = await answer(request);
  // A later version in another tab must not wait for this one.
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
