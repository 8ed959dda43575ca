/** Reactions: how a client folds, shows and sends them. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Replica } from "../client/model.js";
import { parseFrame } from "../client/protocol.js";
import "../client/revisions.js";
import { parseUnsent } from "../client/unsent.js";
import { shownEmoji } from "../views/emoji.js";
import { FakeBrowser, FakeClock, openTab } from "./fakes.js";
import { FakeServer } from "./fake_server.js";
import { ID, scriptError, start } from "./one_client.js";

/** @import { Client } from "../client/client.js" */
/** @import { Entry } from "../client/wire.js" */

const ME = { user: "alice", name: "Alice" };

/** @param {number} seq @returns {Entry} */
const message = (seq) => ({
  event: "message",
  conversation: "c",
  seq,
  id: `m-${seq}`,
  sender: "bob",
  body: `body ${seq}`,
});

/** @param {number} seq @param {string} user @param {boolean} on @param {Partial<Entry>} [more] @returns {Entry} */
const reaction = (seq, user, on, more) => ({
  event: "reaction",
  conversation: "c",
  seq,
  target: 1,
  emoji: "👍",
  user,
  name: user,
  on,
  ...more,
});

/** Returns the reactions to the first message as "emoji: people". @param {Replica} replica */
function shown(replica) {
  const line = replica.lines().find((one) => one.kind === "entry" && one.entry.seq === 1);
  if (line?.kind !== "entry") return null;
  return (line.reactions ?? []).map(
    ({ emoji, people, isMine }) =>
      `${emoji}: ${people.map(({ name }) => name).join()}${isMine ? " (me)" : ""}`,
  );
}

/** @param {Client} client */
const first = (client) => {
  const [message] = client.conversation(ID).messages;
  assert.ok(message);
  return message;
};

/** @param {Client} client */
const reactionsTo = (client) =>
  first(client).reactions.map(({ emoji, people }) => `${emoji} ${people.map(({ user }) => user)}`);

test("reactions are sets of people by emoji, the highest position wins, in every order of loading", () => {
  const log = [
    reaction(2, "bob", true),
    reaction(3, "alice", true, { emoji: "❤" }),
    reaction(4, "carol", true),
    reaction(5, "bob", false),
    reaction(6, "bob", true),
    reaction(7, "carol", true),
    reaction(8, "alice", true, { target: 9 }),
  ];
  const expected = ["❤: alice (me)", "👍: bob,carol"];
  const whole = new Replica("c", ME, 0);
  for (const entry of [message(1), ...log]) whole.receive(entry);
  assert.deepEqual(shown(whole), expected);
  // Pushes overtake one another; then the message itself is loaded last.
  const late = new Replica("c", ME, 1);
  late.lines();
  for (const entry of [log[2], log[1], log[0], log[4], log[3], log[6], log[5]])
    if (entry) late.receive(entry);
  late.lines();
  late.prepend([message(1)], 0);
  assert.deepEqual(shown(late), expected);
  // Entries that were loaded before are read once, and after a restart again.
  const [seen] = whole.lines();
  assert.ok(seen?.kind === "entry");
  const [again] = whole.lines();
  assert.ok(again?.kind === "entry" && again.reactions === seen.reactions);
  whole.restart(0);
  whole.receive(message(1));
  assert.deepEqual(shown(whole), []);
});

test("a deleted message has no reactions, and a withdrawn one is gone", () => {
  const replica = new Replica("c", ME, 0);
  for (const entry of [message(1), reaction(2, "bob", true), reaction(3, "alice", true)])
    replica.receive(entry);
  assert.deepEqual(shown(replica), ["👍: bob,alice (me)"]);
  replica.receive(reaction(4, "bob", false));
  assert.deepEqual(shown(replica), ["👍: alice (me)"]);
  replica.receive({ event: "messageDeleted", conversation: "c", seq: 5, target: 1, by: "bob" });
  assert.deepEqual(shown(replica), []);
});

