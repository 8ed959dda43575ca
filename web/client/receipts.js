/**
 * Sends how far the user has read. Receipts have no answer: the server's lists and pongs say what
 * arrived, and what did not is sent again.
 */

import { path } from "./api.js";
import { Action } from "./protocol.js";

/** @import { Change, ConversationInfo, SharingOptions } from "./types.js" */

/** A busy conversation would cost a receipt for each message of each participant. */
const PER_PARTICIPANT_MS = 1_000;
const SHORTEST_PAUSE_MS = 2_000;
const LONGEST_PAUSE_MS = 30_000;
/** An answer of the server may be older than a receipt. */
const ANSWER_LAG_MS = 5_000;
/** After a long time offline there may be one for each conversation. */
const BETWEEN_CONVERSATIONS_MS = 100;

export class Receipts {
  /** @type {SharingOptions} */
  #options;
  /** @type {Map<string, {seq: number, at: number}>} */
  #sent = new Map();
  /** @type {Map<string, () => void>} */
  #waiting = new Map();
  #next = 0;

  /** @param {SharingOptions} options */
  constructor(options) {
    this.#options = options;
  }

  update() {
    if (this.#options.receipts === "off") return;
    for (const info of this.#options.model.directory.all()) this.#consider(info);
  }

  /** Sends at once what waits for its pause, if the user no longer looks at it. */
  flush() {
    const { isVisible, wanted } = this.#options;
    for (const [id, cancel] of [...this.#waiting]) {
      if (isVisible() && wanted().includes(id)) continue;
      cancel();
      this.#send(id);
    }
  }

  /** The conversations of which the server has not said that a receipt arrived. */
  unconfirmed() {
    const { directory } = this.#options.model;
    return [...this.#sent.keys()].filter((id) => {
      const { confirmed = null } = directory.get(id) ?? {};
      return confirmed !== null && confirmed < Number(this.#sent.get(id)?.seq);
    });
  }

  /** What was sent on the former connection may be lost. */
  connected() {
    this.#sent.clear();
    this.update();
  }

  /** @param {Change} change */
  applied(change) {
    const { clock, me } = this.#options;
    /** @type {[id: string, readTo: number][]} */
    const positions = [];
    // An answer leaves out who has read nothing; a push is about one person.
    if (change.kind === "positions" && !change.isNow)
      positions.push([change.conversation, new Map(change.read).get(me) ?? 0]);
    if (change.kind === "listed")
      for (const { id, readTo } of change.summaries)
        if (readTo !== undefined) positions.push([id, readTo]);
    for (const [id, readTo] of positions) {
      const sent = this.#sent.get(id);
      if (sent && readTo < sent.seq && clock.now() - sent.at >= ANSWER_LAG_MS)
        this.#sent.delete(id);
    }
    this.update();
  }

  /** @param {ConversationInfo} info */
  #consider({ id, confirmed, people, readTo }) {
    const { clock } = this.#options;
    const sent = this.#sent.get(id);
    const isKnown = confirmed === null || readTo <= Math.max(confirmed, sent?.seq ?? 0);
    if (isKnown || this.#waiting.has(id)) return;
    const pause = Math.min(
      Math.max(people.size * PER_PARTICIPANT_MS, SHORTEST_PAUSE_MS),
      LONGEST_PAUSE_MS,
    );
    const now = clock.now();
    const at = Math.max(now, this.#next, sent ? sent.at + pause : 0);
    if (at <= now) return this.#send(id);
    if (!sent) this.#next = at + BETWEEN_CONVERSATIONS_MS;
    this.#waiting.set(
      id,
      clock.after(at - now, () => this.#send(id)),
    );
  }

  /** @param {string} id */
  #send(id) {
    const { clock, model } = this.#options;
    this.#waiting.delete(id);
    const { readTo = 0, confirmed = null } = model.directory.get(id) ?? {};
    if (confirmed === null || readTo <= confirmed) return;
    if (!this.#isSent(id, readTo)) return;
    this.#next = Math.max(this.#next, clock.now() + BETWEEN_CONVERSATIONS_MS);
    this.#sent.set(id, { seq: readTo, at: clock.now() });
  }

  /** @param {string} id @param {number} read */
  #isSent(id, read) {
    const { api, isPolling, receipts, tell } = this.#options;
    const receipt = { read, private: receipts === "private" };
    if (tell({ action: Action.receipt, conversation: id, ...receipt })) return true;
    if (isPolling()) void api.request("PUT", path(id, "receipt"), receipt).catch(() => {});
    return isPolling();
  }
}
