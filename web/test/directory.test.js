import assert from "node:assert/strict";
import { test } from "node:test";
import { Directory } from "../client/directory.js";

const ME = { user: "alice", name: "Alice" };

/** @param {number} seq @param {string} sender */
function message(seq, sender) {
  const sentAt = new Date(Date.UTC(2026, 0, 5, 9, seq)).toISOString();
  return {
    event: "message",
    conversation: "c",
    seq,
    id: `${seq}`,
    sender,
    name: sender.toUpperCase(),
    body: `${seq}`,
    sentAt,
  };
}

test("an outdated list does not undo anything", () => {
  const directory = new Directory(ME);
  directory.add({ id: "c", title: "Lunch" }, 0);
  for (const seq of [1, 2]) directory.see(message(seq, "bob"));
  directory.merge({
    id: "c",
    title: "Lunch",
    head: 1,
    lastMessage: message(1, "bob"),
    joinedAt: "",
  });
  const listed = directory.get("c");
  assert.deepEqual([listed?.head, listed?.lastMessage?.seq, listed?.unread], [2, 2, 2]);
});

test("unread messages are those of others that the user did not see", () => {
  const directory = new Directory(ME);
  directory.add({ id: "c" }, 0);
  for (const [seq, sender, watched] of /** @type {[number, string, boolean][]} */ ([
    [1, "bob", true],
    [2, "alice", false],
    [3, "bob", false],
  ])) {
    directory.see(message(seq, sender));
    if (watched) directory.read("c");
  }
  directory.see({ event: "participantAdded", conversation: "c", seq: 4, user: "carol" });
  assert.equal(directory.unread, 1);
  directory.read("c");
  assert.equal(directory.unread, 0);
});

test("without a position, the server's number of unread messages counts, also as more follow", () => {
  const directory = new Directory(ME);
  // An earlier version of the server kept no positions, and counts what it stored as read.
  const lastMessage = message(100, "bob");
  const old = { id: "c", title: "Old", head: 100, lastMessage, joinedAt: "" };
  directory.merge({ ...old, messages: 100, readTo: 0, unread: 0 });
  assert.equal(directory.get("c")?.unread, 0);
  directory.position({
    kind: "positions",
    conversation: "c",
    read: [],
    counted: [100, 100],
    isNow: false,
  });
  assert.equal(directory.get("c")?.unread, 0);
  directory.see(message(101, "bob"));
  assert.equal(directory.get("c")?.unread, 1);
  directory.read("c");
  assert.equal(directory.get("c")?.unread, 0);
});

test("when the server counts anew, what the user answered stays read", () => {
  const directory = new Directory(ME);
  const counted = (/** @type {[number, number]} */ ...count) =>
    directory.position({ kind: "positions", conversation: "c", read: [], counted: count });
  directory.merge({
    ...{ id: "c", title: "Lunch", head: 0, lastMessage: null, joinedAt: "" },
    ...{ messages: 0, readTo: 0, unread: 0 },
  });
  // One of the first two entries is a message. Of the third, only the number is known.
  counted(2, 1);
  directory.add({ id: "c", head: 3 }, 0);
  directory.see(message(1, "bob"));
  directory.see({ event: "participantAdded", conversation: "c", seq: 2, user: "carol" });
  assert.equal(directory.unread, 2);
  directory.see(message(3, "alice"));
  directory.see(message(4, "alice"));
  assert.equal(directory.unread, 0);
  counted(4, 3);
  assert.equal(directory.unread, 0);
  directory.see(message(5, "bob"));
  assert.equal(directory.unread, 1);
});

test("the title of a conversation without one is made of the best known names of the others", () => {
  const directory = new Directory(ME);
  const listed = directory.add({ id: "c" }, 0);
  assert.equal(directory.titleOf(listed), "Untitled conversation");
  directory.see(message(1, "bob"));
  directory.add(
    {
      id: "c",
      participants: ["alice", "bob", "carol"].map((user) => ({ user, name: user, role: "member" })),
    },
    0,
  );
  assert.equal(directory.titleOf(listed), "\u2068BOB\u2069, \u2068carol\u2069");
  directory.add(
    {
      id: "c",
      participants: ["alice", "bob", "carol", "dora", "erin", "finn"].map((user) => ({
        user,
        name: user,
        role: "member",
      })),
    },
    0,
  );
  assert.equal(
    directory.titleOf(listed),
    "\u2068BOB\u2069, \u2068carol\u2069, \u2068dora\u2069 and 2 more",
  );
  for (const [place, user] of ["bob", "dora", "erin", "finn"].entries()) {
    directory.see({ event: "participantRemoved", conversation: "c", seq: 2 + place, user });
  }
  assert.equal(directory.titleOf(listed), "carol");
  directory.add({ id: "c", title: "Lunch" }, 0);
  assert.equal(directory.titleOf(listed), "Lunch");
});

test("names are learned from all conversations, and a user id is not a name", () => {
  const directory = new Directory(ME);
  directory.add({ id: "c" }, 0);
  const other = directory.add(
    {
      id: "d",
      participants: ["alice", "bob"].map((user) => ({ user, name: user, role: "member" })),
    },
    0,
  );
  assert.equal(directory.titleOf(other), "bob");
  directory.see(message(1, "bob"));
  directory.see({
    event: "participantAdded",
    conversation: "c",
    seq: 2,
    user: "bob",
    name: "bob",
    by: "alice",
  });
  assert.equal(directory.titleOf(other), "BOB");
  directory.learnNames([message(1, "carol")]);
  assert.deepEqual([directory.nameOf("carol"), directory.nameOf("dora")], ["CAROL", "dora"]);
});