test("a reaction shows at once, is sent once, and its answer makes it an entry", async () => {
  const { server, client, clock } = await start();
  server.socket.receive(server.store("bob", "Shall we?"));
  const reacted = client.conversation(ID).react(first(client), "👍\ufe0f", true);
  await new Promise(setImmediate);
  assert.deepEqual(reactionsTo(client), ["👍 alice"]);
  await Promise.all([reacted, clock.advance(0)]);
  const [frame, ...more] = server.asked("react");
  assert.deepEqual(more, []);
  const { ref, ...content } = frame ?? {};
  assert.deepEqual(content, {
    action: "react",
    conversation: ID,
    target: 1,
    emoji: "👍",
    on: true,
    after: 1,
  });
  assert.deepEqual(reactionsTo(client), ["👍 alice"]);
  assert.equal(client.conversation(ID).lines().length, 2, "the entry is known");
  // The same wish again stores nothing.
  await Promise.all([client.conversation(ID).react(first(client), "👍", true), clock.advance(0)]);
  assert.equal(server.log.length, 2);
  assert.deepEqual(reactionsTo(client), ["👍 alice"]);
});

test("of several wishes one is under way, and then the latest is sent", async () => {
  const { server, client, clock } = await start();
  server.socket.receive(server.store("bob", "Shall we?"));
  const lunch = client.conversation(ID);
  /** @type {(() => void)[]} */
  const answers = [];
  server.script.push({
    action: "react",
    answer: ({ ref, ...frame }, socket) =>
      void answers.push(() =>
        socket.receive({ event: "reacted", ref, ...server.react("alice", frame) }),
      ),
  });
  const wishes = [];
  for (const on of [true, false, true, false]) {
    wishes.push(lunch.react(first(client), "👍", on));
    await clock.advance(0);
    assert.deepEqual(reactionsTo(client), on ? ["👍 alice"] : []);
  }
  assert.equal(server.asked("react").length, 1);
  answers[0]?.();
  await Promise.all([...wishes, clock.advance(0)]);
  assert.deepEqual(
    server.asked("react").map(({ on }) => on),
    [true, false],
  );
  assert.deepEqual(reactionsTo(client), []);
  assert.deepEqual(
    server.log.map(({ event }) => event),
    ["message", "reaction", "reaction"],
  );
});

test("a refused reaction is gone, with the reason; others go on", async () => {
  const { server, client, clock } = await start();
  server.socket.receive(server.store("bob", "Shall we?"));
  const lunch = client.conversation(ID);
  scriptError(server, "react", { code: "forbidden", retry: "never" });
  const refused = lunch.react(first(client), "👍", true);
  await clock.advance(0);
  await assert.rejects(refused, { code: "forbidden" });
  assert.deepEqual([reactionsTo(client), first(client).state], [[], "sent"]);
  await Promise.all([lunch.react(first(client), "❤", true), clock.advance(0)]);
  assert.deepEqual(reactionsTo(client), ["❤ alice"]);
});

test("a lost answer is asked for again, and an older entry of another device changes no wish", async () => {
  const { server, client, clock } = await start();
  server.socket.receive(server.store("bob", "Shall we?"));
  const lunch = client.conversation(ID);
  server.script.push({ action: "react", answer: (frame) => void server.react("alice", frame) });
  const reacted = lunch.react(first(client), "👍", true);
  await clock.advance(0);
  assert.deepEqual(reactionsTo(client), ["👍 alice"]);
  await Promise.all([reacted, clock.advance(10_000)]);
  assert.deepEqual(
    server.asked("react").map(({ on }) => on),
    [true, true],
  );
  assert.equal(server.log.length, 2);

  // Another device of Alice took it back, before she wishes it here.
  server.react("alice", { target: 1, emoji: "👍", on: false });
  server.script.push({
    action: "react",
    answer: ({ ref, ...frame }, socket) => {
      socket.receive(server.log[1] ?? {});
      socket.receive(server.log[2] ?? {});
      socket.receive({ event: "reacted", ref, ...server.react("alice", frame) });
    },
  });
  await Promise.all([lunch.react(first(client), "👍", true), clock.advance(0)]);
  assert.deepEqual(reactionsTo(client), ["👍 alice"]);
});

