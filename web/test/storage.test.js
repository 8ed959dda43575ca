/** What outlives the page, in a database like a browser's. */

import assert from "node:assert/strict";
import { test } from "node:test";
import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { indexedStorage } from "../client/browser.js";
import { FakeServer } from "./fake_server.js";
import { openTab } from "./fakes.js";

const UNSENT = { id: "x", body: "hello", after: 3, writtenAt: 1, failure: null };

/**
 * Changes the database without the client, as another program would.
 * @param {IDBFactory} factory
 * @param {(store: IDBObjectStore) => void} change
 * @param {string} name
 */
async function tamper(factory, change, name = "outbox") {
  const request = factory.open("confab");
  await new Promise((resolve) => (request.onsuccess = resolve));
  const transaction = request.result.transaction(name, "readwrite");
  change(transaction.objectStore(name));
  await new Promise((resolve) => (transaction.oncomplete = resolve));
  request.result.close();
}

test("stored rows are found by later pages of the same user on the same server only", async () => {
  const factory = new IDBFactory();
  const alice = indexedStorage(factory, "server alice");
  alice.outboxes.put("c", UNSENT);
  alice.outboxes.put("c", { ...UNSENT, id: "y" });
  alice.outboxes.put("d", { ...UNSENT, id: "y", body: "changed later" });
  alice.outboxes.put("d", { ...UNSENT, id: "y" });
  alice.outboxes.remove("c", "x");
  alice.readPositions.set("c", 4);
  alice.readPositions.set("c", 5);
  const again = indexedStorage(factory, "server alice");
  const rows = /** @type {any[]} */ (await again.outboxes.load());
  assert.deepEqual(
    rows.map(({ conversation, outgoing }) => ({ conversation, outgoing })),
    [
      { conversation: "c", outgoing: { ...UNSENT, id: "y" } },
      { conversation: "d", outgoing: { ...UNSENT, id: "y" } },
    ],
  );
  assert.deepEqual(await again.readPositions.load(), [
    { owner: "server alice", conversation: "c", seq: 5 },
  ]);
  for (const owner of ["server bob", "server", "server alicea", "another server alice"]) {
    const other = indexedStorage(factory, owner);
    assert.deepEqual(
      [await other.outboxes.load(), await other.readPositions.load()],
      [[], []],
      owner,
    );
  }
});

test("a database of the first version keeps its unsent messages", async () => {
  const factory = new IDBFactory();
  const request = factory.open("confab", 1);
  request.onupgradeneeded = () =>
    request.result.createObjectStore("outbox", { keyPath: ["owner", "conversation", "id"] });
  await new Promise((resolve) => (request.onsuccess = resolve));
  request.result.close();
  await tamper(factory, (store) =>
    store.put({ owner: "o", conversation: "c", id: "x", outgoing: UNSENT }),
  );
  const { outboxes, readPositions } = indexedStorage(factory, "o");
  assert.equal((await outboxes.load()).length, 1);
  readPositions.set("c", 1);
  assert.equal((await readPositions.load()).length, 1);
});

test("malformed rows are neither shown nor sent, and do not affect others", async () => {
  const factory = new IDBFactory();
  const bad = [
    null,
    7,
    "text",
    {},
    { ...UNSENT, id: undefined },
    { ...UNSENT, id: "no id!" },
    { ...UNSENT, id: "x".repeat(65) },
    { ...UNSENT, body: 7 },
    { ...UNSENT, body: "" },
    { ...UNSENT, body: "x".repeat(16_385) },
    { ...UNSENT, after: -1 },
    { ...UNSENT, after: 1.5 },
    { ...UNSENT, after: "3" },
    { ...UNSENT, writtenAt: Number.NaN },
    { ...UNSENT, writtenAt: "now" },
  ];
  const { outboxes } = indexedStorage(factory, "o");
  await outboxes.load();
  await tamper(factory, (store) => {
    // Each has its own id, so that none replaces the valid row.
    const named = bad.map((outgoing, index) =>
      outgoing === null ||
      typeof outgoing !== "object" ||
      !("id" in outgoing) ||
      outgoing.id !== "x"
        ? outgoing
        : { ...outgoing, id: `bad-${index}` },
    );
    for (const [index, outgoing] of named.entries())
      store.put({ owner: "o", conversation: "c1", id: `bad-${index}`, outgoing });
    store.put({ owner: "o", conversation: "c1", id: "no outgoing" });
    store.put({
      owner: "o",
      conversation: "c1",
      id: "x",
      outgoing: { ...UNSENT, after: 0, failure: "no problem" },
    });
  });
  const server = new FakeServer("c1");
  const { client, clock } = await openTab(server, { outboxes });
  // The database uses real timers.
  while (client.state.name !== "connected" || server.log.length === 0) await clock.advance(0);
  await clock.advance(1_000);
  assert.deepEqual(
    server.log.map(({ id, body }) => [id, body]),
    [["x", "hello"]],
  );
  assert.deepEqual(
    client.conversation("c1").messages.map(({ body, state }) => [body, state]),
    [["hello", "sent"]],
  );
  while ((await outboxes.load()).length > bad.length + 1) await clock.advance(0);
  client.stop();
});

test("without a database, or with one that hangs, only what would outlive the page is lost", async () => {
  const refusing = /** @type {IDBFactory} */ (
    /** @type {unknown} */ ({ open: () => assert.fail("The operation is insecure.") })
  );
  const factories = [refusing, /** @type {IDBFactory} */ (/** @type {unknown} */ (undefined))];
  for (const factory of factories) {
    const { outboxes, readPositions } = indexedStorage(factory, "o");
    outboxes.put("c", UNSENT);
    outboxes.remove("c", "x");
    readPositions.set("c", 1);
    assert.deepEqual([await outboxes.load(), await readPositions.load()], [[], []]);
  }
  const server = new FakeServer("c1");
  /** @type {(rows: unknown[]) => void} */ let answer = () => {};
  const slow = {
    put: () => {},
    remove: () => {},
    load: () => new Promise((resolve) => (answer = resolve)),
  };
  const { client, clock } = await openTab(server, { outboxes: slow });
  await clock.advance(4_000);
  void client.conversation("c1").send("mine");
  await clock.advance(0);
  assert.deepEqual(
    [client.state.name, server.log.map(({ body }) => body)],
    ["connected", ["mine"]],
  );
  answer([{ conversation: "c1", outgoing: { ...UNSENT, after: 0 } }]);
  await clock.advance(1_000);
  assert.deepEqual(
    server.log.map(({ body }) => body),
    ["mine", "hello"],
    "late rows are sent, too",
  );
  assert.deepEqual(
    client.conversation("c1").messages.map(({ body, state }) => [body, state]),
    [
      ["mine", "sent"],
      ["hello", "sent"],
    ],
  );
});
