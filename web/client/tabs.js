/**
 * The tabs of one person in one browser. One leads, and when it closes or sleeps the next one does: the browser gives the
 * lock to exactly one, and takes it back from a tab that dies. They tell one another facts, and what each has on its screen.
 */

/** @import { Fact, Presence, TabMessage } from "./facts.js" */
/** @import { TabsOptions } from "./parts.js" */

/** A gap that is older is repaired here; the leader repairs its own, and tells. */
const GAP_PATIENCE = 2_000;
/** A leader that is silent for longer, twice, is asleep: a single time it may be this tab that was kept from hearing. */
const LEADER_PATIENCE = 5_000;
const CHECK_EVERY = 20_000;
/** A tab that crashed does not take its leave. One that nobody sees has its timers slowed down to one a minute. */
const PRESENCE_LASTS = 90_000;

export class Tabs {
  /** @type {TabsOptions} */ #options;
  /** @type {import("./surroundings.js").Channel | null} */ #channel = null;
  #tab = "";
  #isLeading = false;
  /** Gives back the lock, or the place in its queue. */ #release = () => {};
  /** @type {Map<string, Presence & {at: number}>} */ #presences = new Map();
  /** @type {() => void} */ #cancelCheck = () => {};
  /** @type {(() => void) | null} */ #cancelSteal = null;
  /** Timers, by conversation. @type {Map<string, () => void>} */ #gaps = new Map();

  /** @param {TabsOptions} options */
  constructor(options) {
    this.#options = options;
  }

  join() {
    const { onLead, surroundings } = this.#options;
    this.#tab = surroundings.newId();
    if (surroundings.tabs === null) return onLead();
    this.#channel = surroundings.tabs.channel();
    this.#channel.onmessage = ({ data }) => this.#hear(/** @type {TabMessage} */ (data));
    this.#queue(false);
    this.#post({ kind: "join", tab: this.#tab });
    this.present();
    this.#check();
  }

  leave() {
    this.#isLeading = false;
    this.#cancelCheck();
    this.#heardOfLeader();
    this.#post({ kind: "presence", tab: this.#tab, presence: null });
    this.#release();
    this.#release = () => {};
    this.#channel?.close();
    this.#channel = null;
    this.#presences.clear();
    for (const cancel of this.#gaps.values()) cancel();
    this.#gaps.clear();
  }

  /** The others say what they want. */
  lead() {
    this.#isLeading = true;
    this.#heardOfLeader();
    this.#post({ kind: "lead" });
    this.present();
  }

  /** @param {Fact} fact */
  tell(fact) {
    this.#post({ kind: "fact", fact });
  }

  present() {
    const { surroundings, wanted } = this.#options;
    this.#post({
      kind: "presence",
      tab: this.#tab,
      presence: { leads: this.#isLeading, visible: surroundings.isVisible(), wanted: wanted() },
    });
  }

  /** @param {string} conversation @param {number} position */
  follow(conversation, position) {
    this.#post({ kind: "follow", tab: this.#tab, conversation, position });
  }

  /** The leader should know, and be awake. */
  wake() {
    if (this.#isLeading) return;
    this.#post({ kind: "wake" });
    this.#check();
  }

  isAnyVisible() {
    return this.#options.surroundings.isVisible() || this.#others().some(({ visible }) => visible);
  }

  wantedElsewhere() {
    return this.#others().flatMap(({ wanted }) => wanted);
  }

  #others() {
    const since = this.#options.surroundings.clock.now() - PRESENCE_LASTS;
    return [...this.#presences.values()].filter(({ at }) => at > since);
  }

  /** @param {string} conversation */
  noticeGap(conversation) {
    if (this.#gaps.has(conversation)) return;
    const { model, onBehind, surroundings } = this.#options;
    const cancel = surroundings.clock.after(GAP_PATIENCE, () => {
      this.#gaps.delete(conversation);
      if (model.find(conversation)?.hasGap) onBehind(conversation);
    });
    this.#gaps.set(conversation, cancel);
  }

  /** @param {TabMessage} message */
  #hear(message) {
    const { model, onBehind, onChange, onFact, onFollow, onWake, surroundings, wanted } =
      this.#options;
    switch (message.kind) {
      case "fact":
        return onFact(message.fact);
      case "presence":
        if (message.presence)
          this.#presences.set(message.tab, { ...message.presence, at: surroundings.clock.now() });
        else this.#presences.delete(message.tab);
        return;
      case "join":
        if (this.#isLeading)
          this.#post({ kind: "welcome", tab: message.tab, snapshot: model.snapshot() });
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
        const { conversation, tab } = message;
        if (!this.#isLeading || !model.directory.get(conversation)) return;
        onFollow(conversation);
        const { position } = model.replica(conversation);
        if (position > message.position)
          this.#post({ kind: "behind", tab, conversation, position });
        return;
      }
      case "behind":
        // What was told before this may have been all that was missing.
        if (
          message.tab !== this.#tab ||
          (model.find(message.conversation)?.position ?? 0) >= message.position
        )
          return;
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

  /** Takes the lead from a tab that is asleep. No browser puts one to sleep that is seen; elsewhere it may be this one that sleeps. */
  #check() {
    const { clock } = this.#options.surroundings;
    if (this.#channel === null) return;
    this.#cancelCheck();
    this.#cancelCheck = clock.after(CHECK_EVERY, () => {
      this.present();
      this.#check();
    });
    if (!this.#isLeading && this.#cancelSteal === null) this.#ask(2);
  }

  /** @param {number} times that the leader may be silent */
  #ask(times) {
    const { clock, isVisible } = this.#options.surroundings;
    this.#heardOfLeader();
    if (!isVisible() || this.#others().some(({ leads, visible }) => leads && visible)) return;
    if (times === 0) {
      this.#release();
      return this.#queue(true);
    }
    this.#post({ kind: "check", tab: this.#tab });
    this.#cancelSteal = clock.after(LEADER_PATIENCE, () => this.#ask(times - 1));
  }

  #heardOfLeader() {
    this.#cancelSteal?.();
    this.#cancelSteal = null;
  }

  /** @param {boolean} steal */
  #queue(steal) {
    const { name, onLead, onLost, surroundings } = this.#options;
    const left = new AbortController();
    const held = new Promise((resolve) => left.signal.addEventListener("abort", resolve));
    this.#release = () => left.abort();
    const leads = async () => {
      if (left.signal.aborted) return;
      onLead();
      await held;
    };
    surroundings.tabs?.lock(name, steal ? { steal } : { signal: left.signal }, leads).catch(() => {
      if (left.signal.aborted) return;
      this.#isLeading = false;
      onLost();
      this.#check();
      this.#queue(false);
    });
  }

  /** @param {TabMessage} message */
  #post(message) {
    this.#channel?.postMessage(message);
  }
}