test("without a socket, reactions go over HTTP; offline, they survive the page", async () => {
  const { server, client, clock, browser } = await start((server) => (server.mode = "http only"));
  server.store("bob", "Shall we?");
  await clock.advance(10_000);
  const lunch = client.conversation(ID);
  await Promise.all([lunch.react(first(client), "👍", true), clock.advance(20_000)]);
  await Promise.all([lunch.react(first(client), "👍", false), clock.advance(20_000)]);
  const path = `/conversations/${ID}/messages/1/reactions/%F0%9F%91%8D`;
  const used = server.requests.flatMap((request) => {
    const [line = "", query = ""] = request.split("?");
    return line.endsWith(path) && /^after=\d+$/.test(query) ? [line] : [];
  });
  assert.deepEqual(used, [`PUT ${path}`, `DELETE ${path}`]);
  assert.deepEqual(reactionsTo(client), []);

  server.mode = "down";
  void lunch.react(first(client), "👍", true);
  await clock.advance(0);
  client.stop();
  const [row] = await browser.outboxes.load();
  assert.deepEqual(parseUnsent(/** @type {any} */ (row)), row);
  server.mode = "open";
  const later = await openTab(server, { browser, clock });
  await clock.advance(20_000);
  assert.deepEqual(reactionsTo(later.client), ["👍 alice"]);
  assert.deepEqual(await browser.outboxes.load(), []);
  assert.equal(server.log.length, 4);
});

test("a tab that does not lead shows and sends reactions, and so do the others", async () => {
  const [server, clock, browser] = [new FakeServer(ID), new FakeClock(), new FakeBrowser()];
  server.store("bob", "Shall we?");
  const tabs = [];
  for (let tab = 0; tab < 3; tab += 1) tabs.push(await openTab(server, { clock, browser }));
  await clock.advance(0);
  const [, second, third] = tabs;
  const lunch = second?.client.conversation(ID);
  assert.ok(second && third && lunch);
  scriptError(server, "react", { code: "rate_limited", retry: "later", retryAfterMs: 1_000 });
  const reacted = lunch.react(first(second.client), "👍", true);
  await clock.advance(0);
  for (const { client } of tabs) assert.deepEqual(reactionsTo(client), ["👍 alice"]);
  const withdrawn = third.client.conversation(ID).react(first(third.client), "👍", false);
  await clock.advance(0);
  for (const { client } of tabs) assert.deepEqual(reactionsTo(client), []);
  await Promise.all([reacted, withdrawn, clock.advance(5_000)]);
  for (const { client } of tabs) assert.deepEqual(reactionsTo(client), []);
  assert.equal(server.sockets.length, 1);
  assert.deepEqual(await browser.outboxes.load(), []);
});

test("a tab shows an edit that another tab wrote before it is stored", async () => {
  const [server, clock, browser] = [new FakeServer(ID), new FakeClock(), new FakeBrowser()];
  const one = await openTab(server, { clock, browser });
  await Promise.all([one.client.conversation(ID).send("helo"), clock.advance(0)]);
  const other = await openTab(server, { clock, browser });
  await clock.advance(0);
  server.script.push({ action: "editMessage", answer: () => {} });
  void one.client.conversation(ID).edit(first(one.client), "hello");
  await clock.advance(0);
  for (const { client } of [one, other])
    assert.deepEqual([first(client).body, first(client).state], ["hello", "pending"]);
});

test("edits and deletions of unsent messages show at once, survive the page, and follow the message", async () => {
  for (const [text, expected, entries] of /** @type {const} */ ([
    ["hello", ["hello"], ["message", "messageEdited"]],
    [null, [], ["message", "messageDeleted"]],
  ])) {
    const { server, client, clock, browser } = await start();
    // The message may be stored.
    server.script.push({ action: "sendMessage", answer: () => {} });
    const lunch = client.conversation(ID);
    void lunch.send("helo").catch(() => {});
    await clock.advance(0);
    server.mode = "down";
    server.socket.cut();
    const wish = text === null ? lunch.delete(first(client)) : lunch.edit(first(client), text);
    wish.catch(() => {});
    await clock.advance(0);
    const shown = () => lunch.messages.map(({ body }) => body);
    assert.deepEqual(shown(), expected);
    client.stop();
    server.mode = "open";
    const later = await openTab(server, { browser, clock });
    await clock.advance(20_000);
    assert.deepEqual(
      server.log.map(({ event }) => event),
      entries,
    );
    assert.deepEqual(await browser.outboxes.load(), []);
    const { body, seq } = first(later.client);
    assert.deepEqual([body, seq], [text ?? "", 1]);
  }
});

