/** Requests that create a conversation, and add and remove participants. */

import { parseDetails, path } from "./api.js";

/** @import { Api, ConversationOptions } from "./types.js" */

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

/** @param {string} conversation @param {string} user @param {ConversationOptions} options */
export async function add(conversation, user, { apply, request }) {
  await request((api) => addParticipant(api, conversation, user));
  apply({ kind: "participant", conversation, user, present: true });
}

/** @param {string} conversation @param {string} user @param {ConversationOptions} options */
export async function remove(conversation, user, { apply, client, request }) {
  await request((api) => removeParticipant(api, conversation, user));
  if (user === client.me.user) apply({ kind: "gone", conversation });
  else apply({ kind: "participant", conversation, user, present: false });
}

/**
 * Encodes a user id that API Gateway, which decodes paths twice, would change.
 * @param {string} user
 */
function inPath(user) {
  return /[%?/\\#+]|^\.+$|^base64url\./.test(user) ? base64url(user) : user;
}

/** @param {string} text */
export function base64url(text) {
  const encoded = btoa(String.fromCharCode(...new TextEncoder().encode(text)));
  return `base64url.${encoded.replace(/\+/g, "-").replace(/\//g, "_")}`;
}
