/**
 * What the leading tab tells the server about its user: how far they have read, and whether they
 * are here. Loaded when there is something to tell.
 */

import { Lease } from "./lease.js";
import { Receipts } from "./receipts.js";

/** @import { Change, SharingOptions } from "./types.js" */

export class Sharing {
  #receipts;
  #lease;

  /** @param {SharingOptions} options */
  constructor(options) {
    const receipts = new Receipts(options);
    this.#receipts = receipts;
    this.#lease = new Lease(options, () => receipts.unconfirmed());
  }

  /** The members of the next ping. */
  ping() {
    return this.#lease.members();
  }

  update() {
    this.#receipts.update();
    this.#lease.update();
  }

  /** @param {Change} change */
  applied(change) {
    this.#receipts.applied(change);
  }

  /** The user looks at something else, or at nothing. */
  looked() {
    this.#receipts.flush();
    this.update();
  }

  connected() {
    this.#receipts.connected();
    this.#lease.connected();
  }
}
