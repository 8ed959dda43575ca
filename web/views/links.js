/**
 * Finds web addresses in messages. Only `http:` and `https:` addresses become links, and only if the
 * browser reads them as people do.
 */

/** @typedef {{text: string, href: string | null}} Piece */

/** Marks that reverse text end an address, because they would hide where it leads. */
const CANDIDATE = /\bhttps?:\/\/[^\s<>"“”«»`\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]+/giu;
/** Punctuation that ends a sentence, and not an address. */
const TRAILING = /[.,;:!?'’…]+$/u;

/**
 * Splits a text into links and other text.
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

/**
 * Removes trailing punctuation. A closing bracket stays if the address contains the opening one.
 * @param {string} found
 */
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

/**
 * @param {string} address
 * @returns {string | null}
 */
function safeAddress(address) {
  if (!URL.canParse(address)) return null;
  const url = new URL(address);
  // `https://bank.example@evil.example` leads to evil.example.
  const isPlain =
    (url.protocol === "https:" || url.protocol === "http:") &&
    url.username === "" &&
    url.password === "";
  return isPlain ? url.href : null;
}
