/** Counts acknowledged messages. Incidents follow these counts and not a clock. */

export class Progress {
  #total = 0;
  /** @type {Map<string, number>} */ #counts = new Map();
  /** @type {Set<string>} */ #over = new Set();
  /** @type {Set<() => void>} */ #waiting = new Set();
  lastAt = performance.now();

  /** Counts an acknowledged message. @param {string} conversation */
  count(conversation) {
    this.#total += 1;
    this.#counts.set(conversation, this.in(conversation) + 1);
    this.changed();
  }

  /**
   * Records that all devices but the guest's have sent all their messages.
   *
   * @param {string} conversation
   */
  end(conversation) {
    this.#over.add(conversation);
    this.changed();
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

  /** Resolves when the condition holds. @param {() => boolean} condition */
  async until(condition) {
    while (!condition()) await new Promise((resolve) => this.#waiting.add(resolve));
  }

  /** Makes every waiter check its condition again. */
  changed() {
    this.lastAt = performance.now();
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const resolve of waiting) resolve();
  }
}
