/**
 * A participant is removed while messages are sent: nothing by them is stored and nothing is pushed
 * to them afterwards, over either transport.
 */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";

import { Person } from "../lib/people.js";
import { assertDense } from "../lib/protocol.js";
import { suite } from "../lib/suite.js";

const ROUNDS = 5;
/** The number of messages that each of Bob's senders stores before the removal. */
const BEFORE = 3;

suite("removal", (stack) => {
  /** @type {Person} */ let ada;
  /** @type {Person} */ let bob;
  /** @type {Person} */ let carol;
  const sockets = {};

  before(async () => {
    [ada, bob, carol] = await Promise.all(
      ["Ada", "Bob", "Carol"].map((name) => Person.create(stack, name)),
    );
    for (const person of [ada, bob, carol]) sockets[person.user] = await person.connect();
  });
  after(() => Promise.all(Object.values(sockets).map((socket) => socket.close())));

  /** A person's two transports into a conversation. */
  const transports = (person, conversation) => [
    (message) => sockets[person.user].request("sendMessage", { conversation, ...message }),
    async (message) => (await person.post(`/conversations/${conversation}/messages`, message)).body,
  ];

  /**
   * Sends one message after the other until `stopped` returns true or the sender is removed.
   *
   * @returns {{sent: object[], enough: Promise<void>, ended: Promise<object | undefined>}} the
   *   acknowledgements so far; a promise that resolves when there are enough; the rejection that
   *   ended it, if any
   */
  function traffic(send, stopped) {
    const sent = [];
    let reached;
    const enough = new Promise((resolve) => (reached = resolve));
    const run = async () => {
      while (!stopped()) {
        const message = {
          id: randomUUID(),
          body: "Sent while participants change.",
          after: sent.at(-1)?.seq ?? 0,
        };
        const reply = await send(message);
        if (reply.event === "sent") {
          sent.push(reply);
          if (sent.length === BEFORE) reached();
        } else if (reply.retry === "later") await delay(reply.retryAfterMs);
        else return reply;
      }
      return undefined;
    };
    return { sent, enough, ended: run() };
  }

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

  for (let round = 1; round <= ROUNDS; round += 1) {
    test(`a removed participant neither sends nor receives, round ${round}`, async () => {
      const conversation = await ada.start([bob, carol]);
      const common = await ada.start([bob]);
      const path = `/conversations/${conversation}/participants/${bob.user}`;
      const bobs = sockets[bob.user];
      await bobs.request("subscribe", { conversation });
      await bobs.request("subscribe", { conversation: common });

      let over = false;
      const others = [ada, carol]
        .flatMap((person) => transports(person, conversation))
        .map((send) => traffic(send, () => over));
      const bobTraffic = transports(bob, conversation).map((send) => traffic(send, () => false));
      await Promise.all([...others, ...bobTraffic].map(({ enough }) => enough));

      const removal = await ada.delete(path);
      assert.equal(removal.status, 200, JSON.stringify(removal.body));
      const { seq } = removal.body;
      const attempts = [
        ...transports(bob, conversation).map((send) =>
          send({ id: randomUUID(), body: "Sent after the answered removal." }),
        ),
        ...transports(bob, conversation).map((send) =>
          send({ id: randomUUID(), body: "The same from the start.", after: 0 }),
        ),
        bobs.request("subscribe", { conversation, after: 0 }),
        bob.get(`/conversations/${conversation}/events?after=0`).then(({ body }) => body),
        bob.get(`/conversations/${conversation}/messages`).then(({ body }) => body),
        bob.get(`/conversations/${conversation}`).then(({ body }) => body),
      ];
      for (const answer of await Promise.all(attempts))
        assert.equal(answer.code, "not_found", JSON.stringify(answer));
      for (const { ended } of bobTraffic) assert.equal((await ended).code, "not_found");
      // The others continue for a while.
      const mark = others.map(({ sent }) => sent.length);
      for (const [index, { sent, ended }] of others.entries()) {
        while (sent.length < mark[index] + 2) await Promise.race([ended, delay(1)]);
      }
      over = true;
      for (const { ended } of others) assert.equal(await ended, undefined);

      const log = await carol.log(conversation);
      assertDense(log);
      const { event, user, by } = log[seq - 1];
      assert.deepEqual(
        { event, user, by },
        { event: "participantRemoved", user: bob.user, by: ada.user },
      );
      const messages = log.filter((entry) => entry.event === "message");
      const stored = (sender) => messages.filter((entry) => entry.sender === sender.user);
      assert.ok(
        stored(carol).some((entry) => entry.seq > seq),
        "others sent messages after the removal",
      );
      assert.deepEqual(
        stored(bob).filter((entry) => entry.seq > seq),
        [],
        "no message of Bob is stored after the removal",
      );
      const acknowledged = bobTraffic.flatMap(({ sent }) => sent.map((reply) => reply.id));
      assert.deepEqual(
        acknowledged.filter((id) => !stored(bob).some((entry) => entry.id === id)),
        [],
        "no acknowledged message is lost",
      );

      // `sent` follows the fan-out, so a push to Bob would precede the marker.
      await sockets[ada.user].request("sendMessage", {
        conversation: common,
        id: "marker",
        body: "This is for Bob, too.",
      });
      const pushed = await bobs.before(
        (frame) => frame.conversation === common && frame.id === "marker",
      );
      const late = pushed.filter(
        (frame) => frame.conversation === conversation && frame.seq >= seq,
      );
      assert.deepEqual(late, [], "nothing is pushed to Bob after the removal");
      assert.ok(
        pushed.some((frame) => frame.event === "removed" && frame.conversation === conversation),
      );

      const added = await ada.put(path);
      assert.equal(added.status, 200);
      assert.equal(added.body.seq, log.length + 1);
      const complete = await ada.log(conversation);
      assert.deepEqual(complete.slice(0, -1), log);
      assert.deepEqual(
        await caughtUp(bobs, conversation),
        complete,
        "the whole log over WebSocket",
      );
      assert.deepEqual(await bob.log(conversation), complete, "the whole log over HTTP");
      const back = await transports(bob, conversation)[0]({
        id: "back",
        body: "Here again.",
        after: complete.length,
      });
      assert.equal(back.seq, complete.length + 1);
      // Bob has subscribed again, so messages of others are pushed to Bob.
      const next = { id: `next-${round}`, body: "Welcome back." };
      await transports(carol, conversation)[1](next);
      await bobs.next((frame) => frame.conversation === conversation && frame.id === next.id);
    });
  }
});
