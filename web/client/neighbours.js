/**
 * The other tabs of the user in this browser: what they show, what they missed, and whether their
 * leader is asleep.
 */

/** @import { Model, NeighboursOptions, Presence, Snapshot, TabMessage } from "./types.js" */

/** The leader repairs its gaps earlier, and publishes what it reads. */
const GAP_LIMIT_MS = 2_000;
/** A single silence may be this tab's own delay. */
const LEADER_LIMIT_MS = 5_000;
const CHECKS = 2;
const CHECK_EVERY_MS = 20_000;
/** For tabs that crashed. Browsers slow the timers of hidden tabs to one a minute. */
const PRESENCE_LASTS_MS = 90_000;

export class Neighbours {
  /** @type {NeighboursOptions} */
  #options;
  /** @type {Map<string, Presence & {at: number}>} */
  #presences = new Map();
  #cancelCheck = () => {};
  /** @type {(() => void) | null} */
  #cancelSteal = null;
  /** @type {Map<string, () => void>} */
  #gaps = new Map();
  #hasLeft = false;

  /** @param {NeighboursOptions} options */
  constructor(options) {
    this.#options = options;
    this.check();
  }

  leave() {
    this.#hasLeft = true;
    this.#cancelCheck();
    this.heardLeader();
    for (const cancel of this.#gaps.values()) cancel();
    this.#gaps.clear();
  }

  others() {
    const since = this.#options.environment.clock.now() - PRESENCE_LASTS_MS;
    return [...this.#presences.values()].filter(({ at }) => at > since);
  }

  /** @param {string} conversation */
  noticeGap(conversation) {
    if (this.#gaps.has(conversation)) return;
    const { environment, model, onBehind } = this.#options;
    const cancel = environment.clock.after(GAP_LIMIT_MS, () => {
      this.#gaps.delete(conversation);
      if (model.find(conversation)?.hasGap) onBehind(conversation);
    });
    this.#gaps.set(conversation, cancel);
  }

  /** @param {TabMessage} message */
  received(message) {
    const { announce, isLeading, leader, model, onBehind, onChange, onEvent, post, tab, wanted } =
      this.#options;
    if (this.#hasLeft) return;
    switch (message.kind) {
      case "change":
        return onEvent(message);
      case "presence":
        this.#updatePresence(message.tab, message.presence);
        return leader()?.sharing?.looked();
      case "join":
        if (isLeading()) post({ kind: "welcome", tab: message.tab, snapshot: snapshotOf(model) });
        return announce();
      case "welcome":
        if (message.tab !== tab) return;
        welcome(model, message.snapshot);
        return onChange();
      case "lead":
        post({ kind: "join", tab });
        for (const id of wanted())
          post({
            kind: "follow",
            tab,
            conversation: id,
            position: model.find(id)?.position ?? 0,
          });
        return;
      case "follow":
        return this.#followFor(message.tab, message.conversation, message.position);
      case "behind": {
        const { conversation, position } = message;
        // Changes before this message may have brought all that was missing.
        const isBehind = (model.find(conversation)?.position ?? 0) < position;
        if (message.tab === tab && isBehind) onBehind(conversation);
        return;
      }
      case "wake":
        return leader()?.wake();
      case "tell":
        return void leader()?.tell(message.frame);
      case "check":
        if (isLeading()) post({ kind: "awake", tab: message.tab });
        return;
      case "awake":
        if (message.tab === tab) this.heardLeader();
    }
  }

  /** Announces this tab from time to time, and asks whether the leader is awake. */
  check() {
    const { announce, environment, isLeading } = this.#options;
    if (this.#hasLeft) return;
    this.#cancelCheck();
    this.#cancelCheck = environment.clock.after(CHECK_EVERY_MS, () => {
      announce();
      this.check();
    });
    if (!isLeading() && this.#cancelSteal === null) this.#askLeader(CHECKS);
  }

  heardLeader() {
    this.#cancelSteal?.();
    this.#cancelSteal = null;
  }

  /** @param {string} tab @param {Presence | null} presence */
  #updatePresence(tab, presence) {
    const at = this.#options.environment.clock.now();
    if (presence) this.#presences.set(tab, { ...presence, at });
    else this.#presences.delete(tab);
  }

  /**
   * @param {string} tab
   * @param {string} conversation
   * @param {number} known the tab's position
   */
  #followFor(tab, conversation, known) {
    const { isLeading, leader, model, post } = this.#options;
    if (!isLeading() || !model.directory.get(conversation)) return;
    leader()?.follow(conversation);
    const { position } = model.replica(conversation);
    if (position > known) post({ kind: "behind", tab, conversation, position });
  }

  /**
   * Takes the lead from a leader that is asleep. Browsers put only hidden tabs to sleep.
   * @param {number} checks that remain
   */
  #askLeader(checks) {
    const { environment, post, steal, tab } = this.#options;
    const { clock, isVisible } = environment;
    this.heardLeader();
    if (!isVisible() || this.others().some(({ leads, visible }) => leads && visible)) return;
    if (checks === 0) return steal();
    post({ kind: "check", tab });
    this.#cancelSteal = clock.after(LEADER_LIMIT_MS, () => this.#askLeader(checks - 1));
  }
}

/**
 * Returns the state for a new tab. Heads are positions, so that the tab misses nothing.
 * @param {Model} model
 * @returns {Snapshot}
 */
function snapshotOf(model) {
  const { directory, isLoaded, state } = model;
  const conversations = directory.all().map((info) => {
    const people = [...info.people].map((user) => ({ user, name: directory.nameOf(user) }));
    const missing = info.head - (model.find(info.id)?.position ?? info.head);
    const { head, total } = info;
    if (missing <= 0) return { ...info, people };
    return { ...info, people, head: head - missing, total: total - missing, exactTo: 0 };
  });
  return { isLoaded, state, conversations };
}

/** @param {Model} model @param {Snapshot} snapshot */
function welcome(model, { isLoaded, state, conversations }) {
  model.isLoaded ||= isLoaded;
  model.state = state;
  // What is listed from now on is new.
  model.directory.merged();
  for (const { people, ...info } of conversations) {
    for (const { user, name } of people) model.directory.learnName(user, name);
    const users = new Set(people.map(({ user }) => user));
    model.directory.restore({ ...info, inView: 0, people: users });
  }
}
