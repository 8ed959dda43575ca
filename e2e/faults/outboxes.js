/** Where the client library keeps what is unsent, outside a browser. */
import { appendFileSync, existsSync, readFileSync } from "node:fs";

/** @typedef {import('../../web/client/surroundings.js').OutboxStorage} OutboxStorage */

/** Ends with the process. @implements {OutboxStorage} */
export class MemoryOutbox {
  /** @type {Map<string, import('../../web/client/surroundings.js').Row>} */ #rows = new Map();

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

/** Outlives the process, however that ends: a journal, in which each change is a line. @implements {OutboxStorage} */
export class FileOutbox {
  #path;

  constructor(path) {
    this.#path = path;
  }

  async load() {
    const rows = new MemoryOutbox();
    const lines = existsSync(this.#path) ? readFileSync(this.#path, "utf8").split("\n") : [];
    // What is behind the last line break was being written when the process was killed, or is nothing.
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
