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

  /** Returns how much is unsent, also reactions, without what the server refused for good. */
  unsent(conversation) {
    const rows = [...this.#rows.values()];
    return rows.filter((row) => row.conversation === conversation && row.outgoing.failure === null)
      .length;
  }
}

/**
 * Keeps messages across kills of the process, in a journal with one line per change.
 *
 * @implements {OutboxStorage}
 */
export class FileOutbox extends MemoryOutbox {
  #path;

  constructor(path) {
    super();
    this.#path = path;
  }

  async load() {
    const lines = existsSync(this.#path) ? readFileSync(this.#path, "utf8").split("\n") : [];
    // The part after the last line break is empty, or was being written when the process was
    // killed.
    for (const line of lines.slice(0, -1)) {
      const { conversation, outgoing, removed } = JSON.parse(line);
      if (removed === undefined) super.put(conversation, outgoing);
      else super.remove(conversation, removed);
    }
    return super.load();
  }

  put(conversation, outgoing) {
    super.put(conversation, outgoing);
    this.#append({ conversation, outgoing });
  }

  remove(conversation, id) {
    super.remove(conversation, id);
    this.#append({ conversation, removed: id });
  }

  #append(change) {
    appendFileSync(this.#path, `${JSON.stringify(change)}\n`);
  }
}
