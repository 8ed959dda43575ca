/**
 * What the tabs of one person tell one another: facts, what each has on its screen, and to the one that comes later what
 * is known already. Over `Tabs`, which knows who leads.
 */

import { Tabs } from "./tabs.js";

/** @import { Fact, Message, Presence } from "./facts.js" */
/** @import { Model } from "./model.js" */
/** @import { Surroundings } from "./surroundings.js" */

/** How long a gap may last here, in milliseconds, before it is repaired here: the leader repairs its own, and tells. */
const GAP_PATIENCE = 2_000;
/** A leader that does not answer for this long, in milliseconds, is asleep. */
const LEADER_PATIENCE = 5_000;
/** How often a tab that somebody looks at asks whether the leader is awake, in milliseconds. */
const CHECK_EVERY = 20_000;

/**
 * @typedef {object} TogetherOptions
 * @property {Surroundings} surroundings
 * @property {string} name one per server and person
 * @property {Model} model
 * @property {() => string[]} wanted the conversations that this tab wants followed
 * @property {() => void} onLead this tab leads from now on; it says `lead` when it is able to
 * @property {() => void} onLost another tab leads instead
 * @property {(fact: Fact) => void} onFact of another tab
 * @property {(conversation: string) => void} onFollow another tab wants it; only a leader cares
 * @property {() => void} onWake somebody looks at another tab; only a leader cares
 * @property {(conversation: string) => void} onBehind this tab has missed entries
 * @property {() => void} onChange
 */

export class Together {
  /** @type {TogetherOptions} */ #options;
  /** @type {Tabs} */ #tabs;
  #tab = "";
  #isLeading = false;
  /** Of the other tabs. @type {Map<string, Presence>} */ #presences = new Map();
  /** @type {() => void} */ #cancelCheck = () => {};
  /** @type {(() => void) | null} */ #cancelSteal = null;
  /** Timers of gaps, by conversation. @type {Map<string, () => void>} */ #gaps = new Map();

  /** @param {TogetherOptions} options */
  constructor(options) {
    const { name, onLead, onLost, surroundings } = options;
    this.#options = options;
    this.#tabs = new Tabs({
      browser: surroundings.tabs,
      name,
      onLead,
      onLost: () => {
        this.#isLeading = false;
        onLost();
        this.#check();
      },
      onMessage: (message) => this.#hear(message),
    });
  }

  join() {
    this.#tab = this.#options.surroundings.newId();
    this.#tabs.join();
    this.#post({ kind: "join", tab: this.#tab });
    this.present();
    this.#check();
  }

  leave() {
    this.#isLeading = false;
    this.#cancelCheck();
    this.#heardOfLeader();
    this.#post({ kind: "presence", tab: this.#tab, presence: null });
    this.#tabs.leave();
    this.#presences.clear();
    for (const cancel of this.#gaps.values()) cancel();
    this.#gaps.clear();
  }

  /** This tab leads, and is able to: the others say what they want. */
  lead() {
    this.#isLeading = true;
    this.#cancelCheck();
    this.#heardOfLeader();
    this.#post({ kind: "lead" });
  }

  /** @param {Fact} fact */
  tell(fact) {
    this.#post({ kind: "fact", fact });
  }

  /** Says what is on this tab's screen, and whether somebody looks at it. */
  present() {
    const { surroundings, wanted } = this.#options;
    this.#post({ kind: "presence", tab: this.#tab, presence: { visible: surroundings.isVisible(), wanted: wanted() } });
  }

  /** Wants a conversation followed, that this tab has seen up to a position. @param {string} conversation @param {number} position */
  follow(conversation, position) {
    this.#post({ kind: "follow", tab: this.#tab, conversation, position });
  }

  /** Somebody looks at this tab, or the network is back: the leader should know, and should be awake. */
  wake() {
    if (this.#isLeading) return;
    this.#post({ kind: "wake" });
    this.#check();
  }

  isAnyVisible() {
    return this.#options.surroundings.isVisible() || [...this.#presences.values()].some(({ visible }) => visible);
  }

  wantedElsewhere() {
    return [...this.#presences.values()].flatMap(({ wanted }) => wanted);
  }

  /** An entry is ahead of a gap, in a tab that does not lead. @param {string} conversation */
  noticeGap(conversation) {
    if (this.#gaps.has(conversation)) return;
    const { model, onBehind, surroundings } = this.#options;
    const cancel = surroundings.clock.after(GAP_PATIENCE, () => {
      this.#gaps.delete(conversation);
      if (model.find(conversation)?.hasGap) onBehind(conversation);
    });
    this.#gaps.set(conversation, cancel);
  }

  /** @param {Message} message */
  #hear(message) {
    const { model, onBehind, onChange, onFact, onFollow, onWake, wanted } = this.#options;
    switch (message.kind) {
      case "fact":
        return onFact(message.fact);
      case "presence":
        if (message.presence) this.#presences.set(message.tab, message.presence);
        else this.#presences.delete(message.tab);
        return;
      case "join":
        // A tab that does not lead says only that it is there.
        if (this.#isLeading) this.#post({ kind: "welcome", tab: message.tab, snapshot: model.snapshot() });
        return this.present();
      case "welcome":
        if (message.tab !== this.#tab) return;
        model.welcome(message.snapshot);
        return onChange();
      case "lead":
        this.#post({ kind: "join", tab: this.#tab });
        for (const id of wanted()) this.follow(id, model.find(id)?.position ?? 0);
        return;
      case "follow": {
        if (!this.#isLeading || !model.directory.get(message.conversation)) return;
        onFollow(message.conversation);
        const { conversation, tab } = message;
        const { position } = model.replica(conversation);
        if (position > message.position) this.#post({ kind: "behind", tab, conversation, position });
        return;
      }
      case "behind":
        // What the leader told before this has come before this, and may have been all that was missing.
        if (message.tab !== this.#tab || (model.find(message.conversation)?.position ?? 0) >= message.position) return;
        return onBehind(message.conversation);
      case "wake":
        return onWake();
      case "check":
        if (this.#isLeading) this.#post({ kind: "awake", tab: message.tab });
        return;
      case "awake":
        if (message.tab === this.#tab) this.#heardOfLeader();
    }
  }

  /** Whether the leader is awake; if not, this tab leads. Only where somebody looks: elsewhere it may be this tab that sleeps. */
  #check() {
    const { clock, isVisible, tabs } = this.#options.surroundings;
    if (tabs === null) return;
    this.#cancelCheck();
    this.#cancelCheck = clock.after(CHECK_EVERY, () => this.#check());
    if (!isVisible()) return;
    this.#post({ kind: "check", tab: this.#tab });
    this.#cancelSteal ??= clock.after(LEADER_PATIENCE, () => {
      this.#cancelSteal = null;
      if (isVisible()) this.#tabs.steal();
    });
  }

  #heardOfLeader() {
    this.#cancelSteal?.();
    this.#cancelSteal = null;
  }

  /** @param {Message} message */
  #post(message) {
    this.#tabs.post(message);
  }
}
