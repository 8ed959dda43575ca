/**
 * The keys of the message list. Only one of its buttons is reached with the Tab key; the arrow keys lead
 * to the others: up and down between messages, left and right within one.
 */

import { isForInputMethod, setAttribute } from "./element.js";

const ROVING = "[data-rove]";

export class Roving {
  #isScheduled = false;
  #log;
  #onLeave;

  /** @param {HTMLElement} log @param {() => void} onLeave */
  constructor(log, onLeave) {
    this.#log = log;
    this.#onLeave = onLeave;
    log.addEventListener("keydown", (event) => this.#pressed(event));
    log.addEventListener("focusin", ({ target }) => {
      if (target instanceof HTMLElement && target.matches(ROVING)) this.#stop(target);
    });
  }

  /** Rows have come or gone. */
  changed() {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      const active = document.activeElement;
      if (active instanceof HTMLElement && this.#log.contains(active) && active.matches(ROVING))
        return this.#stop(active);
      const last = this.#rows().findLast((row) => controls(row).length > 0);
      const stop = last && controls(last).at(-1);
      if (stop) this.#stop(stop);
    });
  }

  /** @param {HTMLElement} stop the button that the Tab key reaches */
  #stop(stop) {
    for (const control of this.#log.querySelectorAll(`${ROVING}[tabindex="0"]`))
      if (control !== stop) setAttribute(control, "tabindex", -1);
    setAttribute(stop, "tabindex", 0);
  }

  #rows() {
    return [...this.#log.querySelectorAll(".message")].flatMap((row) =>
      row instanceof HTMLElement ? [row] : [],
    );
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    const { target } = event;
    if (!(target instanceof HTMLElement) || isForInputMethod(event)) return;
    const row = target.closest(".message");
    if (!(row instanceof HTMLElement) || !(target === row || target.matches(ROVING))) return;
    if (event.key === "Escape") this.#onLeave();
    else if (!this.#move(event.key, row, target)) return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** @param {string} key @param {HTMLElement} row @param {HTMLElement} from */
  #move(key, row, from) {
    const rows = this.#rows();
    const at = rows.indexOf(row);
    const own = controls(row);
    const step = own.indexOf(from);
    switch (key) {
      case "ArrowUp":
        return focusRow(rows[at - 1]);
      case "ArrowDown":
        return focusRow(rows[at + 1]);
      case "Home":
        return focusRow(rows[0]);
      case "End":
        return focusRow(rows.at(-1));
      case "ArrowLeft":
        return focus(step < 0 ? own.at(-1) : own[step - 1]);
      case "ArrowRight":
        return focus(own[step + 1]);
      default:
        return false;
    }
  }
}

/** Focuses the last button of a message: what can be done with it. @param {HTMLElement | undefined} row */
function focusRow(row) {
  return row !== undefined && focus(actions(row) ?? row);
}

/** @param {HTMLElement} row */
function actions(row) {
  return controls(row).find((control) => control.classList.contains("act"));
}

/** @param {HTMLElement | undefined} target */
function focus(target) {
  target?.focus();
  target?.scrollIntoView({ block: "nearest" });
  return target !== undefined;
}

/** @param {HTMLElement} row @returns {HTMLElement[]} */
function controls(row) {
  return [...row.querySelectorAll(ROVING)].flatMap((control) =>
    control instanceof HTMLElement && !control.hidden ? [control] : [],
  );
}
