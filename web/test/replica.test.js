import assert from "node:assert/strict";
import { test } from "node:test";
import { Replica } from "../client/replica.js";

const ME = { user: "alice", name: "Alice" };
const SENT_AT = "2026-01-05T09:00:00.000Z";

/** @param {number} seq @param {string} sender @param {string} [id] */
function message(seq, sender, id = `${sender}-${seq}`) {
  return {
    event: "message",
    conversation: "c",
    seq,
    id,
    sender,
    name: sender,
    body: `body ${seq}`,
    sentAt: SENT_AT,
  };
}

/** @param {Replica} replica @param {string} id @param {string} body */
function write(replica, id, body) {
  replica.adopt({ id, body, after: replica.position, writtenAt: 1, failure: null });
}

/** @param {Replica} replica */
function shown(replica) {
  return replica
    .lines()
    .map((line) => (line.kind === "entry" ? line.entry.seq : `unsent ${line.outgoing.id}`));
}

test("the position moves over a dense run only; repeats are ignored, what is ahead is held", () => {
  const replica = new Replica("c", ME, 3);
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
    replica.receive(message(seq, "bob"));
    assert.equal(replica.position, position, `position after ${seq}`);
    assert.deepEqual(shown(replica), seqs, `shown after ${seq}`);
    assert.equal(replica.hasGap, gap, `gap after ${seq}`);
  }
});

test("a kind that is not known counts its seq", () => {
  const replica = new Replica("c", ME, 0);
  replica.receive({ event: "reactionAdded", conversation: "c", seq: 1 });
  assert.equal(replica.position, 1);
});

test("a push of one's own message acknowledges it, and so does `sent`, whichever comes first", () => {
  for (const order of ["push", "sent", "push sent", "sent push"]) {
    const replica = new Replica("c", ME, 0);
    write(replica, "x", "body 1");
    assert.deepEqual(shown(replica), ["unsent x"]);
    const [keyBefore] = replica.lines().map(({ key }) => key);
    for (const step of order.split(" ")) {
      if (step === "push") replica.receive(message(1, "alice", "x"));
      else
        for (const entry of replica.acknowledged({
          conversation: "c",
          id: "x",
          seq: 1,
          sentAt: SENT_AT,
          duplicate: false,
        }))
          replica.receive(entry);
    }
    assert.deepEqual(shown(replica), [1], order);
    assert.equal(replica.position, 1, order);
    assert.equal(replica.lines()[0]?.key, keyBefore, "the line on the screen stays the same one");
  }
});

test("an acknowledgement is one, wherever the message is said to be", () => {
  const replica = new Replica("c", ME, 7);
  write(replica, "x", "body");
  for (const entry of replica.acknowledged({
    conversation: "c",
    id: "x",
    seq: 5,
    sentAt: SENT_AT,
    duplicate: true,
  }))
    replica.receive(entry);
  assert.deepEqual([replica.outbox, replica.position], [[], 7], "or it would be sent without end");
});

test("somebody else's message with the same id acknowledges nothing", () => {
  const replica = new Replica("c", ME, 0);
  write(replica, "x", "hello");
  replica.receive(message(1, "bob", "x"));
  assert.deepEqual(shown(replica), [1, "unsent x"]);
});

test("an acknowledged message behind a gap is shown, and moves the position only when the gap closes", () => {
  const replica = new Replica("c", ME, 0);
  write(replica, "x", "body 2");
  for (const entry of replica.acknowledged({
    conversation: "c",
    id: "x",
    seq: 2,
    sentAt: SENT_AT,
    duplicate: false,
  }))
    replica.receive(entry);
  assert.deepEqual([replica.position, shown(replica)], [0, [2]]);
  replica.receive(message(1, "bob"));
  assert.deepEqual([replica.position, shown(replica)], [2, [1, 2]]);
});

test("what was left unsent holds the position back: a reported head is not skipped to", () => {
  const left = { id: "x", body: "body 8", after: 5, writtenAt: 0, failure: null };
  const replica = new Replica("c", ME, 9, [left]);
  assert.equal(replica.position, 5);
  for (const seq of [6, 7]) replica.receive(message(seq, "bob"));
  replica.receive(message(8, "alice", "x"));
  assert.deepEqual(replica.outbox, []);
});

test("history goes before what is there, and ends", () => {
  const replica = new Replica("c", ME, 4);
  replica.receive(message(5, "bob"));
  replica.prepend([message(3, "bob"), message(4, "bob")], 2);
  assert.equal(replica.historyBefore, 3);
  replica.prepend([message(1, "bob"), message(2, "bob")], 0);
  assert.deepEqual([shown(replica), replica.historyBefore], [[1, 2, 3, 4, 5], 0]);
  assert.equal(new Replica("d", ME, 0).historyBefore, 0, "an empty log has no history to ask for");
});

test("a failed message steps aside, and can be sent once more or given up", () => {
  const replica = new Replica("c", ME, 0);
  const problem = { code: "invalid", message: "no", retry: "never" };
  write(replica, "x", "one");
  write(replica, "y", "two");
  replica.fail("x", problem);
  assert.equal(replica.nextOutgoing()?.id, "y");
  replica.retry("x", "z");
  assert.equal(replica.nextOutgoing()?.id, "x", "the same id: it may have been stored after all");
  replica.fail("x", { ...problem, code: "id_reused" });
  replica.retry("x", "z");
  assert.equal(
    replica.nextOutgoing()?.id,
    "z",
    "another id: the server has another message under the old one",
  );
  replica.discard("z");
  assert.deepEqual(
    replica.outbox.map(({ id }) => id),
    ["y"],
  );
});

test("a message of another tab is adopted once, and not if it was seen", () => {
  const replica = new Replica("c", ME, 2);
  const outgoing = { id: "x", body: "body 3", after: 2, writtenAt: 1, failure: null };
  assert.equal(replica.adopt(outgoing), true);
  assert.equal(replica.adopt(outgoing), true);
  assert.deepEqual(shown(replica), ["unsent x"]);
  replica.receive(message(3, "alice", "x"));
  assert.equal(replica.adopt(outgoing), false, "the one who deletes it came too late");
  assert.deepEqual(shown(replica), [3]);
});

test("what may be stored before this tab began to look makes it begin there", () => {
  const replica = new Replica("c", ME, 7);
  replica.adopt({ id: "x", body: "body 6", after: 4, writtenAt: 1, failure: null });
  assert.equal(replica.position, 4);
  for (const [seq, id] of /** @type {[number, string][]} */ ([
    [5, "a"],
    [6, "x"],
    [7, "b"],
  ]))
    replica.receive(message(seq, "alice", id));
  assert.deepEqual([replica.outbox, replica.position], [[], 7]);
});
