/**
 * The limits of one user: requests beyond the rate are rejected without harm to others, nothing is
 * lost, and connections beyond the limit are refused.
 */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";

import WebSocket from "ws";

import { Client, handshakeProtocols, systemClock } from "../../web/client/index.js";
import { MemoryOutbox } from "../faults/outboxes.js";
import { Person } from "../lib/people.js";
import { assertDense } from "../lib/protocol.js";
import { suite } from "../lib/suite.js";

/** The limits of the stack. Each process counts for itself, so a function has only one here. */
const BURST = 5;
const CONNECTIONS = 3;
/** Many more requests than a process accepts in minutes: BURST requests, and then one a second. */
const FLOOD = 400;

/** Returns the opened connection, or the status of the refused handshake. */
const attempt = (person) =>
  person.connect().catch(({ message }) => Number(/response: (\d+)$/.exec(message)?.[1]));

suite(
  "limits",
  (stack) => {
    for (const [name, frame] of [
      ["ping", { action: "ping" }],
      ["subscribe", { action: "subscribe", conversation: "c", after: 0 }],
      ["sendMessage", { action: "sendMessage", conversation: "c", id: "m", body: "Flooded." }],
      ["unknown action", { action: "dance" }],
    ]) {
      test(`a flood of frames (${name}) is rejected, and others are served meanwhile`, async () => {
        const [mallory, ada] = await Promise.all(
          ["Mallory", "Ada"].map((person) => Person.create(stack, person)),
        );
        const conversation = await ada.start([]);
        const [flooding, adas] = await Promise.all([mallory.connect(), ada.connect()]);
        const { action, ...fields } = frame;
        const flood = Array.from({ length: FLOOD }, () => flooding.request(action, fields));
        assert.equal((await adas.request("ping")).event, "pong");
        const message = { conversation, id: randomUUID(), body: "Not delayed by others." };
        assert.equal((await adas.request("sendMessage", message)).event, "sent");

        const replies = await Promise.all(flood);
        const limited = replies.filter(({ code }) => code === "rate_limited");
        assert.ok(limited.length > 0, JSON.stringify(replies[0]));
        for (const { retry, retryAfterMs } of limited) {
          assert.equal(retry, "later");
          assert.ok(retryAfterMs > 0 && retryAfterMs <= 1_000, String(retryAfterMs));
        }
        await Promise.all([flooding.close(), adas.close()]);
      });
    }

    test("over HTTP the answer is 429, with the time to wait", async () => {
      const mallory = await Person.create(stack, "Mallory");
      const flood = await Promise.all(
        Array.from({ length: FLOOD / 4 }, () => mallory.get("/conversations")),
      );
      const limited = flood.filter(({ status }) => status === 429);
      assert.ok(limited.length > 0);
      for (const { body } of limited) assert.equal(body.code, "rate_limited");
    });

    test("a client that sends too fast waits, and all its messages are stored in order", async () => {
      const ada = await Person.create(stack, "Ada");
      const grace = await Person.create(stack, "Grace");
      const conversation = await ada.start([grace]);
      let limited = 0;
      const client = new Client({
        http: stack.http,
        me: { user: ada.user, name: ada.name },
        token: ada.token,
        provider: async () => ada.token,
        environment: {
          clock: systemClock,
          outboxes: new MemoryOutbox(),
          fetch,
          dial: (token) => {
            const socket = new WebSocket(stack.ws, handshakeProtocols(token));
            socket.on("message", (data) => {
              if (JSON.parse(data).code === "rate_limited") limited += 1;
            });
            return socket;
          },
          newId: randomUUID,
          isVisible: () => true,
          isOnline: () => true,
          watch: () => () => {},
          tabs: null,
        },
      });
      await client.start();
      const bodies = Array.from({ length: 2 * BURST }, (_, n) => `Message ${n}, sent too fast.`);
      for (const body of bodies) stack.secret(body);
      await Promise.all(bodies.map((body) => client.conversation(conversation).send(body)));
      await client.stop();
      assert.ok(limited > 0, "the messages were sent faster than the rate");
      // Ada's rate is used up.
      const log = await grace.log(conversation);
      assertDense(log);
      assert.deepEqual(
        log.map(({ body }) => body),
        bodies,
      );
    });

    test("a user has a limited number of open connections", async () => {
      const ada = await Person.create(stack, "Ada");
      const open = [];
      for (let n = 0; n < CONNECTIONS; n += 1) open.push(await ada.connect());
      assert.equal(await attempt(ada), 429);
      const bob = await (await Person.create(stack, "Bob")).connect();
      await open.pop().close();
      // The closed connection counts until its `$disconnect` has deleted the row.
      let next;
      do next = await attempt(ada);
      while (next === 429);
      for (const socket of [...open, next, bob]) {
        assert.equal((await socket.request("ping")).event, "pong");
        await socket.close();
      }
    });

    test("handshakes at once open no more connections than the limit", async () => {
      const ada = await Person.create(stack, "Ada");
      const outcomes = await Promise.all(
        Array.from({ length: 4 * CONNECTIONS }, () => attempt(ada)),
      );
      const open = outcomes.filter((outcome) => typeof outcome !== "number");
      assert.ok(open.length <= CONNECTIONS, `${open.length} connections`);
      for (const status of outcomes.filter((outcome) => typeof outcome === "number"))
        assert.equal(status, 429);
      await Promise.all(open.map((socket) => socket.close()));
    });
  },
  async () => ({
    concurrency: "1",
    "parameter-overrides": [
      "UserRequestRate=1",
      `UserRequestBurst=${BURST}`,
      `UserConnections=${CONNECTIONS}`,
    ],
  }),
);
