/**
 * The tabs of one person in one browser: one of them leads, and when it closes the next one does. Messages go to all
 * others. The browser gives the lock to exactly one, and takes it back from a tab that dies; so there is no election.
 */

/** @import { Channel, Surroundings } from "./surroundings.js" */

/**
 * @typedef {object} TabsOptions
 * @property {Surroundings["tabs"]} browser
 * @property {string} name of the lock: one per person
 * @property {() => void} onLead this tab leads from now on, until it leaves or loses the lead
 * @property {() => void} onLost another tab has taken the lead, because this one was not heard of
 * @property {(message: any) => void} onMessage of another tab, which runs the same code
 */

export class Tabs {
  /** @type {TabsOptions} */ #options;
  /** @type {Channel | null} */ #channel = null;
  /** Gives the lock back, or the place in the queue for it. */ #leave = () => {};

  /** @param {TabsOptions} options */
  constructor(options) {
    this.#options = options;
  }

  /** Hears the others, and queues for the lead. */
  join() {
    const { browser, onLead, onMessage } = this.#options;
    this.leave();
    if (browser === null) return onLead();
    this.#channel = browser.channel();
    this.#channel.onmessage = ({ data }) => onMessage(data);
    this.#queue(false);
  }

  /** Takes the lead from a tab that is asleep, as a phone puts those to sleep that nobody sees. */
  steal() {
    this.#leave();
    this.#queue(true);
  }

  leave() {
    this.#leave();
    this.#leave = () => {};
    this.#channel?.close();
    this.#channel = null;
  }

  /** Tells all other tabs. @param {object} message plain data */
  post(message) {
    this.#channel?.postMessage(message);
  }

  /** @param {boolean} steal */
  #queue(steal) {
    const { browser, name, onLead, onLost } = this.#options;
    const left = new AbortController();
    const held = new Promise((resolve) => left.signal.addEventListener("abort", resolve));
    this.#leave = () => left.abort();
    const leads = async () => {
      if (left.signal.aborted) return;
      onLead();
      await held;
    };
    browser?.lock(name, steal ? { steal } : { signal: left.signal }, leads).catch(() => {
      if (left.signal.aborted) return;
      onLost();
      this.#queue(false);
    });
  }
}
