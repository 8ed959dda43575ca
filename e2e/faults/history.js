/**
 * A history as checker/README.md tells: what happened, a JSON object a line, in the order in which it was recorded.
 *
 * Each line is written in one step to the end of the file and before anything else happens, so several processes may
 * write the same history, and one that is killed has recorded all that it did.
 */
import { closeSync, openSync, writeSync } from "node:fs";

export class History {
  #file;

  /** @param {string} path the file is made if it is not there */
  constructor(path) {
    this.path = path;
    this.#file = openSync(path, "a");
  }

  /** @param {{type: string}} record the time is added for whoever has to find out why something took long */
  record(record) {
    writeSync(this.#file, `${JSON.stringify({ ...record, at: Date.now() })}\n`);
  }

  close() {
    closeSync(this.#file);
  }
}
