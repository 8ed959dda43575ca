/**
 * The tabs of a user in one browser. The tab with the lock leads; when it closes, the next one gets
 * the lock. The tabs send one another their changes and what they show.
 */

/** @import { Change, Channel, Presence, TabMessage, TabsOptions } from "./types.js" */

/** The leader repairs its gaps earlier, and publishes what it reads. */
const GAP_LIMIT_MS = 2_000;
/** A single silence may be this tab's own delay. */
const LEADER_LIMIT_MS = 5_000;
const CHECKS = 2;
const CHECK_EVERY_MS = 20_000;
/** For tabs that crashed. Browsers slow the timers of hidden tabs to one a minute. */
const PRESENCE_LASTS_MS = 90_000;

export class Tabs {
  /** @type {TabsOptions} */
  #options;
  /** @type {Channel | null} */
  #channel = null;
  #tab = "";
  #isLeading = false;
  #release = () => {};
  /** @type {Map<string, Presence & {at: number}>} */
  #presences = new Map();
  #cancelCheck = () => {};
  /** @type {(() => void) | null} */
  #cancelSteal = null;
  /** @type {Map<string, () => void>} */
  #gaps = new Map();

  /** @param {TabsOptions} options */
  constructor(options) {
    this.#options = options;
  }

  join() {
    const { environment, onEvent } = this.#options;
    this.#tab = environment.newId();
    if (environment.tabs === null) return onEvent({ kind: "lead" });
    this.#channel = environment.tabs.channel();
    this.#channel.onmessage = ({ data }) => this.#received(/** @type {TabMessage} */ (data));
    this.#requestLock(false);
    this.#post({ kind: "join", tab: this.#tab });
    this.announce();
    this.#check();
  }

  leave() {
    this.#isLeading = false;
    this.#cancelCheck();
    this.#heardLeader();
    this.#post({ kind: "presence", tab: this.#tab, presence: null });
    this.#release();
    this.#release = () => {};
    this.#channel?.close();
    this.#channel = null;
    this.#presences.clear();
    for (const cancel of this.#gaps.values()) cancel();
    this.#gaps.clear();
  }

  lead() {
    this.#isLeading = true;
    this.#heardLeader();
    this.#post({ kind: "lead" });
    this.announce();
  }

  /** @param {Change} change */
  publish(change) {
    this.#post({ kind: "change", change });
  }

  announce() {
    const { environment, wanted } = this.#options;
    const presence = {
      leads: this.#isLeading,
      visible: environment.isVisible(),
      wanted: wanted(),
    };
    this.#post({ kind: "presence", tab: this.#tab, presence });
  }

  /**
   * @param {string} conversation
   * @param {number} position
   */
  follow(conversation, position) {
    this.#post({ kind: "follow", tab: this.#tab, conversation, position });
  }

  wake() {
    if (this.#isLeading) return;
    this.#post({ kind: "wake" });
    this.#check();
  }

  isAnyVisible() {
    return this.#options.environment.isVisible() || this.#others().some(({ visible }) => visible);
  }

  wantedElsewhere() {
    return this.#others().flatMap(({ wanted }) => wanted);
  }

  #others() {
    const since = this.#options.environment.clock.now() - PRESENCE_LASTS_MS;
    return [...this.#presences.values()].filter(({ at }) => at > since);
  }

  /** @param {string} conversation */
  noticeGap(conversation) {
    if (this.#gaps.has(conversation)) return;
    const { environment, model, onEvent } = this.#options;
    const cancel = environment.clock.after(GAP_LIMIT_MS, () => {
      this.#gaps.delete(conversation);
      if (model.find(conversation)?.hasGap) onEvent({ kind: "behind", conversation });
    });
    this.#gaps.set(conversation, cancel);
  }

  /** @param {TabMessage} message */
  #received(message) {
    const { model, onEvent, wanted } = this.#options;
    switch (message.kind) {
      case "change":
        return onEvent(message);
      case "presence":
        return this.#updatePresence(message.tab, message.presence);
      case "join":
        if (this.#isLeading)
          this.#post({ kind: "welcome", tab: message.tab, snapshot: model.snapshot() });
        return this.announce();
      case "welcome":
        if (message.tab !== this.#tab) return;
        model.welcome(message.snapshot);
        return onEvent({ kind: "welcome" });
      case "lead":
        this.#post({ kind: "join", tab: this.#tab });
        for (const id of wanted()) this.follow(id, model.find(id)?.position ?? 0);
        return;
      case "follow":
        return this.#followFor(message.tab, message.conversation, message.position);
      case "behind": {
        const { conversation, position, tab } = message;
        // Changes before this message may have brought all that was missing.
        const isBehind = (model.find(conversation)?.position ?? 0) < position;
        if (tab === this.#tab && isBehind) onEvent({ kind: "behind", conversation });
        return;
      }
      case "wake":
        return onEvent({ kind: "wake" });
      case "check":
        if (this.#isLeading) this.#post({ kind: "awake", tab: message.tab });
        return;
      case "awake":
        if (message.tab === this.#tab) this.#heardLeader();
    }
  }

  /**
   * @param {string} tab
   * @param {Presence | null} presence
   */
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
    const { model, onEvent } = this.#options;
    if (!this.#isLeading || !model.directory.get(conversation)) return;
    onEvent({ kind: "follow", conversation });
    const { position } = model.replica(conversation);
    if (position > known) this.#post({ kind: "behind", tab, conversation, position });
  }

  #check() {
    const { clock } = this.#options.environment;
    if (this.#channel === null) return;
    this.#cancelCheck();
    this.#cancelCheck = clock.after(CHECK_EVERY_MS, () => {
      this.announce();
      this.#check();
    });
    if (!this.#isLeading && this.#cancelSteal === null) this.#askLeader(CHECKS);
  }

  /**
   * Takes the lead from a leader that is asleep. Browsers put only hidden tabs to sleep.
   * @param {number} checks that remain
   */
  #askLeader(checks) {
    const { clock, isVisible } = this.#options.environment;
    this.#heardLeader();
    if (!isVisible() || this.#others().some(({ leads, visible }) => leads && visible)) return;
    if (checks === 0) {
      this.#release();
      return this.#requestLock(true);
    }
    this.#post({ kind: "check", tab: this.#tab });
    this.#cancelSteal = clock.after(LEADER_LIMIT_MS, () => this.#askLeader(checks - 1));
  }

  #heardLeader() {
    this.#cancelSteal?.();
    this.#cancelSteal = null;
  }

  /** @param {boolean} steal */
  #requestLock(steal) {
    const { environment, lock, onEvent } = this.#options;
    const { signal, release } = releasable();
    this.#release = release;
    const holdLock = async () => {
      if (signal.aborted) return;
      const released = new Promise((resolve) => signal.addEventListener("abort", resolve));
      onEvent({ kind: "lead" });
      await released;
    };
    environment.tabs?.lock(lock, steal ? { steal } : { signal }, holdLock).catch(() => {
      if (signal.aborted) return;
      this.#isLeading = false;
      onEvent({ kind: "lost" });
      this.#check();
      this.#requestLock(false);
    });
  }

  /** @param {TabMessage} message */
  #post(message) {
    this.#channel?.postMessage(message);
  }
}

function releasable() {
  const controller = new AbortController();
  return { signal: controller.signal, release: () => controller.abort() };
}
