import { path, unreadable } from "./api.js";
import { ANSWER_LIMIT_MS, backoff } from "./connection.js";
import { base64url } from "./membership.js";
import { Action, isPosition, parseSent, Rejection, Retry } from "./protocol.js";

/** @import { Api, Connection, Entry, Outgoing, Person, Problem } from "./types.js" */
/** @import { Replica, SenderOptions, Sent, Transport } from "./types.js" */

/**
 * Sends one message per conversation at a time, and repeats it as the error advises. The replica
 * finds out whether it is stored.
 */
export class Sender {
  /** @type {SenderOptions} */
  #options;
  #transports;
  /** @type {Map<string, {id: string}>} */
  #inFlight = new Map();
  /** @type {Map<string, {cancel: () => void, endsOnReconnect: boolean}>} */
  #waits = new Map();
  /** @type {Map<string, number>} */
  #failures = new Map();

  /** @param {SenderOptions} options */
  constructor(options) {
    this.#options = options;
    const { api, request } = options;
    /** @type {OnReacted} */
    const onReacted = (replica, outgoing, seq) => this.#reacted(replica, outgoing, seq);
    this.#transports = {
      socket: socketTransport(request, onReacted),
      http: httpTransport(api, (sent) => this.acknowledged(sent), onReacted),
    };
  }

  /** @param {Sent} sent */
  acknowledged(sent) {
    const { apply, me: user, model } = this.#options;
    const { conversation, id, duplicate } = sent;
    const outgoing = model.unsent(conversation).find((one) => one.id === id);
    if (!outgoing) return;
    const entry = entryOf(outgoing, sent, { user, name: model.directory.nameOf(user) });
    // The message was deleted before, perhaps by another user. The log brings that entry.
    if (duplicate && entry.event === "messageDeleted")
      apply({ kind: "discarded", conversation, id });
    else apply({ kind: "entries", conversation, entries: [entry] });
  }

  /**
   * Only the answer ends a wish: an entry may be of another device, and of an earlier wish.
   * @type {OnReacted}
   */
  #reacted({ id: conversation }, { id, target, emoji, on }, seq) {
    const { apply, me: user, model } = this.#options;
    const name = model.directory.nameOf(user);
    const entry = { event: "reaction", conversation, target, emoji, on, user, name };
    if (seq !== null) apply({ kind: "entries", conversation, entries: [{ ...entry, seq }] });
    apply({ kind: "discarded", conversation, id });
  }

  /** @param {Replica} replica */
  flush(replica) {
    this.#drop(replica);
    const attempt = this.#inFlight.get(replica.id);
    // A push may have acknowledged the message before its answer.
    if (attempt && replica.outbox.some(({ id }) => id === attempt.id)) return;
    const outgoing = replica.nextOutgoing();
    if (!outgoing || this.#waits.has(replica.id)) return;
    // Of several wishes, only the latest counts.
    if (this.#isReplaced(replica, outgoing))
      return this.#options.apply({
        kind: "discarded",
        conversation: replica.id,
        id: outgoing.id,
      });
    const transport = this.#options.transport(replica);
    if (transport) void this.#attempt(replica, outgoing, this.#transports[transport]);
  }

  /**
   * Repeats an unanswered message at once. A wait that the server asked for goes on.
   * @param {Replica} replica
   */
  reconnected(replica) {
    if (this.#waits.get(replica.id)?.endsOnReconnect) this.#endWait(replica.id);
    this.flush(replica);
  }

  /**
   * Forgets messages that are to be deleted, if they are not stored: they were never sent, or are
   * refused for good. One that may be stored is sent first, and deleted then.
   * @param {Replica} replica
   */
  #drop({ id: conversation, outbox }) {
    const { apply, unsent } = this.#options;
    const deletion = outbox.find(({ of, text }) => {
      const message = text === null && outbox.find(({ id }) => id === of);
      return message && (message.failure || unsent.has(message.id));
    });
    if (!deletion) return;
    const { of: id = "" } = deletion;
    // The first change drops the next one.
    for (const gone of [{ id }, ...outbox.filter(({ of }) => of === id)])
      apply({ kind: "discarded", conversation, id: gone.id });
  }

  /** @param {Replica} replica @param {Outgoing} outgoing */
  #isReplaced({ outbox }, { id, emoji, target }) {
    const last = outbox.findLast((one) => one.target === target && one.emoji === emoji);
    return emoji !== undefined && last?.id !== id;
  }

  stop() {
    this.#inFlight.clear();
    for (const id of [...this.#waits.keys()]) this.#endWait(id);
  }

  /** @param {Replica} replica @param {Outgoing} outgoing @param {Transport} transport */
  async #attempt(replica, outgoing, transport) {
    const { clock } = this.#options.environment;
    const attempt = { id: outgoing.id };
    const begun = clock.now();
    this.#inFlight.set(replica.id, attempt);
    this.#options.unsent.delete(attempt.id);
    outgoing.after = replica.position;
    const delivery = await transport(replica, outgoing);
    if (this.#inFlight.get(replica.id) !== attempt) return;
    this.#inFlight.delete(replica.id);
    if (delivery.kind === "rejected") this.#rejected(replica, outgoing, delivery.problem);
    else if (delivery.kind === "stored") this.#failures.delete(replica.id);
    else this.#wait(replica, begun + ANSWER_LIMIT_MS - clock.now(), true);
    this.flush(replica);
  }

  /** @param {Replica} replica @param {Outgoing} outgoing @param {Problem} problem */
  #rejected(replica, outgoing, problem) {
    const { apply, environment, onExpired, onResync } = this.#options;
    if (problem.retry === Retry.never)
      return apply({ kind: "failed", conversation: replica.id, id: outgoing.id, problem });
    const failures = (this.#failures.get(replica.id) ?? 0) + 1;
    this.#failures.set(replica.id, failures);
    const wait = problem.retryAfterMs || backoff(failures, environment.clock);
    this.#wait(replica, wait, problem.retry !== Retry.later);
    if (problem.retry === Retry.resync) onResync(replica);
    if (problem.retry === Retry.reauthenticate) onExpired();
  }

  /** @param {Replica} replica @param {number} ms @param {boolean} endsOnReconnect */
  #wait(replica, ms, endsOnReconnect) {
    this.#endWait(replica.id);
    if (ms <= 0) return;
    const cancel = this.#options.environment.clock.after(ms, () => {
      this.#waits.delete(replica.id);
      this.flush(replica);
    });
    this.#waits.set(replica.id, { cancel, endsOnReconnect });
  }

  /** @param {string} id */
  #endWait(id) {
    this.#waits.get(id)?.cancel();
    this.#waits.delete(id);
  }
}

