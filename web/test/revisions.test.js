/** Replies, edits and deletions: how a client shows and sends them. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { parseFrame } from "../client/protocol.js";
import { Replica } from "../client/model.js";
import "../client/revisions.js";
import { parseUnsent } from "../client/unsent.js";
import { FakeServer } from "./fake_server.js";
import { FakeBrowser, FakeClock, openTab } from "./fakes.js";
import { bodies, ID, scriptError, start } from "./one_client.js";

/** @import { Entry } from "../client/wire.js" */

const ME = { user: "alice", name: "Alice" };
const SENT_AT = "2026-01-05T09:00:00.000Z";

/** @param {number} seq @param {Partial<Entry>} [more] @returns {Entry} */
const message = (seq, more) => ({
  event: "message",
  conversation: "c",
  seq,
  id: `m-${seq}`,
  sender: "alice",
  name: "Alice",
  body: `body ${seq}`,
  sentAt: SENT_AT,
  ...more,
});

/** @param {number} seq @param {number} target @param {string} [body] @returns {Entry} */
const edit = (seq, target, body) => ({
  event: "messageEdited",
  conversation: "c",
  seq,
  id: `e-${seq}`,
  target,
  sender: "alice",
  sentAt: SENT_AT,
  ...(body !== undefined && { body }),
});

/** @param {number} seq @param {number} target @returns {Entry} */
const deletion = (seq, target) => ({
  event: "messageDeleted",
  conversation: "c",
  seq,
  id: `d-${seq}`,
  target,
  by: "bob",
  sentAt: SENT_AT,
});

/** @param {Replica} replica @param {number} seq */
function shown(replica, seq) {
  for (const line of replica.lines()) {
    if (line.kind === "entry" && line.entry.seq === seq)
      return [line.entry.body, line.entry.edited?.seq, line.entry.deleted];
  }
  return null;
}

test("a message shows its newest edit, and its deletion for ever, in every order of loading", () => {
  const newest = { body: "new", edited: { seq: 3, at: SENT_AT } };
  const gone = { body: "", deleted: { seq: 4, by: "bob" } };
  const changes = [edit(2, 1, "old"), edit(3, 1, "new"), deletion(4, 1)];
  for (const [end, expected, current] of /** @type {const} */ ([
    [3, ["new", 3, undefined], newest],
    [4, ["", undefined, gone.deleted], gone],
  ])) {
    // From the start: as pushed, and as read later, when a replaced edit has no text.
    for (const read of [message(1), message(1, current)]) {
      for (const first of [changes[0], edit(2, 1)]) {
        const replica = new Replica("c", ME, 0);
        for (const entry of [read, first, ...changes.slice(1, end - 1)]) {
          if (entry) replica.receive(entry);
        }
        assert.deepEqual(shown(replica, 1), expected);
      }
    }
    // The message is loaded after its changes were seen; it may have been read before them.
    for (const read of [message(1), message(1, current)]) {
      const replica = new Replica("c", ME, 1);
      for (const change of changes.slice(0, end - 1)) replica.receive(change);
      replica.prepend([read], 0);
      assert.deepEqual(shown(replica, 1), expected);
    }
  }
});

test("a reply names a message, also over HTTP and after a reload", async () => {
  const { server, client, clock } = await start();
  const lunch = client.conversation(ID);
  server.socket.receive(server.store("bob", "Shall we?"));
  const [sent] = await Promise.all([lunch.send("Yes", { replyTo: 1 }), clock.advance(0)]);
  assert.deepEqual([sent.seq, sent.replyTo], [2, 1]);
  assert.equal(server.asked("sendMessage").at(-1)?.replyTo, 1);
  assert.deepEqual(
    lunch.messages.map(({ replyTo }) => replyTo),
    [null, 1],
  );
  const outgoing = { id: "m", body: "Yes", replyTo: 1, after: 0, writtenAt: 1, failure: null };
  assert.deepEqual(parseUnsent({ conversation: "c", outgoing }), { conversation: "c", outgoing });
});

