/** What all devices in this process have in common: their user, their record, and their end. */
import { Recorder } from "./recorder.js";

/** Devices react with these. Two differ in their skin tone, and one has a variation selector. */
const EMOJI = ["👍", "👍🏻", "❤️"];

/**
 * How long a device may take to settle. The library notices within a minute what it has missed and
 * repairs it with a few requests; a lost request costs ten seconds.
 */
export const SETTLED_WITHIN_MS = 150_000;

/**
 * @typedef {object} Endpoints
 * @property {string} http
 * @property {string} ws
 * @property {string} origin
 * @property {(user: string, options: {expiresIn?: number}) => Promise<string>} token
 */

/**
 * @typedef {object} SendResult the outcome of a message
 * @property {string} [rejected] the code; without one the message is stored
 */

/**
 * @typedef {object} DeviceOptions
 * @property {Endpoints} endpoints
 * @property {import('./history.js').History} history
 * @property {string} name of the device
 * @property {string} user
 */

export class Device {
  /** @param {DeviceOptions} options */
  constructor(options) {
    this.options = options;
    this.recorder = new Recorder(options.history, { client: options.name, user: options.user });
    this.stopped = new AbortController();
  }

  get name() {
    return this.options.name;
  }

  get user() {
    return this.options.user;
  }

  /** Reports to the device that the network may have changed. */
  networkChanged() {}

  /** Opens a conversation on the screen. */
  open() {}

  /**
   * Sends the n-th message of the device in a conversation. Some are followed by an edit, a deletion
   * or clicks on reactions, two at once.
   *
   * @param {string} conversation
   * @param {number} n
   * @param {{body: string, edited: string}} texts
   * @returns {Promise<SendResult>} the outcome of the message
   */
  async act(conversation, n, { body, edited }) {
    const said = await this.say(conversation, body);
    if (said.rejected !== undefined) return said;
    if (n % 5 === 2) await this.revise(conversation, edited);
    if (n % 7 === 3) await this.revise(conversation);
    if (n % 3 === 1) {
      const emoji = EMOJI[n % EMOJI.length];
      await Promise.all([
        this.react(conversation, emoji, true),
        this.react(conversation, emoji, n % 2 === 0),
      ]);
    }
    return said;
  }

  /** Records the final state of a conversation. @param {string} conversation */
  end(conversation) {
    this.recorder.ended(conversation, {
      position: this.position(conversation),
      pending: this.pending(conversation),
    });
  }

  stop() {
    this.stopped.abort();
  }
}
