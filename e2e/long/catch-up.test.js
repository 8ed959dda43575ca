/** Catching up on a conversation of 100,000 entries from the start. */
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
    [ada, bob] = await Promise.all([Person.create(stack, "Ada"), Person.create(stack, "Bob")]);
    conversation = await ada.start([bob]);
    await fill(stack, conversation, ada, LENGTH);
  });

  /** Asserts that a page continues at the position. Returns the position after the page. */
  function nextPosition(position, { events, head, limited }) {
    assert.equal(head, LENGTH, "every page has the correct head");
    for (const entry of events) {
      position += 1;
      assert.equal(entry.seq, position);
      assert.equal(entry.id, `m-${position}`);
    }
    // A page that ends exactly at the head may still say that there is more.
    if (position < LENGTH) assert.equal(limited, true);
    return position;
  }

  /** Reports how fast a log was read. */
  const rate = (t, pages, began) => {
    const seconds = (performance.now() - began) / 1000;
    t.diagnostic(
      `${LENGTH} entries on ${pages} pages in ${seconds.toFixed(1)} s: ${Math.round(LENGTH / seconds)} per second`,
    );
  };

  test("catching up from the start over HTTP", async (t) => {
    const began = performance.now();
    let position = 0;
    let pages = 0;
    while (position < LENGTH) {
      const { status, body } = await bob.get(
        `/conversations/${conversation}/events?after=${position}&limit=1000`,
      );
      assert.equal(status, 200, JSON.stringify(body));
      assert.equal(body.events.length, 1000);
      position = nextPosition(position, body);
      pages += 1;
    }
    rate(t, pages, began);
    const { body } = await bob.get(`/conversations/${conversation}/events?after=${position}`);
    assert.deepEqual(body, { events: [], head: LENGTH, limited: false });
  });

  test("catching up from the start over WebSocket", async (t) => {
    const socket = await bob.connect();
    const began = performance.now();
    let position = 0;
    let pages = 0;
    while (position < LENGTH) {
      const page = await socket.request("subscribe", { conversation, after: position });
      assert.equal(page.event, "subscribed", JSON.stringify(page));
      position = nextPosition(position, page);
      pages += 1;
    }
    rate(t, pages, began);
    await socket.close();
  });

  test("sending with a position far behind the head is rejected, and near the head accepted", async () => {
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
    // A filled message is recognized as a repetition, so the filled rows equal those that the
    // functions write.
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