test("read messages stay read after a reload and in other windows; answering reads them", () => {
  /** @type {Map<string, number>} */ const kept = new Map();
  const rows = () => [...kept].map(([conversation, seq]) => ({ conversation, seq }));
  const summary = (/** @type {number} */ head, /** @type {string} */ sender) => ({
    id: "c",
    title: "",
    head,
    lastMessage: message(head, sender),
    joinedAt: "",
  });
  const [first, second] = [1, 2].map(() => new Directory(ME, (id, seq) => kept.set(id, seq)));
  for (const directory of [first, second]) {
    directory?.merge(summary(7, "bob"));
    directory?.merged();
    assert.equal(directory?.unread, 0, "in a new browser, everything listed first counts as read");
    directory?.see(message(8, "bob"));
    assert.equal(directory?.unread, 1);
  }
  first?.read("c");
  second?.readElsewhere("c", 8);
  assert.deepEqual([first?.unread, second?.unread], [0, 0]);
  const reloaded = new Directory(ME);
  reloaded.restoreRead(rows());
  reloaded.readElsewhere("c", 5);
  reloaded.merge(summary(11, "bob"));
  assert.equal(reloaded.unread, 3);
  reloaded.readElsewhere("c", 5);
  assert.equal(reloaded.unread, 3, "read messages do not become unread");
  reloaded.merge(summary(12, "alice"));
  assert.equal(reloaded.unread, 0);
  reloaded.merge({ ...summary(2, "bob"), id: "new" });
  assert.equal(reloaded.unread, 2, "a conversation created meanwhile");
});

test("stored read positions that are malformed are ignored", () => {
  const directory = new Directory(ME);
  directory.restoreRead([
    null,
    7,
    {},
    { conversation: "c" },
    { conversation: "c", seq: "many" },
    { conversation: "c", seq: -1 },
    { conversation: 4, seq: 4 },
  ]);
  directory.merge({ id: "c", title: "", head: 3, lastMessage: message(3, "bob"), joinedAt: "" });
  assert.equal(directory.unread, 0, "as in a new browser");
});

test("a name that looks like another participant's, or like “You”, is shown with the user id", () => {
  const directory = new Directory(ME);
  const people = (/** @type {[string, string][]} */ named) =>
    named.map(([user, name]) => ({ user, name, role: "member" }));
  const { people: here } = directory.add(
    {
      id: "c",
      participants: people([
        ["alice", "Alice"],
        ["grace", "Grace Hopper"],
        ["bob", "bob"],
        ["mallory", "Mallory"],
      ]),
    },
    0,
  );
  directory.add({ id: "d", participants: people([["erin", "Erin"]]) }, 0);
  assert.equal(directory.labelOf("grace", undefined, here), "Grace Hopper");
  for (const [name, isUnclear] of /** @type {[string, boolean][]} */ ([
    ["Mallory", false],
    ["Grace Hopper", true],
    ["grace\u00a0hopper", true],
    ["Gr\u0430ce H\u043epper", true],
    ["Grace\u200b Hopper", true],
    ["Grace Hopper (grace)", true],
    // The id of a participant with another name, and the id of one without a name.
    ["Grace", true],
    ["B0b", true],
    // The user of the page, and the page's word for them.
    ["alice", true],
    ["You", true],
    ["Y\u043eu", true],
    // A participant of another conversation only.
    ["Erin", false],
  ])) {
    const expected = isUnclear ? `${name} (mallory)` : name;
    assert.equal(directory.labelOf("mallory", name, here), expected);
  }
  directory.learnNames([{ ...message(1, "mallory"), name: "Grace Hopper" }]);
  assert.equal(directory.labelOf("grace", undefined, here), "Grace Hopper (grace)");
  assert.equal(directory.labelOf("grace"), "Grace Hopper", "without a conversation");
  here.delete("mallory");
  assert.equal(directory.labelOf("grace", undefined, here), "Grace Hopper");
});

test("a title that could be taken for names is in quotation marks, and names without a title are not", () => {
  const directory = new Directory(ME);
  const named = (/** @type {string} */ title) => {
    const info = directory.add(
      {
        id: `c ${title}`,
        title,
        participants: [
          { user: "alice", name: "Alice", role: "owner" },
          { user: "grace", name: "Grace Hopper", role: "member" },
        ],
      },
      0,
    );
    return directory.titleOf(info);
  };
  assert.equal(named(""), "Grace Hopper");
  for (const title of ["Grace Hopper", "gr\u0430ce h0pper", "grace", "Lunch, Grace Hopper"])
    assert.equal(named(title), `“${title}”`);
  assert.equal(named("Lunch with Grace"), "Lunch with Grace");
});

test("a list that is older than a deletion does not bring the text back", () => {
  const directory = new Directory(ME);
  const lastMessage = message(3, "bob");
  const summary = { id: "c", title: "", head: 3, lastMessage, joinedAt: "" };
  directory.merge(summary);
  const deletion = { event: "messageDeleted", conversation: "c", seq: 4, target: 3, by: "bob" };
  directory.see(deletion);
  directory.merge(summary);
  assert.deepEqual(directory.get("c")?.lastMessage?.body, "");
  directory.merge({ ...summary, head: 5, lastMessage: message(5, "bob") });
  assert.equal(directory.get("c")?.lastMessage?.seq, 5);
});
