/** Asks the endpoint of `config.json` for people, for suggestions. */

import { isObject, isText, parseObject } from "./client/index.js";

/** @import { Person } from "./client/public.js" */

const ANSWER_LIMIT_MS = 5_000;

/**
 * @param {unknown} url `undefined` if there is none
 * @param {string | undefined} token
 * @param {string} text part of a name
 * @returns {Promise<Person[]>}
 */
export async function askForPeople(url, token, text) {
  if (!isText(url)) return [];
  const address = new URL(url, location.href);
  address.searchParams.set("q", text);
  const response = await fetch(address, {
    headers: { authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
  });
  const people = parseObject(await response.text())?.people;
  // The library checks each of them.
  return response.ok && Array.isArray(people) && people.every(isObject)
    ? /** @type {Person[]} */ (/** @type {unknown} */ (people))
    : [];
}
