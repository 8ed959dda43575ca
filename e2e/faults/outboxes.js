/** Storage of unsent messages for the client library outside a browser. */
import { appendFileSync, existsSync, readFileSync } from "node:fs";

/** @typedef {import('../../web/client/environment.js').OutboxStorage} OutboxStorage */

/** Keeps messages in memory. @implements {OutboxStorage} */
export class MemoryOutbox {
  /** @type {Map<string, import('../../web/client/environment.js').OutboxRow>} */ #rows = new Map();

  async load() {
    return [...this.#rows.values()]
      .map((row) => structuredClone(row))
      .sort((one, other) => one.outgoing.writtenAt - other.outgoing.writtenAt);
  }

  put(conversation, outgoing) {
    this.#rows.set(`${conversation}/${outgoing.id}`, structuredClone({ conversation, outgoing }));
  }

  remove(conversation, id) {
    this.#rows.delete(`${conversation}/${id}`);
  }
}

/**
 * Keeps messages across kills of the process, in a journal with one line per change.
 *
 * @implements {OutboxStorage}
 */
export class FileOutbox {
  #path;

  constructor(path) {
    this.#path = path;
  }

  async load() {
    const rows = new MemoryOutbox();
    const lines = existsSync(this.#path) ? readFileSync(this.#path, "utf8").split("\n") : [];
    // The part after the last line break is empty, or was being written when the process was
    // killed.
    for (const line of lines.slice(0, -1)) {
      const { conversation, outgoing, removed } = JSON.parse(line);
      if (removed === undefined) rows.put(conversation, outgoing);
      else rows.remove(conversation, removed);
    }
    return rows.load();
  }

  put(conversation, outgoing) {
    this.#append({ conversation, outgoing });
  }

  remove(conversation, id) {
    this.#append({ conversation, removed: id });
  }

  #append(change) {
    appendFileSync(this.#path, `${JSON.stringify(change)}\n`);
  }
}
