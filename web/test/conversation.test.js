import assert from "node:assert/strict";
import { test } from "node:test";
import { Conversation } from "../client/conversation.js";

const ME = { user: "alice", name: "Alice" };
const SENT_AT = "2026-01-05T09:00:00.000Z";

/** @param {number} seq @param {string} sender @param {string} [id] */
function message(seq, sender, id = `${sender}-${seq}`) {
  return { event: "message", conversation: "c", seq, id, sender, name: sender, body: `body ${seq}`, sentAt: SENT_AT };
}

/** @param {Conversation} conversation */
function shown(conversation) {
  return conversation.lines().map((line) => (line.kind === "entry" ? line.entry.seq : `unsent ${line.outgoing.id}`));
}

test("the position moves over a dense run only; repeats are ignored, what is ahead is held", () => {
  const conversation = new Conversation("c", ME, 3);
  const steps = /** @type {[number, number, number[], boolean][]} */ ([
    [3, 3, [], false],
    [5, 3, [], true],
    [6, 3, [], true],
    [5, 3, [], true],
    [4, 6, [4, 5, 6], false],
    [4, 6, [4, 5, 6], false],
    [7, 7, [4, 5, 6, 7], false],
  ]);
  for (const [seq, position, seqs, gap] of steps) {
    conversation.receive(message(seq, "bob"));
    assert.equal(conversation.position, position, `position after ${seq}`);
    assert.deepEqual(shown(conversation), seqs, `shown after ${seq}`);
    assert.equal(conversation.hasGap, gap, `gap after ${seq}`);
  }
});

test("a kind that is not known counts its seq", () => {
  const conversation = new Conversation("c", ME, 0);
  conversation.receive({ event: "reactionAdded", conversation: "c", seq: 1 });
  assert.equal(conversation.position, 1);
});

test("a push of one's own message acknowledges it, and so does `sent`, whichever comes first", () => {
  for (const order of ["push", "sent", "push sent", "sent push"]) {
    const conversation = new Conversation("c", ME, 0);
    conversation.write("x", "body 1", 0);
    assert.deepEqual(shown(conversation), ["unsent x"]);
    const [keyBefore] = conversation.lines().map(({ key }) => key);
    for (const step of order.split(" ")) {
      if (step === "push") conversation.receive(message(1, "alice", "x"));
      else conversation.acknowledge({ conversation: "c", id: "x", seq: 1, sentAt: SENT_AT, duplicate: false });
    }
    assert.deepEqual(shown(conversation), [1], order);
    assert.equal(conversation.position, 1, order);
    assert.equal(conversation.lines()[0]?.key, keyBefore, "the line on the screen stays the same one");
  }
});

test("somebody else's message with the same id acknowledges nothing", () => {
  const conversation = new Conversation("c", ME, 0);
  conversation.write("x", "hello", 0);
  conversation.receive(message(1, "bob", "x"));
  assert.deepEqual(shown(conversation), [1, "unsent x"]);
});

test("an acknowledged message behind a gap is shown, and moves the position only when the gap closes", () => {
  const conversation = new Conversation("c", ME, 0);
  conversation.write("x", "body 2", 0);
  conversation.acknowledge({ conversation: "c", id: "x", seq: 2, sentAt: SENT_AT, duplicate: false });
  assert.deepEqual([conversation.position, shown(conversation)], [0, [2]]);
  conversation.receive(message(1, "bob"));
  assert.deepEqual([conversation.position, shown(conversation)], [2, [1, 2]]);
});

test("what was left unsent holds the position back: a reported head is not skipped to", () => {
  const left = { id: "x", body: "body 8", after: 5, writtenAt: 0, failure: null };
  const conversation = new Conversation("c", ME, 9, [left]);
  assert.equal(conversation.position, 5);
  for (const seq of [6, 7]) conversation.receive(message(seq, "bob"));
  conversation.receive(message(8, "alice", "x"));
  assert.deepEqual(conversation.outbox, []);
});

test("history goes before what is there, and ends", () => {
  const conversation = new Conversation("c", ME, 4);
  conversation.receive(message(5, "bob"));
  conversation.prepend([message(3, "bob"), message(4, "bob")], 2);
  assert.equal(conversation.historyBefore, 3);
  conversation.prepend([message(1, "bob"), message(2, "bob")], 0);
  assert.deepEqual([shown(conversation), conversation.historyBefore], [[1, 2, 3, 4, 5], 0]);
  assert.equal(new Conversation("d", ME, 0).historyBefore, 0, "an empty log has no history to ask for");
});

test("a failed message steps aside, and can be sent once more or given up", () => {
  const conversation = new Conversation("c", ME, 0);
  const problem = { code: "invalid", message: "no", retry: "never" };
  conversation.write("x", "one", 0);
  conversation.write("y", "two", 0);
  conversation.fail("x", problem);
  assert.equal(conversation.nextOutgoing()?.id, "y");
  conversation.revive("x", "z");
  assert.equal(conversation.nextOutgoing()?.id, "x", "the same id: it may have been stored after all");
  conversation.fail("x", { ...problem, code: "id_reused" });
  conversation.revive("x", "z");
  assert.equal(conversation.nextOutgoing()?.id, "z", "another id: the server has another message under the old one");
  conversation.discard("z");
  assert.deepEqual(conversation.outbox.map(({ id }) => id), ["y"]);
});
