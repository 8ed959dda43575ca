/** The tab with the lock leads. Tabs send one another their changes. */

/** @import { Change, Channel, Neighbours, TabMessage, TabsOptions } from "./types.js" */

/** Another tab would have answered by then, unless it is asleep. */
const ALONE_AFTER_MS = 2_000;

export class Tabs {
  /** @type {TabsOptions} */
  #options;
  /** @type {Channel | null} */
  #channel = null;
  #tab = "";
  #isLeading = false;
  #release = () => {};
  /** @type {Neighbours | null} */
  #neighbours = null;
  #cancelMeeting = () => {};

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
    this.#cancelMeeting = environment.clock.after(ALONE_AFTER_MS, () => {
      if (!this.#isLeading) void this.#meet();
    });
  }

  leave() {
    this.#isLeading = false;
    this.#cancelMeeting();
    this.#neighbours?.leave();
    this.#neighbours = null;
    this.#post({ kind: "presence", tab: this.#tab, presence: null });
    this.#release();
    this.#release = () => {};
    this.#channel?.close();
    this.#channel = null;
  }

  lead() {
    this.#isLeading = true;
    this.#neighbours?.heardLeader();
    this.#post({ kind: "lead" });
    this.announce();
  }

  /** @param {Change} change */
  publish(change) {
    this.#post({ kind: "change", change });
  }

  announce() {
    const { activeUntil, environment, wanted } = this.#options;
    const presence = {
      leads: this.#isLeading,
      visible: environment.isVisible(),
      wanted: wanted(),
      activeUntil: activeUntil(),
    };
    this.#post({ kind: "presence", tab: this.#tab, presence });
  }

  /** @param {string} conversation @param {number} position */
  follow(conversation, position) {
    this.#post({ kind: "follow", tab: this.#tab, conversation, position });
  }

  wake() {
    if (this.#isLeading) return;
    this.#post({ kind: "wake" });
    void this.#meet().then((neighbours) => neighbours?.check());
  }

  isAnyVisible() {
    return this.#options.environment.isVisible() || this.#others().some(({ visible }) => visible);
  }

  activeUntil() {
    const others = this.#others().map(({ activeUntil }) => activeUntil);
    return Math.max(this.#options.activeUntil(), ...others);
  }

  /** @param {Record<string, unknown>} frame that the leader sends */
  tell(frame) {
    this.#post({ kind: "tell", frame });
  }

  wantedElsewhere() {
    return this.#others().flatMap(({ wanted }) => wanted);
  }

  /** @param {string} conversation */
  noticeGap(conversation) {
    this.#neighbours?.noticeGap(conversation);
  }

  #others() {
    return this.#neighbours?.others() ?? [];
  }

  /** @param {TabMessage} message */
  #received(message) {
    // Those that come while the module is loading stay in order.
    if (this.#neighbours) this.#neighbours.received(message);
    else void this.#meet().then((neighbours) => neighbours?.received(message));
  }

  /** A message that is lost because loading fails is like one to a tab that is asleep. */
  async #meet() {
    const channel = this.#channel;
    const module = await import("./neighbours.js").catch(() => null);
    if (channel === null || channel !== this.#channel || module === null) return null;
    this.#neighbours ??= new module.Neighbours({
      ...this.#options,
      tab: this.#tab,
      isLeading: () => this.#isLeading,
      announce: () => this.announce(),
      post: (message) => this.#post(message),
      steal: () => {
        this.#release();
        this.#requestLock(true);
      },
    });
    return this.#neighbours;
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
      this.#requestLock(false);
      void this.#meet().then((neighbours) => neighbours?.check());
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