/**
 * Returns the entry of a message, an edit or a deletion that the server has stored.
 * @param {Outgoing} outgoing
 * @param {Sent} sent
 * @param {Person} me
 * @returns {Entry}
 */
export function entryOf({ body, replyTo, target, text }, { conversation, id, seq, sentAt }, me) {
  const { user, name } = me;
  const entry = { conversation, seq, id, sentAt, target };
  if (text) return { ...entry, event: "messageEdited", sender: user, body: text };
  if (target) return { ...entry, event: "messageDeleted", by: user };
  return { ...entry, event: "message", sender: user, name, body, replyTo };
}

/**
 * Handles the answer to a reaction: the position of its entry, or `null` if it was so already.
 * @typedef {(replica: Replica, outgoing: Outgoing, seq: number | null) => void} OnReacted
 */

/** @param {Connection["request"]} request @param {OnReacted} onReacted @returns {Transport} */
function socketTransport(request, onReacted) {
  return async (replica, outgoing) => {
    const { id, after } = outgoing;
    const content = contentOf(outgoing);
    const frame = { ...content, conversation: replica.id, after };
    const outcome = await request(content.action === Action.react ? frame : { ...frame, id });
    if (outcome.kind !== "answer") return outcome;
    const answer = outcome.frame;
    if (answer.event === "error") return { kind: "rejected", problem: answer.problem };
    if (answer.event === "reacted") onReacted(replica, outgoing, answer.seq);
    return { kind: "stored" };
  };
}

/** @param {Outgoing} outgoing */
function contentOf({ body, replyTo, target, text, emoji, on }) {
  if (target === undefined) return { action: Action.sendMessage, body, replyTo };
  if (emoji) return { action: Action.react, target, emoji, on };
  return text
    ? { action: Action.editMessage, target, body: text }
    : { action: Action.deleteMessage, target };
}

/**
 * @param {Api} api
 * @param {(sent: Sent) => void} onSent
 * @param {OnReacted} onReacted
 * @returns {Transport}
 */
function httpTransport(api, onSent, onReacted) {
  return async (replica, outgoing) => {
    const { id, body, replyTo, target, text, emoji, on, after } = outgoing;
    const message = { id, body: text ?? body, replyTo, after };
    const messages = path(replica.id, "messages");
    /** @type {(...request: Parameters<Api["request"]>) => Promise<void>} */
    const send = async (...request) =>
      onSent(parseSent(await api.request(...request)) ?? unreadable());
    try {
      if (target === undefined) await send("POST", messages, message);
      else if (emoji) {
        // API Gateway would change a path with `#` or `*`.
        const key = /[#*]/.test(emoji) ? base64url(emoji) : encodeURIComponent(emoji);
        const resource = `${messages}/${target}/reactions/${key}?after=${after}`;
        const { seq } = await api.request(on ? "PUT" : "DELETE", resource);
        onReacted(replica, outgoing, isPosition(seq) ? seq : null);
      } else if (text) await send("PATCH", `${messages}/${target}`, message);
      else await send("DELETE", `${messages}/${target}?id=${id}&after=${after}`);
      return { kind: "stored" };
    } catch (error) {
      return error instanceof Rejection
        ? { kind: "rejected", problem: error.problem }
        : { kind: "unanswered" };
    }
  };
}
