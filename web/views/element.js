/** Creates elements. Strings become text nodes, so text cannot become markup. */

/** @typedef {Node | string | null | false} Child */

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string | boolean | number | null | ((event: any) => void)>} attributes
 *   functions are listeners; `false` and `null` set no attribute
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name.slice(2), value);
    else setAttribute(node, name, value);
  }
  node.append(...children.filter((child) => child !== null && child !== false));
  return node;
}

/**
 * Sets an attribute if it differs, so that screen readers announce only changes.
 * @param {Element} node
 * @param {string} name
 * @param {string | boolean | number | null} value
 */
export function setAttribute(node, name, value) {
  if (value === null || value === false) {
    node.removeAttribute(name);
    return;
  }
  const text = value === true ? "" : String(value);
  if (node.getAttribute(name) !== text) node.setAttribute(name, text);
}

/** @param {Node} node @param {string} text */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * Makes `children` the children of `parent`, and moves only those out of place, to keep the focus.
 * @param {Element} parent
 * @param {Element[]} children
 */
export function arrange(parent, children) {
  const wanted = new Set(children);
  for (const child of [...parent.children]) {
    if (!wanted.has(child)) child.remove();
  }
  let place = parent.firstElementChild;
  for (const child of children) {
    if (child === place) place = place.nextElementSibling;
    else parent.insertBefore(child, place);
  }
}

/** @param {string} name */
export function initials(name) {
  const words = name
    .replace(/[“\u2068]/g, "")
    .trim()
    .split(/\s+/u);
  const letters = words.length > 1 ? [words[0], words[words.length - 1]] : [words[0]];
  return letters
    .map((word) => [...(word ?? "")][0] ?? "")
    .join("")
    .toUpperCase();
}

/**
 * Returns a picture with initials. It is hidden from screen readers: the name is beside it.
 * @param {string} key decides the colour
 * @param {string} name
 */
export function avatar(key, name) {
  let hash = 0;
  for (const character of key) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) >>> 0;
  const picture = element("span", { class: "avatar", "aria-hidden": "true" }, initials(name));
  picture.style.setProperty("--hue", String(45 * (Math.imul(hash, 0x9e3779b1) >>> 29)));
  return picture;
}

/**
 * Input methods use keys such as Enter and Escape themselves. Safari reports the last key after the
 * end of the composition, with the key code 229.
 * @param {KeyboardEvent} event
 */
export function isForInputMethod(event) {
  return event.isComposing || event.keyCode === 229;
}

const SVG = "http://www.w3.org/2000/svg";

/** @param {string} path */
export function icon(path) {
  const svg = document.createElementNS(SVG, "svg");
  setAttribute(svg, "class", "icon");
  setAttribute(svg, "viewBox", "0 0 24 24");
  setAttribute(svg, "aria-hidden", "true");
  const stroke = document.createElementNS(SVG, "path");
  setAttribute(stroke, "d", path);
  svg.append(stroke);
  return svg;
}

export const Icons = Object.freeze({
  back: "M15 5l-7 7 7 7",
  plus: "M12 5v14M5 12h14",
  send: "M5 12h13M12.5 5.5L19 12l-6.5 6.5",
  leave: "M14 4h5v16h-5M10 8l-4 4 4 4M6 12h9",
  down: "M12 5v13M5.5 12.5L12 19l6.5-6.5",
  people:
    "M9 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6M3 20a6 6 0 0 1 12 0M16 5a3 3 0 0 1 0 6M18 14a6 6 0 0 1 3 6",
});
