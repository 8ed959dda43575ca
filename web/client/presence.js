/** Who is here: what the server said last, and what people have done since. */

import { isObject, isText } from "./protocol.js";

/** @import { Api, Change, PresenceOptions, Seen } from "./types.js" */

/** Who has just written, typed or read is here, whatever the server said before. */
const HEARD_FOR_MS = 2 * 60_000;

export class Presence {
  /** @type {PresenceOptions} */
  #options;
  /** @type {Map<string, Seen & {answers: number}>} */
  #known = new Map();
  /** @type {Map<string, number>} */
  #heard = new Map();

  /** @param {PresenceOptions} options */
  constructor(options) {
    this.#options = options;
  }

  /**
   * Returns `null` for a person who is not on screen, or who does not show whether they are here.
   * @param {string} user
   * @returns {Seen | null}
   */
  of(user) {
    const known = this.#known.get(user);
    if (known === undefined) return null;
    const isHeard = this.#options.clock.now() - (this.#heard.get(user) ?? 0) < HEARD_FOR_MS;
    return known.online || isHeard
      ? { online: true, lastSeen: null }
      : { online: false, lastSeen: known.lastSeen };
  }

  /** @param {Change} change */
  applied(change) {
    const { clock } = this.#options;
    if (change.kind === "state" && change.state.name !== "connected") this.#known.clear();
    else if (change.kind === "presence") this.#answer(change.people);
    else if (change.kind === "typing") this.#hear(change.user, clock.now());
    else if (change.kind === "positions" && change.isNow)
      for (const [user] of change.read) this.#hear(user, clock.now());
    else if (change.kind === "entries")
      for (const { sender, sentAt = "" } of change.entries)
        if (sender) this.#hear(sender, Math.min(clock.now(), Date.parse(sentAt) || 0));
  }

  /** @param {Record<string, unknown>} people everyone on screen who shows whether they are here */
  #answer(people) {
    const before = this.#known;
    this.#known = new Map();
    for (const [user, value] of Object.entries(people)) {
      if (!isObject(value)) continue;
      const online = value.online === true;
      const lastSeen = isText(value.lastSeen) ? Date.parse(value.lastSeen) || null : null;
      const last = before.get(user);
      // A reload takes a moment: only the second answer ends what is shown.
      if (!online && last?.online && last.answers === 0)
        this.#known.set(user, { ...last, answers: 1 });
      else if (online || lastSeen !== null) this.#known.set(user, { online, lastSeen, answers: 0 });
    }
  }

  /** @param {string} user @param {number} at */
  #hear(user, at) {
    const { clock, onChange } = this.#options;
    if (at <= (this.#heard.get(user) ?? 0)) return;
    this.#heard.set(user, at);
    const left = at + HEARD_FOR_MS - clock.now();
    if (left > 0 && this.#known.has(user)) clock.after(left, onChange);
  }
}

/** @param {Api} api @param {boolean} shown */
export async function showPresence(api, shown) {
  await api.request("PUT", "/me/presence", { shown });
}
