/** Many clients write to one new conversation at once, over both transports. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";

import { Unanswered } from "../lib/client.js";
import { Person } from "../lib/people.js";
import { assertDense } from "../lib/protocol.js";
import { suite } from "../lib/suite.js";

const CLIENTS = 20;
const MESSAGES = 50;
/**
 * Far more attempts than a crowd of this size needs; a client that reaches it is stuck.
 */
const ATTEMPTS = 50;

suite("crowd", (stack) => {
  /** The number of attempts by outcome. */
  const outcomes = new Map();
  /** The number of messages by attempts. */
  const attempts = new Map();
  const count = (map, key) => map.set(key, (map.get(key) ?? 0) + 1);

  /**
   * Sends the messages of one client, one after the other.
   *
   * The client's position is that of its own last message: everything before counts as read.
   *
   * @param {(message: {id: string, body: string, after: number}) => Promise<any>} send
   * @returns {Promise<Map<string, number>>} the position of each message by its id
   */
  async function sayAll(send, name) {
    const stored = new Map();
    let after = 0;
    for (let n = 1; n <= MESSAGES; n += 1) {
      const message = { id: `${name}-${n}`, body: `Message ${n} of ${MESSAGES} by ${name}.` };
      for (let attempt = 1; !stored.has(message.id); attempt += 1) {
        assert.ok(
          attempt <= ATTEMPTS,
          `${message.id} was not acknowledged in ${ATTEMPTS} attempts`,
        );
        const reply = await send({ ...message, after }).catch(unanswered);
        count(outcomes, reply.code ?? reply.event);
        if (reply.event === "sent") {
          stored.set(message.id, reply.seq);
          after = reply.seq;
          count(attempts, attempt);
        } else {
          assert.equal(reply.retry, "later", JSON.stringify(reply));
          await delay(reply.retryAfterMs);
        }
      }
    }
    return stored;
  }

  test(`${CLIENTS} clients that send ${MESSAGES} messages each end with the same log`, async (t) => {
    const arriving = Array.from({ length: CLIENTS }, (_, index) =>
      Person.create(stack, `Client${index + 1}`),
    );
    const people = await Promise.all(arriving);
    const conversation = await people[0].start(people.slice(1));
    const bySocket = people.filter((_, index) => index % 2 === 0);
    const sockets = new Map();
    for (const person of bySocket) {
      const socket = await person.connect();
      const { head } = await socket.request("subscribe", { conversation, after: 0 });
      assert.equal(head, 0);
      sockets.set(person, socket);
    }

    const began = performance.now();
    const said = await Promise.all(
      people.map((person) => {
        const socket = sockets.get(person);
        const send = socket
          ? (message) => socket.request("sendMessage", { conversation, ...message })
          : (message) => posted(person, conversation, message);
        return sayAll(send, person.user);
      }),
    );
    const seconds = (performance.now() - began) / 1000;

    const log = await people[0].log(conversation);
    assert.equal(log.length, CLIENTS * MESSAGES);
    assertDense(log);
    const positions = new Map(log.map(({ id, seq }) => [id, seq]));
    assert.deepEqual(
      positions,
      new Map(said.flatMap((stored) => [...stored]).toSorted(([, a], [, b]) => a - b)),
    );
    for (const stored of said) {
      const seqs = [...stored.values()];
      assert.deepEqual(
        seqs,
        seqs.toSorted((a, b) => a - b),
        "the messages of one sender keep their order",
      );
    }
    for (const person of people) {
      const socket = sockets.get(person);
      const theirs = socket ? await caughtUp(socket, conversation) : await person.log(conversation);
      assert.deepEqual(theirs, log, `the log of ${person.user}`);
    }

    // A push may be missing, which is a gap that the client repairs, but every push must match the
    // log.
    for (const [person, socket] of sockets) {
      const marker = `marker-${person.user}`;
      await people[1].post(`/conversations/${conversation}/messages`, {
        id: marker,
        body: "The end.",
      });
      const pushed = (await socket.before(({ id }) => id === marker)).filter(
        ({ event }) => event === "message",
      );
      for (const entry of pushed.filter(({ seq }) => seq <= log.length))
        assert.deepEqual(entry, log[entry.seq - 1]);
      const own = pushed.filter(({ sender }) => sender === person.user);
      assert.deepEqual(
        own,
        [],
        "the sending connection gets replies and no pushes of its own messages",
      );
      await socket.close();
    }

    t.diagnostic(
      `${log.length} messages in ${seconds.toFixed(1)} s: ${(log.length / seconds).toFixed(0)} per second`,
    );
    t.diagnostic(`replies: ${JSON.stringify(Object.fromEntries(outcomes))}`);
    t.diagnostic(`messages by attempts: ${JSON.stringify(Object.fromEntries(attempts))}`);
  });
});

/** Sends over HTTP. A response of the gateway itself counts as unanswered. */
async function posted(person, conversation, message) {
  const { body } = await person.post(`/conversations/${conversation}/messages`, message);
  if (body.event === undefined && body.code === undefined)
    throw new Unanswered(`the gateway responded ${body.message}`);
  return body;
}

/** Reads the whole log by subscribing again and again. */
async function caughtUp(socket, conversation) {
  const events = [];
  for (;;) {
    const page = await socket.request("subscribe", {
      conversation,
      after: events.at(-1)?.seq ?? 0,
    });
    assert.equal(page.event, "subscribed", JSON.stringify(page));
    events.push(...page.events);
    if (!page.limited) return events;
  }
}

/** Follows the protocol for a request without a reply: send it again under the same id. */
function unanswered(error) {
  if (!(error instanceof Unanswered)) throw error;
  return { event: "unanswered", retry: "later", retryAfterMs: 0 };
}
