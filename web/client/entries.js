/** The iterator of `Conversation.entries`. */

/** @import { ConversationOptions, Entry } from "./types.js" */

/**
 * @param {string} id
 * @param {ConversationOptions} conversation
 * @param {{after?: number, signal?: AbortSignal}} options
 * @returns {AsyncGenerator<Entry, void, void>}
 */
export async function* iterate(id, { client, listen, model, request }, { after, signal }) {
  /** @type {Entry[]} */
  const arrived = [];
  let wake = () => {};
  const unsubscribe = client.subscribe(() => wake());
  const unlisten = listen((entries) => void arrived.push(...entries));
  signal?.addEventListener("abort", () => wake());
  const currentPosition = async () =>
    model.findKnown(id)?.position ?? (await request((api) => api.conversation(id))).head;
  try {
    let position = after ?? (await currentPosition());
    let isComplete = after === undefined;
    while (!signal?.aborted) {
      if (!isComplete) {
        const page = await request((api) => api.events(id, position));
        isComplete = !page.limited;
        arrived.unshift(...page.events);
      }
      let entry = arrived.shift();
      while (entry) {
        if (entry.seq > position + 1) {
          arrived.unshift(entry);
          isComplete = false;
          break;
        }
        if (entry.seq > position) {
          position = entry.seq;
          yield entry;
        }
        entry = arrived.shift();
      }
      if (!isComplete || arrived.length > 0 || signal?.aborted) continue;
      // A replica skips what was said while the user was not a participant.
      isComplete = (model.findKnown(id)?.position ?? 0) <= position;
      if (!isComplete) continue;
      await new Promise((resolve) => {
        wake = () => resolve(null);
      });
    }
  } finally {
    unsubscribe();
    unlisten();
  }
}