test("an edit shows at once, is stored once, and survives a lost answer", async () => {
  const { server, client, clock } = await start();
  const lunch = client.conversation(ID);
  await Promise.all([lunch.send("helo"), clock.advance(0)]);
  const [first] = lunch.messages;
  assert.ok(first);
  server.script.push({ action: "editMessage", answer: () => {} });
  const edited = lunch.edit(first, " hello ");
  await clock.advance(0);
  assert.deepEqual(
    lunch.messages.map(({ body, state }) => [body, state]),
    [[" hello", "pending"]],
  );
  const [entry] = await Promise.all([edited, clock.advance(10_000)]);
  assert.deepEqual([entry.event, entry.target, entry.body], ["messageEdited", 1, " hello"]);
  assert.equal(server.asked("editMessage").length, 2);
  assert.deepEqual([bodies(server), server.log.length], [[" hello", " hello"], 2]);
  const [shown] = lunch.messages;
  assert.deepEqual([shown?.body, shown?.state, shown?.key], [" hello", "sent", first.key]);
  assert.ok(shown?.editedAt);
  assert.equal(lunch.messages.length, 1);
});

test("a refused edit leaves the message, with the reason, until it is discarded", async () => {
  const { server, client, clock } = await start();
  const lunch = client.conversation(ID);
  await Promise.all([lunch.send("hello"), clock.advance(0)]);
  const [first] = lunch.messages;
  assert.ok(first);
  scriptError(server, "editMessage", { code: "forbidden", retry: "never" });
  const edited = lunch.edit(first, "too late");
  await clock.advance(0);
  await assert.rejects(edited, { code: "forbidden" });
  const [shown] = lunch.messages;
  assert.deepEqual(
    [shown?.body, shown?.state, shown?.problem?.code],
    ["hello", "failed", "forbidden"],
  );
  lunch.discard(shown?.change ?? "");
  assert.deepEqual([lunch.messages[0]?.state, lunch.messages[0]?.change], ["sent", null]);
});

test("a deletion removes the text at once; of two, both are answered", async () => {
  const { server, client, clock } = await start();
  const lunch = client.conversation(ID);
  server.store("bob", "rude");
  await clock.advance(0);
  server.socket.receive(server.log[0] ?? {});
  const [first] = lunch.messages;
  assert.ok(first);
  // Bob deletes it himself, and the push is on its way.
  server.remove("bob", 1, "d-1");
  const deleted = lunch.delete(first);
  await clock.advance(0);
  assert.equal(await deleted, null);
  assert.equal(server.log.length, 2);
  server.socket.receive(server.log[1] ?? {});
  const [shown] = lunch.messages;
  assert.deepEqual([shown?.body, shown?.deletedBy, shown?.state], ["", "bob", "sent"]);
  assert.equal(client.conversation(ID).lines().length, 2);
});

test("an edit of a message that is under way waits for it; a failed one is sent anew", async () => {
  const { server, client, clock } = await start();
  const lunch = client.conversation(ID);
  server.script.push({ action: "sendMessage", answer: () => {} });
  lunch.send("helo");
  await clock.advance(0);
  const [unsent] = lunch.messages;
  assert.equal(unsent?.state, "pending");
  const edited = lunch.edit(unsent, "hello");
  await clock.advance(0);
  assert.equal(server.asked("editMessage").length, 0);
  const [entry] = await Promise.all([edited, clock.advance(10_000)]);
  assert.equal(entry.target, 1);
  assert.deepEqual(bodies(server), ["hello", "hello"]);

  scriptError(server, "sendMessage", { code: "forbidden", retry: "never" });
  await Promise.all([lunch.send("no").catch(() => {}), clock.advance(0)]);
  const failed = lunch.messages.at(-1);
  assert.equal(failed?.state, "failed");
  const [again] = await Promise.all([lunch.edit(failed, "yes"), clock.advance(0)]);
  assert.deepEqual([again.event, again.body], ["message", "yes"]);
  assert.deepEqual(
    lunch.messages.map(({ body, state }) => [body, state]),
    [
      ["hello", "sent"],
      ["yes", "sent"],
    ],
  );
});

test("a message that was never sent is dropped when it is deleted, in every tab", async () => {
  const [server, clock, browser] = [new FakeServer(ID), new FakeClock(), new FakeBrowser()];
  const leader = await openTab(server, { clock, browser });
  const other = await openTab(server, { clock, browser });
  await clock.advance(0);
  server.mode = "down";
  server.socket.cut();
  await clock.advance(0);
  for (const { client } of [leader, other]) {
    const lunch = client.conversation(ID);
    const sent = lunch.send("rude");
    await clock.advance(0);
    const [unsent] = lunch.messages;
    assert.equal(unsent?.state, "pending");
    void lunch.react(unsent, "👍", true);
    const deleted = lunch.delete(unsent);
    await clock.advance(0);
    assert.deepEqual([await sent, await deleted], [null, null]);
    for (const tab of [leader, other]) assert.deepEqual(tab.client.conversation(ID).messages, []);
    assert.deepEqual(await browser.outboxes.load(), []);
  }
  server.mode = "open";
  await clock.advance(60_000);
  assert.equal(leader.client.state.name, "connected");
  assert.deepEqual(server.log, []);
});

