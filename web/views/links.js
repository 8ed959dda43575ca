/**
 * Finds web addresses in what people write. Only `http:` and `https:` become links, and only where the browser's own
 * reading of the address is the one that the reader sees; everything else stays text.
 */

/** @typedef {{text: string, href: string | null}} Piece */

/** Marks that turn letters around end an address: it would lead elsewhere than it reads. */
const CANDIDATE = /\bhttps?:\/\/[^\s<>"“”«»`\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]+/giu;
/** What ends a sentence rather than an address. */
const TRAILING = /[.,;:!?'’…]+$/u;

/**
 * The text in pieces; together they are the text.
 * @param {string} text
 * @returns {Piece[]}
 */
export function piecesOf(text) {
  /** @type {Piece[]} */
  const pieces = [];
  let end = 0;
  for (const { 0: found, index } of text.matchAll(CANDIDATE)) {
    const address = withoutTrailing(found);
    const href = safeAddress(address);
    if (href === null) continue;
    if (index > end) pieces.push({ text: text.slice(end, index), href: null });
    pieces.push({ text: address, href });
    end = index + address.length;
  }
  if (end < text.length) pieces.push({ text: text.slice(end), href: null });
  return pieces;
}

/** A closing bracket belongs to the address only if it was opened in it. @param {string} found */
function withoutTrailing(found) {
  for (let address = found; ; ) {
    const trimmed = address.replace(TRAILING, "");
    const open = trimmed.endsWith(")") ? "(" : trimmed.endsWith("]") ? "[" : null;
    const isLoose =
      open !== null && trimmed.split(open).length < trimmed.split(trimmed.slice(-1)).length;
    const next = isLoose ? trimmed.slice(0, -1) : trimmed;
    if (next === address) return address;
    address = next;
  }
}

/** @param {string} address @returns {string | null} */
function safeAddress(address) {
  if (!URL.canParse(address)) return null;
  const url = new URL(address);
  // `https://bank.example@evil.example` reads as the one and leads to the other.
  const isPlain =
    (url.protocol === "https:" || url.protocol === "http:") &&
    url.username === "" &&
    url.password === "";
  return isPlain ? url.href : null;
}
