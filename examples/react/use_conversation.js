/**
 * A React hook for one conversation.
 *
 *     function Chat({ client }) {
 *       const { messages, state, send } = useConversation(client, "lunch");
 *       …
 *     }
 *
 * Create the client once, outside React: `const client = await connect({ http, ws, token })`.
 */
import { useMemo, useSyncExternalStore } from "react";

/**
 * Follows a conversation while the component is mounted, and renders the component again whenever
 * the conversation or the connection changes.
 *
 * @param {import("../../web/client/client.js").Client} client
 * @param {string} id of the conversation
 */
export function useConversation(client, id) {
  const { conversation, subscribe } = useMemo(() => {
    const conversation = client.conversation(id);
    return { conversation, subscribe: (listener) => conversation.subscribe(listener) };
  }, [client, id]);
  // The version changes with every change of the client, so it identifies the snapshot.
  const version = () => client.version;
  useSyncExternalStore(subscribe, version, version);
  return {
    state: client.state,
    messages: conversation.messages,
    history: conversation.history,
    send: (body) => conversation.send(body),
    loadEarlier: () => conversation.loadEarlier(),
  };
}
