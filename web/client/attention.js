/**
 * What a tab knows beyond messages: what its user looks at and has read, who types, and who is
 * here. Loaded a moment after a conversation is on screen.
 */

// Loaded early, so that messages can also be changed offline.
import "./revisions.js";
import { Action } from "./protocol.js";
import { Presence } from "./presence.js";
import { Reading } from "./reading.js";
import { Typing } from "./typing.js";

/** @import { AttentionOptions, Change, HostEvent, View } from "./types.js" */

export { showPresence } from "./presence.js";

/** The user counts as present for this long after their input, and after the page is hidden. */
const INPUT_LIMIT_MS = 90_000;
const HIDDEN_LIMIT_MS = 10_000;

export class Attention {
  /** Until when the user counts as present in this tab. */
  activeUntil = 0;
  /** @type {AttentionOptions} */
  #options;
  /**
   * The newest message on screen of each conversation, if the page says it.
   * @type {Map<string, number>}
   */
  #inView = new Map();
  /** @type {string | null} */
  #viewed = null;

  /** @param {AttentionOptions} options */
  constructor(options) {
    const { clock, environment, isTold, me, model, onChange, tell } = options;
    this.#options = options;
    this.typing = new Typing({
      clock,
      model,
      me,
      isTold,
      tell: (members) => tell({ action: Action.typing, ...members }),
      onChange,
    });
    this.presence = new Presence({ clock, onChange });
    this.reading = new Reading({ clock, model, view: () => this.#view(), onChange });
    if (environment.isVisible()) this.happened("visible");
  }

  /** @param {Change} change */
  applied(change) {
    this.presence.applied(change);
    this.typing.applied(change);
  }

  /** @param {HostEvent} event */
  happened(event) {
    const now = this.#options.clock.now();
    if (event === "hidden") this.activeUntil = Math.min(this.activeUntil, now + HIDDEN_LIMIT_MS);
    if (event === "visible" || event === "input") this.activeUntil = now + INPUT_LIMIT_MS;
  }

  /** @param {string} conversation @param {number} seq */
  show(conversation, seq) {
    this.#inView.set(conversation, seq);
    this.#options.onChange();
  }

  /** The user may look at something else. */
  look() {
    const { model, onLook } = this.#options;
    const view = this.#view();
    const before = this.#viewed;
    this.#viewed = view?.conversation ?? null;
    if (before !== null && before !== this.#viewed) model.directory.view(before, 0);
    if (view) model.directory.view(view.conversation, view.seq);
    this.reading.update();
    if (before !== this.#viewed) onLook();
  }

  /**
   * Returns the conversation on screen, if the window has the focus.
   * @returns {View | null}
   */
  #view() {
    const { currentId, environment, model } = this.#options;
    const { isFocused = () => true, isVisible } = environment;
    const id = currentId();
    const replica = id === null ? undefined : model.find(id);
    if (id === null || !replica || !isVisible() || !isFocused()) return null;
    const inView = this.#inView.get(id) ?? replica.position;
    return { conversation: id, seq: Math.min(inView, replica.position) };
  }
}