test("a change of a failed message waits until that is sent", async () => {
  const { server, client, clock } = await start();
  const lunch = client.conversation(ID);
  server.script.push({
    action: "sendMessage",
    answer: ({ ref }, socket) =>
      setImmediate(() =>
        socket.receive({ event: "error", ref, message: "no", code: "forbidden", retry: "never" }),
      ),
  });
  void lunch.send("helo").catch(() => {});
  const edited = lunch.edit(first(client), "hello");
  await clock.advance(0);
  assert.deepEqual([first(client).body, first(client).state], ["hello", "failed"]);
  assert.equal(server.asked("editMessage").length, 0);
  lunch.retry(first(client).id);
  await Promise.all([edited, clock.advance(0)]);
  assert.deepEqual(
    server.log.map(({ event, target }) => [event, target]),
    [
      ["message", undefined],
      ["messageEdited", 1],
    ],
  );
});

test("a change of a message that was stored meanwhile finds it, and shows across a gap", () => {
  const replica = new Replica("c", ME, 0);
  replica.receive({ ...message(1), sender: "alice", id: "m" });
  const outgoing = { id: "e", of: "m", text: "new", after: 0, writtenAt: 1, failure: null };
  replica.adopt(outgoing);
  assert.equal(replica.nextOutgoing()?.target, 1);
  replica.receive(reaction(3, "bob", true));
  assert.equal(replica.hasGap, true);
  assert.deepEqual(shown(replica), ["👍: bob"]);
});

test("another edit takes the place of one that failed", async () => {
  const { server, client, clock } = await start();
  const lunch = client.conversation(ID);
  await Promise.all([lunch.send("helo"), clock.advance(0)]);
  scriptError(server, "editMessage", { code: "forbidden", retry: "never" });
  await Promise.all([lunch.edit(first(client), "no").catch(() => {}), clock.advance(0)]);
  assert.equal(first(client).state, "failed");
  await Promise.all([lunch.edit(first(client), "hello"), clock.advance(0)]);
  assert.deepEqual([first(client).body, first(client).state], ["hello", "sent"]);
});

test("an edit of a failed reply is still a reply", async () => {
  const { server, client, clock } = await start();
  server.socket.receive(server.store("bob", "Shall we?"));
  const lunch = client.conversation(ID);
  scriptError(server, "sendMessage", { code: "forbidden", retry: "never" });
  await Promise.all([lunch.send("Ys", { replyTo: 1 }).catch(() => {}), clock.advance(0)]);
  const failed = lunch.messages.at(-1);
  assert.ok(failed?.state === "failed");
  const [entry] = await Promise.all([lunch.edit(failed, "Yes"), clock.advance(0)]);
  assert.deepEqual([entry.body, entry.replyTo], ["Yes", 1]);
});

test("the list shows the newest text, and no text that was deleted", async () => {
  const { server, client, clock } = await start();
  await Promise.all([client.conversation(ID).send("helo"), clock.advance(0)]);
  const last = () => client.conversations[0]?.lastMessage;
  const push = () => server.socket.receive(server.log.at(-1) ?? {});
  server.edit("alice", { id: "e-1", target: 1, body: "hello" });
  push();
  assert.equal(last()?.body, "hello");
  server.remove("alice", 1, "d-1");
  push();
  assert.deepEqual([last()?.body, last()?.deleted?.by], ["", "alice"]);
});

