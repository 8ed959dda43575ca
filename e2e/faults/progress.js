/** How far the talk has come, so that what befalls it follows what was acknowledged and not a clock. */

export class Progress {
  #total = 0;
  /** @type {Map<string, number>} */ #counts = new Map();
  /** @type {Set<string>} */ #over = new Set();
  /** @type {Set<() => void>} */ #waiting = new Set();
  lastAt = performance.now();

  /** A message was acknowledged. @param {string} conversation */
  count(conversation) {
    this.#total += 1;
    this.#counts.set(conversation, this.in(conversation) + 1);
    this.look();
  }

  /** Nobody but a guest says anything more there. @param {string} conversation */
  end(conversation) {
    this.#over.add(conversation);
    this.look();
  }

  get total() {
    return this.#total;
  }

  in(conversation) {
    return this.#counts.get(conversation) ?? 0;
  }

  isOver(conversation) {
    return this.#over.has(conversation);
  }

  /** Resolves when it is so. @param {() => boolean} isSo */
  async until(isSo) {
    while (!isSo()) await new Promise((resolve) => this.#waiting.add(resolve));
  }

  /** Somebody has to look again. */
  look() {
    this.lastAt = performance.now();
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const resolve of waiting) resolve();
  }
}
