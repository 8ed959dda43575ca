import assert from "node:assert/strict";
import { test } from "node:test";
import { History } from "../client/api.js";
import { Replica } from "../client/model.js";
import { settled } from "./fakes.js";

/** @import { Api } from "../client/api.js" */
/** @import { EventPage } from "../client/wire.js" */

test("a page of history that arrives after a restart of the replica is ignored", async () => {
  /** @type {((page: EventPage) => void)[]} */ const answers = [];
  const events = () => new Promise((resolve) => answers.push(resolve));
  const history = new History({
    api: /** @type {Api} */ (/** @type {unknown} */ ({ events })),
    onEntries: () => {},
    onEarlier: () => {},
    onChange: () => {},
    onError: (error) => assert.fail(String(error)),
  });
  const replica = new Replica("c", { user: "alice", name: "Alice" }, 100);
  history.begin(replica);
  replica.restart(5);
  const page = (/** @type {number} */ from, /** @type {number} */ to) => ({
    head: 100,
    limited: false,
    events: Array.from({ length: to - from + 1 }, (_, index) => ({
      event: "message",
      conversation: "c",
      seq: from + index,
      id: `${from + index}`,
      sender: "bob",
    })),
  });
  answers[0]?.(page(51, 100));
  await settled();
  assert.deepEqual([replica.entries, replica.historyBefore], [[], 6]);
  history.begin(replica);
  answers[1]?.(page(1, 5));
  await settled();
  assert.deepEqual(
    [replica.entries.map(({ seq }) => seq), history.state(replica)],
    [[1, 2, 3, 4, 5], "complete"],
  );
});

test("a log of changes is read to its beginning and its end, however short the pages are", async () => {
  const head = 6_000;
  const pageLength = 40;
  let requests = 0;
  /** @type {EventPage["events"]} */
  const log = Array.from({ length: head }, (_, index) => ({
    event: "participantAdded",
    conversation: "c",
    seq: index + 1,
    user: `user-${index}`,
  }));
  /** @type {Api["events"]} */
  const events = async (_, after, limit = 100) => {
    requests += 1;
    const end = Math.min(after + Math.min(limit, pageLength), head);
    return { head, events: log.slice(after, end), limited: end < head };
  };
  const history = new History({
    api: /** @type {Api} */ (/** @type {unknown} */ ({ events })),
    onEntries: (replica, entries) => void entries.map((entry) => replica.receive(entry)),
    onEarlier: () => {},
    onChange: () => {},
    onError: (error) => assert.fail(String(error)),
  });
  const replica = new Replica("c", { user: "alice", name: "Alice" }, head / 2);
  await history.catchUp(replica);
  assert.equal(requests, head / 2 / pageLength);
  while (history.state(replica) === "more") await history.loadEarlier(replica);
  assert.equal(history.state(replica), "complete");
  assert.deepEqual(replica.entries, log);
  assert.equal(requests, head / 2 / pageLength + 2 * (head / 2 / 50));
});

test("a page that shows nothing is followed by longer ones, until there is something to show", async () => {
  const [head, messages] = [12_000, 10];
  /** @type {number[]} */
  const asked = [];
  /** @type {Api["events"]} */
  const events = async (_, after, limit = 100) => {
    asked.push(limit);
    const length = Math.min(limit, head - after);
    return {
      head,
      limited: after + length < head,
      events: Array.from({ length }, (_, index) => {
        const seq = after + index + 1;
        const entry = { conversation: "c", seq };
        return seq <= messages
          ? { ...entry, event: "message", id: `${seq}`, sender: "bob", body: "Hello" }
          : { ...entry, event: "reaction", target: 1, emoji: "👍", user: "bob", on: seq % 2 === 0 };
      }),
    };
  };
  const history = new History({
    api: /** @type {Api} */ (/** @type {unknown} */ ({ events })),
    onEntries: () => {},
    onEarlier: () => {},
    onChange: () => {},
    onError: (error) => assert.fail(String(error)),
  });
  const replica = new Replica("c", { user: "alice", name: "Alice" }, head);
  await history.loadEarlier(replica);
  assert.deepEqual([replica.entries.length, history.state(replica)], [head, "complete"]);
  assert.deepEqual(asked.slice(0, 6), [50, 100, 200, 400, 800, 800]);
  assert.ok(asked.length < 20, `${asked.length} requests`);

  // What is shown ends it, and the beginning.
  const short = new Replica("c", { user: "alice", name: "Alice" }, 11);
  await history.loadEarlier(short);
  assert.deepEqual([short.entries.length, history.state(short)], [11, "complete"]);
  const long = new Replica("c", { user: "alice", name: "Alice" }, 55);
  await history.loadEarlier(long);
  assert.deepEqual([long.entries[0]?.seq, history.state(long)], [6, "more"]);
});
