import assert from "node:assert/strict";
import { test } from "node:test";
import { Replica } from "../client/model.js";
import { entryOf } from "../client/sending.js";

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

/** Receives the answer to the message "x", if that is unsent. @param {Replica} replica @param {number} seq */
function acknowledge(replica, seq) {
  const sent = { conversation: "c", id: "x", seq, sentAt: SENT_AT, duplicate: false };
  const outgoing = replica.outbox.find(({ id }) => id === "x");
  if (outgoing) replica.receive(entryOf(outgoing, sent, ME));
}

/** @param {Replica} replica */
function shown(replica) {
  return replica
    .lines()
    .map((line) => (line.kind === "entry" ? line.entry.seq : `unsent ${line.outgoing.id}`));
}

test("the position moves only without a gap; repeated entries are ignored, later ones are held", () => {
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

test("an unknown kind of entry moves the position", () => {
  const replica = new Replica("c", ME, 0);
  replica.receive({ event: "reactionAdded", conversation: "c", seq: 1 });
  assert.equal(replica.position, 1);
});

test("a push of the user's own message acknowledges it, and so does `sent`, in any order", () => {
  for (const order of ["push", "sent", "push sent", "sent push"]) {
    const replica = new Replica("c", ME, 0);
    write(replica, "x", "body 1");
    assert.deepEqual(shown(replica), ["unsent x"]);
    const [keyBefore] = replica.lines().map(({ key }) => key);
    for (const step of order.split(" ")) {
      if (step === "push") replica.receive(message(1, "alice", "x"));
      else acknowledge(replica, 1);
    }
    assert.deepEqual(shown(replica), [1], order);
    assert.equal(replica.position, 1, order);
    assert.equal(replica.lines()[0]?.key, keyBefore, "the line keeps its key");
  }
});

test("an acknowledgement counts, whatever its seq", () => {
  const replica = new Replica("c", ME, 7);
  write(replica, "x", "body");
  acknowledge(replica, 5);
  assert.deepEqual([replica.outbox, replica.position], [[], 7], "or it would be sent endlessly");
});

test("another sender's message with the same id acknowledges nothing", () => {
  const replica = new Replica("c", ME, 0);
  write(replica, "x", "hello");
  replica.receive(message(1, "bob", "x"));
  assert.deepEqual(shown(replica), [1, "unsent x"]);
});

test("an acknowledged message after a gap is shown, and moves the position when the gap closes", () => {
  const replica = new Replica("c", ME, 0);
  write(replica, "x", "body 2");
  acknowledge(replica, 2);
  assert.deepEqual([replica.position, shown(replica)], [0, [2]]);
  replica.receive(message(1, "bob"));
  assert.deepEqual([replica.position, shown(replica)], [2, [1, 2]]);
});

test("unsent messages keep the position from skipping to a reported head", () => {
  const left = { id: "x", body: "body 8", after: 5, writtenAt: 0, failure: null };
  const replica = new Replica("c", ME, 9, [left]);
  assert.equal(replica.position, 5);
  for (const seq of [6, 7]) replica.receive(message(seq, "bob"));
  replica.receive(message(8, "alice", "x"));
  assert.deepEqual(replica.outbox, []);
});

test("history is put before the entries, and ends", () => {
  const replica = new Replica("c", ME, 4);
  replica.receive(message(5, "bob"));
  replica.prepend([message(3, "bob"), message(4, "bob")], 2);
  assert.equal(replica.historyBefore, 3);
  replica.prepend([message(1, "bob"), message(2, "bob")], 0);
  assert.deepEqual([shown(replica), replica.historyBefore], [[1, 2, 3, 4, 5], 0]);
  assert.equal(new Replica("d", ME, 0).historyBefore, 0, "an empty log has no history");
});

test("a failed message lets the next one go first, and can be retried or discarded", () => {
  const replica = new Replica("c", ME, 0);
  const problem = { code: "invalid", message: "no", retry: "never" };
  write(replica, "x", "one");
  write(replica, "y", "two");
  replica.fail("x", problem);
  assert.equal(replica.nextOutgoing()?.id, "y");
  replica.retry("x", "z");
  assert.equal(replica.nextOutgoing()?.id, "x", "the same id, because it may have been stored");
  replica.fail("x", { ...problem, code: "id_reused" });
  replica.retry("x", "z");
  assert.equal(
    replica.nextOutgoing()?.id,
    "z",
    "another id, because the server has another message with the old one",
  );
  replica.discard("z");
  assert.deepEqual(
    replica.outbox.map(({ id }) => id),
    ["y"],
  );
});

test("a message of another tab is adopted once, and not if the log contains it", () => {
  const replica = new Replica("c", ME, 2);
  const outgoing = { id: "x", body: "body 3", after: 2, writtenAt: 1, failure: null };
  assert.equal(replica.adopt(outgoing), true);
  assert.equal(replica.adopt(outgoing), true);
  assert.deepEqual(shown(replica), ["unsent x"]);
  replica.receive(message(3, "alice", "x"));
  assert.equal(replica.adopt(outgoing), false, "the stored row is outdated");
  assert.deepEqual(shown(replica), [3]);
});

test("a message that may be stored before the replica's position moves the position back", () => {
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
