import assert from "node:assert/strict";
import { test } from "node:test";
import { History } from "../client/history.js";
import { Replica } from "../client/replica.js";
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
