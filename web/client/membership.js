/** Requests that create a conversation, and add and remove participants. */

import { parseDetails, path } from "./api.js";

/** @import { Api } from "./types.js" */

/**
 * @param {Api} api
 * @param {{id: string, title?: string, participants: string[]}} conversation
 */
export async function create(api, conversation) {
  return parseDetails(await api.request("POST", "/conversations", conversation));
}

/** @param {Api} api @param {string} conversation @param {string} user */
export async function addParticipant(api, conversation, user) {
  await api.request("PUT", path(conversation, "participants", inPath(user)));
}

/** @param {Api} api @param {string} conversation @param {string} user */
export async function removeParticipant(api, conversation, user) {
  await api.request("DELETE", path(conversation, "participants", inPath(user)));
}

/**
 * Encodes a user id that API Gateway, which decodes paths twice, would change.
 * @param {string} user
 */
function inPath(user) {
  if (!/[%?/\\#+]|^\.+$|^base64url\./.test(user)) return user;
  const encoded = btoa(String.fromCharCode(...new TextEncoder().encode(user)));
  return `base64url.${encoded.replace(/\+/g, "-").replace(/\//g, "_")}`;
}
