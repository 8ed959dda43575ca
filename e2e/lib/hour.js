/**
 * A scripted hour: 10 people in 3 conversations send 2,000 messages. docs/cost.md derives its bill by
 * hand.
 */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";

import { Person } from "./people.js";

const PEOPLE = 10;
/** The conversations: the first and the last of their people, and how many messages each gets. */
const CONVERSATIONS = [
  { from: 0, to: 10, messages: 1_000 },
  { from: 0, to: 5, messages: 500 },
  { from: 5, to: 10, messages: 500 },
];
/** A page pings before ten idle minutes end its connection. */
const STEPS = 12;
const STEP_MS = 5 * 60_000;
/** A body of a usual length. */
const BODY = "Shall we meet at the river on Sunday, if it does not rain again?";

/** What the hour does, counted by hand. */
export const COUNTS = {
  messagesIn: 20 + 120 + 2_000,
  pushes: 1_000 * 9 + 1_000 * 4,
  connectionMinutes: PEOPLE * 60,
  httpRequests: 3,
  // Each handshake calls the authorizer, too, and so does each of the two people who start
  // conversations.
  invocations: 2 * PEOPLE + 20 + 120 + 2_000 + 3 + 2,
  // The lines of the table in docs/cost.md.
  readUnits: PEOPLE * 1 + 20 * 3 + 2_000 * 3 + 3 * 3,
  writeUnits: PEOPLE * 1 + 20 * 2 + 2_000 * 1 + (2 * 11 + 10) + 2 * (2 * 6 + 5),
};

/**
 * Lives the hour. The connections are open at its end.
 *
 * @param {import('./stack.js').Stack} stack
 * @returns {Promise<import('./client.js').Client[]>} the connections
 */
export async function live(stack) {
  const people = await Promise.all(
    Array.from({ length: PEOPLE }, (_, index) => Person.create(stack, `Person${index}`)),
  );
  const rooms = [];
  for (const { from, to, messages } of CONVERSATIONS) {
    const members = people.slice(from, to);
    const [creator, ...others] = members;
    rooms.push({ id: await creator.start(others), from, to, messages, after: 0 });
  }
  const clients = await Promise.all(people.map((person) => person.connect()));
  const began = Date.now();
  for (const room of rooms)
    await Promise.all(
      clients.slice(room.from, room.to).map(async (client) => {
        const reply = await client.request("subscribe", { conversation: room.id, after: 0 });
        assert.equal(reply.event, "subscribed", JSON.stringify(reply));
        room.after = Math.max(room.after, reply.head ?? 0);
      }),
    );
  for (let step = 1; step <= STEPS; step += 1) {
    await Promise.all(rooms.map((room) => talk(room, clients, step)));
    await Promise.all(clients.map((client) => client.request("ping")));
    const response = await fetch(`${stack.http}/.local/clock`, {
      method: "PUT",
      // The time that has really passed is part of the hour.
      body: JSON.stringify({ aheadMs: step * STEP_MS - (Date.now() - began) }),
    });
    assert.equal(response.status, 200);
  }
  return clients;
}

/** Sends this step's part of a room's messages, one after the other, by all its people in turn. */
async function talk(room, clients, step) {
  const until = Math.round((room.messages * step) / STEPS);
  for (let index = Math.round((room.messages * (step - 1)) / STEPS); index < until; index += 1) {
    const sender = clients[room.from + (index % (room.to - room.from))];
    const message = { conversation: room.id, id: randomUUID(), body: BODY, after: room.after };
    const sent = await sender.request("sendMessage", message);
    assert.equal(sent.event, "sent", JSON.stringify(sent));
    room.after = sent.seq;
  }
}
