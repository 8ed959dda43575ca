/** Decides what the user has read: what a visible, focused window has shown for a second. */

/** @import { ReadingOptions, View } from "./types.js" */

const IN_VIEW_MS = 1_000;

export class Reading {
  /** @type {ReadingOptions} */
  #options;
  /** @type {View | null} */
  #target = null;
  #cancel = () => {};

  /** @param {ReadingOptions} options */
  constructor(options) {
    this.#options = options;
  }

  /** The view may have changed. Messages that come meanwhile do not prolong the wait. */
  update() {
    const { clock, model, view } = this.#options;
    const now = view();
    const target = this.#target;
    if (target && now?.conversation === target.conversation && now.seq >= target.seq) return;
    this.#cancel();
    this.#target = null;
    const { readTo = 0 } = (now && model.directory.get(now.conversation)) ?? {};
    if (now === null || now.seq <= readTo) return;
    this.#target = now;
    this.#cancel = clock.after(IN_VIEW_MS, () => this.#read(now));
  }

  /** @param {View} view shown for a second */
  #read({ conversation, seq }) {
    const { model, onChange } = this.#options;
    this.#target = null;
    model.directory.read(conversation, seq);
    this.update();
    onChange();
  }
}
