/** A list of which only the visible rows are elements. */
import { element } from "./dom.js";

const ROW = 28;
/** Rows above and below the visible ones. */
const MARGIN = 8;

export class VirtualList {
  #rows = [];
  #selected = null;
  #elements = [];
  #planned = false;
  #follows = true;

  /**
   * @param {{label: string, render: (row: any, element: HTMLElement) => void, open: (row: any) => void}} options
   *   `render` fills the element of a row; `open` is called with a chosen row
   */
  constructor({ label, render, open }) {
    this.#render = render;
    this.#open = open;
    this.space = element("div", { class: "list-space" });
    this.window = element("div", { class: "list-window" });
    this.space.append(this.window);
    this.element = element(
      "div",
      {
        class: "list",
        tabindex: 0,
        "aria-label": label,
        "data-testid": "list",
        scroll: () => {
          const { scrollTop, scrollHeight, clientHeight } = this.element;
          this.#follows = scrollTop + clientHeight >= scrollHeight - ROW;
          this.#plan();
        },
        keydown: (event) => this.#key(event),
        click: (event) => this.#click(event),
      },
      this.space,
    );
    new ResizeObserver(() => this.#plan()).observe(this.element);
  }

  #render;
  #open;

  /** Shows these rows. The array may grow and shrink; call this after each change. */
  show(rows) {
    this.#rows = rows;
    if (rows.length > 0) this.element.setAttribute("role", "listbox");
    else this.element.setAttribute("role", "group");
    this.#plan();
  }

  /** Draws once in the next frame, however often it is called. */
  #plan() {
    if (this.#planned) return;
    this.#planned = true;
    requestAnimationFrame(() => {
      this.#planned = false;
      this.#draw();
    });
  }

  #draw() {
    const { element: list, space } = this;
    const rows = this.#rows;
    const height = `${rows.length * ROW}px`;
    if (space.style.height !== height) {
      space.style.height = height;
      if (this.#follows) list.scrollTop = list.scrollHeight;
    }
    const first = Math.max(0, Math.floor(list.scrollTop / ROW) - MARGIN);
    const count = Math.min(rows.length - first, Math.ceil(list.clientHeight / ROW) + 2 * MARGIN);
    this.window.style.transform = `translateY(${first * ROW}px)`;
    while (this.#elements.length < count) {
      const created = element("div", { role: "option", class: "row" });
      this.#elements.push(created);
      this.window.append(created);
    }
    while (this.#elements.length > Math.max(0, count)) this.#elements.pop().remove();
    this.#elements.forEach((shown, index) => {
      const row = rows[first + index];
      shown.id = `row-${row.number}`;
      shown.dataset.index = String(first + index);
      shown.setAttribute("aria-posinset", String(first + index + 1));
      shown.setAttribute("aria-setsize", String(rows.length));
      shown.setAttribute("aria-selected", String(row === this.#selected));
      this.#render(row, shown);
    });
    const active = this.#elements.find((shown) => shown.getAttribute("aria-selected") === "true");
    if (active) list.setAttribute("aria-activedescendant", active.id);
    else list.removeAttribute("aria-activedescendant");
  }

  #click(event) {
    const shown = event.target.closest("[data-index]");
    if (shown) this.#choose(Number(shown.dataset.index), true);
  }

  #key(event) {
    const now = this.#rows.indexOf(this.#selected);
    const last = this.#rows.length - 1;
    const page = Math.max(1, Math.floor(this.element.clientHeight / ROW) - 1);
    const target = {
      ArrowDown: now + 1,
      ArrowUp: now === -1 ? last : now - 1,
      PageDown: now + page,
      PageUp: now - page,
      Home: 0,
      End: last,
      Enter: now,
    }[event.key];
    if (target === undefined || last < 0) return;
    event.preventDefault();
    this.#choose(Math.min(last, Math.max(0, target)), event.key === "Enter");
  }

  #choose(index, opens) {
    this.#selected = this.#rows[index];
    const { element: list } = this;
    if (index * ROW < list.scrollTop) list.scrollTop = index * ROW;
    else if ((index + 1) * ROW > list.scrollTop + list.clientHeight)
      list.scrollTop = (index + 1) * ROW - list.clientHeight;
    this.#plan();
    if (opens && this.#selected !== undefined) this.#open(this.#selected);
  }
}
