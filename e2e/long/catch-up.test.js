/** A conversation of 100,000 entries, and somebody who has seen none of them. */
import assert from "node:assert/strict";
import { before, test } from "node:test";

import { Person } from "../lib/people.js";
import { assertProblem, assertRejected, assertSent } from "../lib/protocol.js";
import { suite } from "../lib/suite.js";
import { fill } from "../lib/table.js";

const LENGTH = 100_000;

suite("a long conversation", (stack) => {
  /** @type {Person} */ let ada;
  /** @type {Person} */ let bob;
  let conversation;

  before(async () => {
    [ada, bob] = await Promise.all([Person.arrive(stack, "Ada"), Person.arrive(stack, "Bob")]);
    conversation = await ada.start([bob]);
    await fill(stack, conversation, ada, LENGTH);
  });

  /** Holds a page to being what comes next, and answers the position behind it. */
  function walked(position, { events, head, limited }) {
    assert.equal(head, LENGTH, "the true head on every page");
    for (const entry of events) {
      position += 1;
      assert.equal(entry.seq, position);
      assert.equal(entry.id, `m-${position}`);
    }
    // A page that ends exactly at the end may not know it yet.
    if (position < LENGTH) assert.equal(limited, true);
    return position;
  }

  /** How fast a log was read, for the report. */
  const rate = (t, pages, began) => {
    const seconds = (performance.now() - began) / 1000;
    t.diagnostic(
      `${LENGTH} entries on ${pages} pages in ${seconds.toFixed(1)} s: ${Math.round(LENGTH / seconds)} a second`,
    );
  };

  test("catching up from the start by HTTP", async (t) => {
    const began = performance.now();
    let position = 0;
    let pages = 0;
    while (position < LENGTH) {
      const { status, body } = await bob.get(
        `/conversations/${conversation}/events?after=${position}&limit=1000`,
      );
      assert.equal(status, 200, JSON.stringify(body));
      assert.equal(body.events.length, 1000);
      position = walked(position, body);
      pages += 1;
    }
    rate(t, pages, began);
    const { body } = await bob.get(`/conversations/${conversation}/events?after=${position}`);
    assert.deepEqual(body, { events: [], head: LENGTH, limited: false });
  });

  test("catching up from the start by WebSocket", async (t) => {
    const socket = await bob.connect();
    const began = performance.now();
    let position = 0;
    let pages = 0;
    while (position < LENGTH) {
      const page = await socket.request("subscribe", { conversation, after: position });
      assert.equal(page.event, "subscribed", JSON.stringify(page));
      position = walked(position, page);
      pages += 1;
    }
    rate(t, pages, began);
    await socket.close();
  });

  test("sending asks for a position that is near the end, and goes on from there", async () => {
    const socket = await ada.connect();
    const message = { id: "one-more", body: "One message more." };
    const path = `/conversations/${conversation}/messages`;
    for (const far of [0, 1, LENGTH - 1100]) {
      assertRejected(
        await socket.request("sendMessage", { conversation, ...message, after: far }),
        "resync_required",
      );
      assertProblem(await ada.post(path, { ...message, after: far }), "resync_required");
    }
    assertRejected(
      await socket.request("sendMessage", { conversation, ...message, after: LENGTH + 1 }),
      "unknown_position",
    );
    const sent = await socket.request("sendMessage", {
      conversation,
      ...message,
      after: LENGTH - 998,
    });
    assertSent(sent, { conversation, id: message.id, seq: LENGTH + 1 });
    // A message from the seed is recognized, so the seed is what the functions themselves would have written.
    const again = {
      id: `m-${LENGTH}`,
      body: `Message ${LENGTH} of a long conversation.`,
      after: LENGTH - 10,
    };
    assertSent((await ada.post(path, again)).body, {
      conversation,
      id: again.id,
      seq: LENGTH,
      duplicate: true,
    });
    await socket.close();
  });
});