test("quotes find messages that are loaded, that are not, and that are none", async () => {
  const { server, client, clock } = await start((server) => {
    for (let n = 1; n <= 120; n += 1) server.store("bob", `Message ${n}`);
    server.log[2] = { event: "participantAdded", conversation: ID, seq: 3, user: "carol" };
  });
  const lunch = client.conversation(ID);
  const quotes = await lunch.quotes();
  assert.equal(quotes.at(120)?.body, "Message 120");
  assert.deepEqual([quotes.at(2), quotes.at(3), quotes.at(500)], [undefined, undefined, undefined]);
  await clock.advance(0);
  assert.deepEqual([quotes.at(2)?.body, quotes.at(3)], ["Message 2", null]);
  const read = () => server.requests.filter((one) => one.endsWith("after=1&limit=1")).length;
  assert.equal(read(), 1);
  // What happens to it later shows there as well.
  server.edit("bob", { id: "e-1", target: 2, body: "Edited" });
  server.socket.receive(server.log.at(-1) ?? {});
  await clock.advance(0);
  assert.equal(quotes.at(2)?.body, "Edited");
  assert.equal(read(), 1);
  // Going there loads everything from it on, in one page.
  await Promise.all([lunch.loadEarlier(2), clock.advance(0)]);
  assert.equal(lunch.messages.find(({ seq }) => seq === 2)?.body, "Edited");
});

test("a quote that could not be read is read again when the connection has changed", async () => {
  const { server, client, clock } = await start((server) => {
    for (let n = 1; n <= 120; n += 1) server.store("bob", `Message ${n}`);
  });
  const quotes = await client.conversation(ID).quotes();
  server.failNext = 1;
  assert.equal(quotes.at(2), undefined);
  await clock.advance(0);
  const asked = server.requests.length;
  assert.equal(quotes.at(2), undefined);
  assert.equal(server.requests.length, asked, "no request while nothing has changed");
  server.socket.cut();
  await clock.advance(5_000);
  quotes.at(2);
  await clock.advance(0);
  assert.equal(quotes.at(2)?.body, "Message 2");
});

test("what an answer, an entry and a row say about a reaction is checked", () => {
  for (const [given, expected] of /** @type {[unknown, number | null][]} */ ([
    [7, 7],
    [null, null],
    ["7", null],
  ]))
    assert.deepEqual(parseFrame(JSON.stringify({ event: "reacted", ref: "1", seq: given })), {
      event: "reacted",
      ref: "1",
      seq: expected,
    });
  const entry = { event: "reaction", conversation: "c", seq: 4 };
  assert.deepEqual(parseFrame(JSON.stringify({ ...entry, target: 1, emoji: "👍", on: 1 })), {
    event: "entry",
    entry: { ...entry, target: 1, emoji: "👍", on: false },
  });
  const outgoing = { id: "r-1", after: 4, writtenAt: 1, failure: null };
  const row = (/** @type {object} */ more) => ({
    conversation: "c",
    outgoing: { ...outgoing, ...more },
  });
  for (const valid of [
    { target: 1, emoji: "👍", on: false },
    { of: "m-1", emoji: "👍", on: true },
    { of: "m-1", text: "new" },
  ])
    assert.deepEqual(parseUnsent(row(valid)), row(valid));
  for (const invalid of [
    { target: 1, emoji: "👍" },
    { target: 1, emoji: "", on: true },
    { of: "m 1", text: "new" },
  ])
    assert.equal(parseUnsent(row(invalid)), null);
});

test("an emoji is shown as a picture: with U+FE0F where it would be text", () => {
  for (const [key, expected] of [
    ["👍", "👍"],
    ["👍🏽", "👍🏽"],
    ["❤", "❤\ufe0f"],
    ["☝🏽", "☝🏽"],
    ["1\u20e3", "1\ufe0f\u20e3"],
    ["🇩🇪", "🇩🇪"],
    ["❤\u200d🔥", "❤\ufe0f\u200d🔥"],
    ["🤷🏽\u200d♀", "🤷🏽\u200d♀\ufe0f"],
    ["👩\u200d👩\u200d👧\u200d👦", "👩\u200d👩\u200d👧\u200d👦"],
    ["🏳\u200d🌈", "🏳\ufe0f\u200d🌈"],
  ])
    assert.equal(shownEmoji(String(key)), expected);
});
