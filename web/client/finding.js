/** Finds people by name, for suggestions. */

import { isText, parseAll } from "./protocol.js";

/** @import { Directory } from "./directory.js" */
/** @import { PeopleProvider, Person } from "./types.js" */

const MOST = 8;

/**
 * Returns people of the user's conversations first, then those of the provider. A provider that
 * fails adds none.
 * @param {string} text
 * @param {string} me user id, who is not found
 * @param {Directory} directory
 * @param {PeopleProvider} [provider]
 * @returns {Promise<Person[]>}
 */
export async function findPeople(text, me, directory, provider) {
  const wanted = keyOf(text);
  if (wanted === "") return [];
  const users = new Set(directory.all().flatMap(({ people }) => [...people]));
  const known = [...users]
    .map((user) => ({ user, name: directory.nameOf(user) }))
    .filter(({ user, name }) => fits(wanted, user, name));
  const further = await askProvider(text.trim(), provider);
  /** @type {Map<string, Person>} */
  const found = new Map();
  for (const { user, name } of [...known, ...further])
    if (user !== me && !found.has(user)) found.set(user, { user, name });
  return [...found.values()].slice(0, MOST);
}

/**
 * @param {string} text
 * @param {PeopleProvider} [provider]
 * @returns {Promise<Person[]>}
 */
async function askProvider(text, provider) {
  try {
    const people = await provider?.(text);
    return parseAll(
      people,
      ({ user, name }) => isText(user) && { user, name: visible(isText(name) ? name : "") || user },
    );
  } catch {
    return [];
  }
}

/**
 * Returns a name without characters that hide or reorder text, as the server does with the names of
 * tokens. Joiners stay between others. Empty if the name shows nothing.
 * @param {string} name
 */
function visible(name) {
  const shown = name
    .replace(/(?!\u200c|\u200d|\ufe0f)[\p{Cc}\p{Cf}\p{DI}\p{Zl}\p{Zp}]/gu, "")
    .trim();
  return /[^\s\p{DI}\u2800]/u.test(shown) ? shown : "";
}

/**
 * Whether each word of `wanted` begins a word of the name, or the user id.
 * @param {string} wanted
 * @param {string} user
 * @param {string} name
 */
function fits(wanted, user, name) {
  const words = [...keyOf(name).split(" "), keyOf(user)];
  return wanted.split(" ").every((part) => words.some((word) => word.startsWith(part)));
}

/**
 * Returns a text without accents, in lower case, with single spaces.
 * @param {string} text
 */
function keyOf(text) {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().replace(/\s+/gu, " ").trim();
}
