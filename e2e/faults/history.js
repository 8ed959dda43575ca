/**
 * A history as checker/README.md describes it: one JSON object per line, in the order of recording.
 *
 * Each line is appended in one write before anything else happens. Several processes can therefore
 * write one history, and a process that is killed has recorded everything it did.
 */
import { closeSync, openSync, writeSync } from "node:fs";

export class History {
  #file;

  /** @param {string} path the file is created if it does not exist */
  constructor(path) {
    this.path = path;
    this.#file = openSync(path, "a");
  }

  /**
   * Appends a record, with the time added for debugging.
   *
   * @param {{type: string}} record
   */
  record(record) {
    writeSync(this.#file, `${JSON.stringify({ ...record, at: Date.now() })}\n`);
  }

  close() {
    closeSync(this.#file);
  }
}
