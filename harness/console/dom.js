/** Builds elements. Texts are always text nodes, so nothing that users wrote becomes markup. */

/**
 * Creates an element.
 *
 * @param {string} tag
 * @param {Record<string, unknown>} [properties] attributes; functions are listeners by event name
 * @param {...(Node | string | number | null)} children
 */
export function element(tag, properties = {}, ...children) {
  const created = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === "function") created.addEventListener(name, value);
    else if (value === true) created.setAttribute(name, "");
    else if (value !== false && value !== undefined && value !== null)
      created.setAttribute(name, String(value));
  }
  created.append(...children.filter((child) => child !== null).map((child) => printable(child)));
  return created;
}

const printable = (child) => (typeof child === "number" ? String(child) : child);

/** Creates an element of SVG. */
export function svg(tag, properties = {}, ...children) {
  const created = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(properties)) created.setAttribute(name, String(value));
  created.append(...children);
  return created;
}

/** Creates a table with a caption. Cells are texts or nodes. */
export function table(caption, heads, rows) {
  if (rows.length === 0) return element("p", { class: "hint" }, `${caption}: none`);
  return element(
    "div",
    { class: "scroll", tabindex: 0, role: "region", "aria-label": caption },
    element(
      "table",
      {},
      element("caption", {}, caption),
      element(
        "thead",
        {},
        element("tr", {}, ...heads.map((head) => element("th", { scope: "col" }, head))),
      ),
      element(
        "tbody",
        {},
        ...rows.map((cells) =>
          element("tr", {}, ...cells.map((cell) => element("td", {}, cell ?? ""))),
        ),
      ),
    ),
  );
}

/** Creates a labelled field. */
export function field(label, input) {
  return element("label", { class: "field" }, element("span", {}, label), input);
}

/** Creates a select from `[value, text]` pairs. */
export function select(options, properties = {}) {
  return element(
    "select",
    properties,
    ...options.map(([value, text]) => element("option", { value }, text)),
  );
}

/** Returns a duration in microseconds as text. */
export function duration(micros) {
  if (micros < 1_000) return `${micros} µs`;
  if (micros < 1_000_000) return `${(micros / 1_000).toFixed(micros < 10_000 ? 1 : 0)} ms`;
  return `${(micros / 1_000_000).toFixed(2)} s`;
}

/** Returns an amount of dollars as text, by the million where it is tiny. */
export function money(dollars) {
  if (!dollars) return "";
  if (dollars < 0.01) return `$${(dollars * 1e6).toFixed(2)}/M`;
  return `$${dollars.toFixed(4)}`;
}

/** Returns the time of day of an event as text. */
export function clock(micros) {
  const time = new Date(micros / 1_000);
  return `${time.toLocaleTimeString("en-GB")}.${String(time.getMilliseconds()).padStart(3, "0")}`;
}
