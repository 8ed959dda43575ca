/**
 * Makes elements. Text is always a text node: there is no way from a string to markup in this page.
 */

/** @typedef {Node | string | null | false} Child */

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string | boolean | number | null | ((event: any) => void)>} attributes `onclick` and the like
 *   are listeners; `true` is an attribute without a value; `false` and `null` are none
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
 * Sets an attribute only if that changes something, so that a screen reader hears of changes and nothing else.
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

/** As `setAttribute`, for the text of an element. @param {Node} node @param {string} text */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * Makes `parent` hold exactly `children`, in order, moving as little as possible: what stays in place keeps its focus
 * and its selection.
 * @param {Element} parent
 * @param {Element[]} children
 */
export function arrange(parent, children) {
  const wanted = new Set(children);
  for (const child of [...parent.children]) if (!wanted.has(child)) child.remove();
  let place = parent.firstElementChild;
  for (const child of children) {
    if (child === place) place = place.nextElementSibling;
    else parent.insertBefore(child, place);
  }
}

/**
 * The first letters of a name, for its round picture.
 * @param {string} name
 */
export function initials(name) {
  const words = name.trim().split(/\s+/u);
  const letters = words.length > 1 ? [words[0], words[words.length - 1]] : [words[0]];
  return letters.map((word) => [...(word ?? "")][0] ?? "").join("").toUpperCase();
}

/**
 * A class with one of eight colours, always the same one for the same text.
 * @param {string} text
 */
export function hueClass(text) {
  let hash = 0;
  for (const character of text) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) >>> 0;
  return `hue-${hash % 8}`;
}

/** The round picture of a person or a conversation; names stand beside it, so it is hidden from screen readers. @param {string} key @param {string} name */
export function avatar(key, name) {
  return element("span", { class: `avatar ${hueClass(key)}`, "aria-hidden": "true" }, initials(name));
}

const SVG = "http://www.w3.org/2000/svg";

/**
 * An icon of one stroked path on a grid of 24.
 * @param {string} path
 */
export function icon(path) {
  const svg = document.createElementNS(SVG, "svg");
  for (const [name, value] of Object.entries({ class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true" })) {
    svg.setAttribute(name, value);
  }
  const stroke = document.createElementNS(SVG, "path");
  stroke.setAttribute("d", path);
  svg.append(stroke);
  return svg;
}

/** Paths for `icon`. */
export const Icons = Object.freeze({
  back: "M15 5l-7 7 7 7",
  plus: "M12 5v14M5 12h14",
  send: "M5 12h13M12.5 5.5L19 12l-6.5 6.5",
  leave: "M14 4h5v16h-5M10 8l-4 4 4 4M6 12h9",
  down: "M12 5v13M5.5 12.5L12 19l6.5-6.5",
  close: "M6 6l12 12M18 6L6 18",
});