test("the deletion of a message under way waits: it follows the message, or both are dropped", async () => {
  for (const [isRefused, entries] of /** @type {const} */ ([
    [false, ["message", "messageDeleted"]],
    [true, []],
  ])) {
    const { server, client, clock, browser } = await start();
    const lunch = client.conversation(ID);
    let refuse = () => {};
    server.script.push({
      action: "sendMessage",
      answer: ({ ref }, socket) => {
        refuse = () =>
          socket.receive({ event: "error", ref, message: "no", code: "invalid", retry: "never" });
      },
    });
    lunch.send("rude").catch(() => {});
    await clock.advance(0);
    const [unsent] = lunch.messages;
    assert.ok(unsent);
    const deleted = lunch.delete(unsent);
    await clock.advance(0);
    assert.deepEqual([lunch.messages, server.log], [[], []]);
    if (isRefused) refuse();
    await clock.advance(20_000);
    assert.deepEqual(
      server.log.map(({ event }) => event),
      entries,
    );
    await deleted;
    assert.deepEqual(await browser.outboxes.load(), []);
    assert.deepEqual(
      lunch.messages.map(({ body, state }) => [body, state]),
      isRefused ? [] : [["", "sent"]],
    );
  }
});

test("without a socket, edits and deletions go over HTTP", async () => {
  const { server, client, clock } = await start((server) => (server.mode = "http only"));
  const lunch = client.conversation(ID);
  await clock.advance(10_000);
  await Promise.all([lunch.send("helo"), clock.advance(10_000)]);
  const [first] = lunch.messages;
  assert.ok(first);
  await Promise.all([lunch.edit(first, "hello"), clock.advance(10_000)]);
  await Promise.all([lunch.delete(first), clock.advance(10_000)]);
  const used = server.requests.map((request) => request.split("?")[0]);
  const path = `/conversations/${ID}/messages/1`;
  for (const request of [`PATCH ${path}`, `DELETE ${path}`])
    assert.ok(used.includes(request), request);
  assert.deepEqual([lunch.messages[0]?.body, lunch.messages[0]?.deletedBy], ["", "alice"]);
});

test("unsent edits and deletions are restored, and are not messages for an earlier version", () => {
  for (const text of ["new", null]) {
    const outgoing = { id: "e-1", target: 4, text, after: 4, writtenAt: 1, failure: null };
    const row = { conversation: "c", outgoing };
    assert.deepEqual(parseUnsent(row), row);
    assert.equal("body" in outgoing, false);
  }
  for (const text of [undefined, "", 5, "x".repeat(16_385)]) {
    const outgoing = { id: "e-1", target: 4, text, after: 4, writtenAt: 1, failure: null };
    assert.equal(parseUnsent({ conversation: "c", outgoing }), null, String(text));
  }
});

test("answers to edits and deletions are acknowledgements, not entries", () => {
  const sent = { conversation: "c", id: "e-1", seq: 7, sentAt: SENT_AT, duplicate: false };
  for (const event of ["sent", "edited", "deleted"]) {
    const frame = parseFrame(JSON.stringify({ event, ref: "1", ...sent }));
    assert.deepEqual(frame, { event: "sent", ref: "1", sent });
  }
});

test("what an entry says about edits and deletions is checked", () => {
  for (const [given, expected] of /** @type {[object, object][]} */ ([
    [{ target: 3 }, { target: 3 }],
    [{ target: "3", replyTo: -1 }, {}],
    [{ edited: { seq: 2, at: SENT_AT, more: 1 } }, { edited: { seq: 2, at: SENT_AT } }],
    [{ edited: 2, deleted: [] }, {}],
    [{ deleted: { seq: 2, by: "bob" } }, { deleted: { seq: 2, by: "bob" } }],
    [{ body: null }, {}],
  ])) {
    const entry = { event: "message", conversation: "c", seq: 4 };
    const frame = parseFrame(JSON.stringify({ ...entry, ...given }));
    assert.deepEqual(frame, { event: "entry", entry: { ...entry, ...expected } });
  }
});
