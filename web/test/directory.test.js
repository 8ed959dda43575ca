import assert from "node:assert/strict";
import { test } from "node:test";
import { Directory } from "../client/directory.js";
import { OutboxStorage } from "../client/outbox_storage.js";
import { FakeStorage } from "./fakes.js";

/** @param {number} seq @param {string} sender */
function message(seq, sender) {
  const sentAt = new Date(Date.UTC(2026, 0, 5, 9, seq)).toISOString();
  return { event: "message", conversation: "c", seq, id: `${seq}`, sender, name: sender.toUpperCase(), body: `${seq}`, sentAt };
}

test("a list that lags takes nothing back", () => {
  const directory = new Directory("alice");
  directory.add({ id: "c", title: "Lunch" }, 0);
  for (const seq of [1, 2]) directory.see(message(seq, "bob"), false);
  directory.merge({ id: "c", title: "Lunch", head: 1, lastMessage: message(1, "bob"), joinedAt: "" });
  const listed = directory.get("c");
  assert.deepEqual([listed?.head, listed?.lastMessage?.seq, listed?.unread], [2, 2, 2]);
});

test("the unread are messages of others that nobody looked at", () => {
  const directory = new Directory("alice");
  directory.add({ id: "c" }, 0);
  for (const [seq, sender, watched] of /** @type {[number, string, boolean][]} */ ([[1, "bob", true], [2, "alice", false], [3, "bob", false]])) {
    directory.see(message(seq, sender), watched);
  }
  directory.see({ event: "participantAdded", conversation: "c", seq: 4, user: "carol" }, false);
  assert.equal(directory.unread, 1);
  directory.read("c");
  assert.equal(directory.unread, 0);
});

test("a conversation is called by its title, else by the others in it, by the best names known", () => {
  const directory = new Directory("alice");
  const listed = directory.add({ id: "c" }, 0);
  assert.equal(directory.nameOf(listed), "Untitled conversation");
  directory.see(message(1, "bob"), true);
  directory.add({ id: "c", participants: ["alice", "bob", "carol"].map((user) => ({ user, name: user })) }, 0);
  assert.equal(directory.nameOf(listed), "BOB, carol");
  directory.see({ event: "participantRemoved", conversation: "c", seq: 2, user: "bob" }, true);
  assert.equal(directory.nameOf(listed), "carol");
  directory.add({ id: "c", title: "Lunch" }, 0);
  assert.equal(directory.nameOf(listed), "Lunch");
});

test("outboxes are kept per person, and what was tampered with is nothing", () => {
  const storage = new FakeStorage();
  const unsent = { id: "x", body: "hello", after: 3, writtenAt: 1, failure: null };
  new OutboxStorage(storage, "alice").save("c", [unsent]);
  assert.deepEqual(new OutboxStorage(storage, "alice").load().get("c"), [unsent]);
  assert.equal(new OutboxStorage(storage, "bob").load().size, 0);
  storage.setItem("confab.outbox.bob", '{"c":[{"id":"x"},7],"d":"e"}');
  assert.deepEqual([...new OutboxStorage(storage, "bob").load().values()], [[], []]);
});
