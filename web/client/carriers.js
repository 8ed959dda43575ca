/**
 * The two ways of a message to the server. Both send the same id and the same `after`, so they may follow each other.
 */

import { Refusal } from "./api.js";
import { Action } from "./protocol.js";

/** @import { Api } from "./api.js" */
/** @import { Carrier } from "./courier.js" */
/** @import { Sent } from "./protocol.js" */
/** @import { Requests } from "./requests.js" */

/**
 * Over the socket. The acknowledgement itself is read where frames are read.
 * @param {Requests} requests
 * @returns {Carrier}
 */
export function socketCarrier(requests) {
  return async (conversation, { id, body, after }) => {
    const outcome = await requests.ask({ action: Action.sendMessage, conversation: conversation.id, id, body, after });
    if (outcome.kind !== "answer") return outcome;
    return outcome.frame.event === "error" ? { kind: "rejected", problem: outcome.frame.problem } : { kind: "stored" };
  };
}

/**
 * Over HTTP, while there is no socket.
 * @param {Api} api
 * @param {(sent: Sent) => void} onSent takes the acknowledgement
 * @returns {Carrier}
 */
export function httpCarrier(api, onSent) {
  return async (conversation, { id, body, after }) => {
    try {
      onSent(await api.send(conversation.id, { id, body, after }));
      return { kind: "stored" };
    } catch (error) {
      return error instanceof Refusal ? { kind: "rejected", problem: error.problem } : { kind: "unanswered" };
    }
  };
}
