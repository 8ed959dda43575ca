/** Keeps how far a person has read, for later pages and for other windows. Nothing of what was said is in it. */

/** @import { ReadPositions } from "./directory.js" */

/** @implements {ReadPositions} */
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
