/**
 * Finds web addresses in messages. An address becomes a link only if it leads where a reader
 * expects; others stay text. linkify-it finds where an address ends; the work is linear in the
 * text.
 */

import { LinkifyIt } from "../vendor/linkify-it.js";
import { element } from "./element.js";

/**
 * @typedef {object} Piece
 * @property {string} text
 * @property {string | null} href `null` for text that is not a link
 * @property {string} [host] the real host in ASCII, if the text shows it in other letters
 */

/** A longer address stays text. */
const MAX_LENGTH = 2_048;
/** How often each character may be read, on average. Addresses in one word are read repeatedly. */
const MAX_READS = 20;
const CANDIDATE = new RegExp(
  `((?<!\\w)https?:|(?<![\\w@./:-])www\\.)[^\\s<>"“”«»\`]{1,${MAX_LENGTH}}`,
  "giu",
);
/** Invisible marks end an address, because some of them reverse the text after them. */
const INVISIBLE = /[\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]/u;

/** A label may have letters of one of these. Chinese, Japanese and Korean share one. */
const SCRIPTS = [
  /\p{sc=Latin}/u,
  /\p{sc=Greek}/u,
  /\p{sc=Cyrillic}/u,
  /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}\p{sc=Bopomofo}]/u,
  /[^\p{sc=Latin}\p{sc=Greek}\p{sc=Cyrillic}\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}\p{sc=Bopomofo}\p{sc=Common}\p{sc=Inherited}]/u,
];

// With user names, so that `https://bank.example@evil.example` is found whole.
const linkify = new LinkifyIt({ urlAuth: true, maxLength: MAX_LENGTH });
linkify.add("www.", {
  validate(text, position, { re }) {
    const rest = re.get_relative_proto_validator();
    rest.lastIndex = position;
    return rest.exec(text)?.[0].length ?? 0;
  },
});

/**
 * Returns the children of an element that shows a text with its links.
 * @param {string} text
 */
export function nodesOf(text) {
  return piecesOf(text).flatMap(({ text, href, host }) => {
    if (href === null) return [text];
    const rel = "noopener noreferrer nofollow";
    // Letters that are written from right to left must not reorder an address.
    const link = element("a", { href, target: "_blank", rel, dir: "ltr" }, text);
    return host ? [link, ` (${host})`] : [link];
  });
}

/**
 * Splits a text into links and other text.
 * @param {string} text
 * @returns {Piece[]}
 */
export function piecesOf(text) {
  /** @type {Piece[]} */
  const pieces = [];
  let end = 0;
  let budget = MAX_READS * text.length;
  CANDIDATE.lastIndex = 0;
  for (let found = CANDIDATE.exec(text); found && budget > 0; found = CANDIDATE.exec(text)) {
    const { 0: candidate, 1: schema = "", index } = found;
    budget -= candidate.length;
    if (candidate.length === schema.length + MAX_LENGTH) continue;
    const address = addressIn(candidate, schema);
    CANDIDATE.lastIndex = index + address.length;
    const link = address !== schema && linkTo(address, candidate.slice(address.length));
    if (!link) continue;
    if (index > end) pieces.push({ text: text.slice(end, index), href: null });
    pieces.push({ text: address, ...link });
    end = index + address.length;
  }
  if (end < text.length) pieces.push({ text: text.slice(end), href: null });
  return pieces;
}

/**
 * Returns the address at the beginning of a text, or only its schema if there is no address.
 * @param {string} candidate
 * @param {string} schema
 */
function addressIn(candidate, schema) {
  const visible = candidate.split(INVISIBLE, 1).join();
  return candidate.slice(0, schema.length + linkify.testSchemaAt(visible, schema, schema.length));
}

/**
 * @param {string} address
 * @param {string} rest the text after it, up to a space
 * @returns {{href: string, host?: string} | null}
 */
function linkTo(address, rest) {
  const whole = /^www/i.test(address) ? `https://${address}` : address;
  const written = /^https?:\/\/([^/?#]+)(.?)/i.exec(whole);
  if (written === null || !URL.canParse(whole)) return null;
  const [, authority = "", path] = written;
  // A reader may take what follows for a part of the host.
  if (/^[@%\\]/.test(rest) || (!path && INVISIBLE.test(rest[0] ?? ""))) return null;
  const { href, hostname, password, username } = new URL(whole);
  if (username !== "" || password !== "") return null;
  const host = authority.replace(/:\d*$/, "").toLowerCase();
  if (host === hostname) return { href };
  // `https://0x7f.1` leads to 127.0.0.1, and `https://ｂank.example` to bank.example.
  return hostname.includes("xn--") && host.split(".").every(isReadable)
    ? { href, host: hostname }
    : null;
}

/**
 * Returns whether a label of a host consists of letters and digits of one script.
 * @param {string} label
 */
function isReadable(label) {
  return (
    /^[\p{L}\p{M}\p{N}-]*$/u.test(label) &&
    label === label.normalize("NFKC") &&
    SCRIPTS.filter((script) => script.test(label)).length <= 1
  );
}
