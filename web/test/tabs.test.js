/** Several tabs of one user, with one lock, one channel and one database. Requests are counted. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeServer } from "./fake_server.js";
import { FakeBrowser, FakeClock, openTab } from "./fakes.js";

const ID = "c1";

/** @typedef {Awaited<ReturnType<typeof openTab>>} Tab */

/** @param {number} count @param {(server: FakeServer) => void} [prepare] @returns {Promise<{server: FakeServer, clock: FakeClock, browser: FakeBrowser, tabs: Tab[]}>} */
async function open(count, prepare) {
  const [server, clock, browser] = [new FakeServer(ID), new FakeClock(), new FakeBrowser()];
  prepare?.(server);
  const tabs = [];
  for (let tab = 0; tab < count; tab += 1) tabs.push(await openTab(server, { clock, browser }));
  return { server, clock, browser, tabs };
}

/** @param {Tab} tab */
const shown = ({ client }) =>
  client
    .conversation(ID)
    .messages.map(({ body, state }) => (state === "sent" ? body : `${body} (${state})`));

/** @param {FakeServer} server */
const bodies = (server) => server.log.map(({ body }) => body);

/** @param {Tab[]} tabs @param {(string | undefined)[]} expected */
function assertAllShow(tabs, expected) {
  for (const [index, tab] of tabs.entries()) assert.deepEqual(shown(tab), expected, `tab ${index}`);
}

test("one tab holds the socket; all tabs show the same, whichever writes", async () => {
  const { server, clock, tabs } = await open(3, (server) => void server.store("bob", "before"));
  assert.equal(server.sockets.length, 1);
  assert.equal(server.asked("subscribe").length, 1, "another tab needs no subscription");
  assert.equal(
    server.requests.filter((request) => request === "GET /conversations").length,
    1,
    "nor another request for the list",
  );
  server.socket.receive(server.store("bob", "live"));
  for (const [index, { client }] of tabs.entries())
    void client.conversation(ID).send(`from ${index}`);
  await clock.advance(0);
  assertAllShow(tabs, ["before", "live", "from 0", "from 1", "from 2"]);
  assert.deepEqual(bodies(server), ["before", "live", "from 0", "from 1", "from 2"]);
  assert.equal(server.asked("sendMessage").length, 3);
  assert.deepEqual(
    tabs.map(({ client }) => client.state.name),
    ["connected", "connected", "connected"],
  );
});

test("the promise of send settles in the tab that wrote, also with a rejection", async () => {
  const {
    server,
    clock,
    tabs: [, second],
  } = await open(2);
  const lunch = second?.client.conversation(ID);
  const sent = lunch?.send("mine");
  await clock.advance(0);
  assert.equal((await sent)?.seq, 1);
  server.script.push({
    action: "sendMessage",
    answer: ({ ref }, socket) =>
      socket.receive({ event: "error", message: "no", ref, code: "forbidden", retry: "never" }),
  });
  const refused = lunch?.send("refused");
  await clock.advance(0);
  await assert.rejects(refused ?? Promise.resolve(), { code: "forbidden" });
});

test("a failed message can be retried or discarded in any tab, and all tabs show it", async () => {
  const { server, clock, browser, tabs } = await open(2);
  const [first, second] = tabs;
  const fail = () =>
    server.script.push({
      action: "sendMessage",
      answer: ({ ref }, socket) =>
        socket.receive({ event: "error", message: "no", ref, code: "invalid", retry: "never" }),
    });
  fail();
  fail();
  for (const body of ["one", "two"]) void first?.client.conversation(ID).send(body);
  await clock.advance(0);
  assertAllShow(tabs, ["one (failed)", "two (failed)"]);
  const lunch = second?.client.conversation(ID);
  const [one, two] = lunch?.messages ?? [];
  lunch?.retry(one?.id ?? "");
  lunch?.discard(two?.id ?? "");
  await clock.advance(0);
  assertAllShow(tabs, ["one"]);
  assert.equal(browser.outboxes.rows.size, 0);
});

test("when the leader closes, the next tab sends its unsent messages once, and catches up", async () => {
  const { server, clock, browser, tabs } = await open(3);
  const [first, second, third] = /** @type {[Tab, Tab, Tab]} */ (tabs);
  // The first message is stored and not acknowledged; the second waits.
  server.script.push({
    action: "sendMessage",
    answer: (frame) => void server.append("alice", frame),
  });
  void first.client.conversation(ID).send("stored");
  void third.client.conversation(ID).send("not stored");
  await clock.advance(0);
  assertAllShow(tabs, ["stored (pending)", "not stored (pending)"]);
  first.client.stop();
  server.store("bob", "meanwhile");
  await clock.advance(0);
  assert.equal(server.sockets.length, 2);
  assert.deepEqual(bodies(server), ["stored", "meanwhile", "not stored"]);
  assertAllShow([second, third], bodies(server));
  assert.equal(browser.outboxes.rows.size, 0);
  assert.deepEqual(
    [second, third].map(({ client }) => client.state.name),
    ["connected", "connected"],
  );
});

test("a leader that dies between the acknowledgement and the database stores nothing twice", async () => {
  const { server, clock, browser, tabs } = await open(2);
  const [first, second] = /** @type {[Tab, Tab]} */ (tabs);
  browser.outboxes.remove = () => {};
  void first.client.conversation(ID).send("once");
  await clock.advance(0);
  assert.equal(browser.outboxes.rows.size, 1, "its row is still in the database");
  delete (/** @type {Partial<typeof browser.outboxes>} */ (browser.outboxes).remove);
  first.client.stop();
  await clock.advance(0);
  assert.deepEqual(
    [bodies(server), shown(second), browser.outboxes.rows.size],
    [["once"], ["once"], 0],
  );
  const third = await openTab(server, { clock, browser });
  assert.deepEqual([bodies(server), shown(third)], [["once"], ["once"]]);
});

test("a new tab begins at the leader's position", async () => {
  const { server, clock, browser, tabs } = await open(1);
  server.socket.receive(server.store("bob", "one"));
  await clock.advance(0);
  const before = server.requests.length;
  tabs.push(await openTab(server, { clock, browser }));
  server.socket.receive(server.store("bob", "two"));
  await clock.advance(0);
  assert.deepEqual(
    server.requests.slice(before).filter((request) => /after=\d+$/.test(request)),
    [],
    "the new tab did not have to catch up",
  );
  assertAllShow(tabs, ["one", "two"]);
  assert.deepEqual(
    tabs.map(({ client }) => client.isLoaded),
    [true, true],
  );
});

test("a tab that missed an entry notices it by the next one, and reads it itself", async () => {
  const { server, clock, browser, tabs } = await open(2);
  browser.loses = ({ change }) => change?.entries?.[0]?.body === "lost between tabs";
  for (const body of ["one", "lost between tabs", "three"])
    server.socket.receive(server.store("bob", body));
  await clock.advance(1_999);
  assert.deepEqual(tabs.map(shown), [["one", "lost between tabs", "three"], ["one"]]);
  await clock.advance(1);
  assertAllShow(tabs, ["one", "lost between tabs", "three"]);
  assert.equal(server.sockets.length, 1);
});

test("a tab that missed the newest entry learns of it when it follows the conversation", async () => {
  const { server, clock, browser, tabs } = await open(2);
  browser.loses = ({ change }) => change?.kind === "entries";
  server.socket.receive(server.store("bob", "newest"));
  await clock.advance(10_000);
  assert.deepEqual(tabs.map(shown), [["newest"], []]);
  tabs[1]?.client.open(ID);
  await clock.advance(0);
  assertAllShow(tabs, ["newest"]);
});

test("a visible tab speeds up the pings of a hidden leader", async () => {
  const { server, clock, tabs } = await open(2);
  const [first, second] = /** @type {[Tab, Tab]} */ (tabs);
  server.socket.onsend = (frame) =>
    frame.action === "ping" && server.socket.receive({ event: "pong", heads: {} });
  for (const tab of tabs) {
    tab.world.visible = false;
    tab.happens("hidden");
  }
  await clock.advance(60_000);
  const hidden = server.asked("ping").length;
  await clock.advance(120_000);
  assert.equal(server.asked("ping").length, hidden, "no tab is visible");
  second.world.visible = true;
  second.happens("visible");
  await clock.advance(60_000);
  assert.ok(server.asked("ping").length > hidden, "the other tab is visible");
  assert.equal(first.client.state.name, "connected");
});

/**
 * The leader stops answering, as if its page were frozen.
 * @param {FakeBrowser} browser
 */
function fallAsleep(browser) {
  browser.loses = ({ kind }) => kind === "awake";
}

/** @param {Tab} tab */
function hide(tab) {
  tab.world.visible = false;
  tab.happens("hidden");
}

test("a leader that is asleep loses the lead to a visible tab, and follows it when it wakes", async () => {
  const { server, clock, browser, tabs } = await open(2);
  const [first, second] = /** @type {[Tab, Tab]} */ (tabs);
  hide(first);
  await clock.advance(60_000);
  assert.equal(server.sockets.length, 1, "a leader that is awake keeps the lead");
  fallAsleep(browser);
  await clock.advance(30_000);
  assert.equal(server.sockets.length, 2);
  browser.loses = () => false;
  server.socket.receive(server.store("bob", "to the new one"));
  void first.client.conversation(ID).send("from the old one");
  await clock.advance(0);
  assertAllShow(tabs, ["to the new one", "from the old one"]);
  assert.deepEqual(
    [server.sockets[0]?.isClosed, first.client.state.name, second.client.state.name],
    [true, "connected", "connected"],
  );
  assert.deepEqual(bodies(server), ["to the new one", "from the old one"]);
});

test("a visible leader keeps the lead, however long it is busy; so does one that missed a single check", async () => {
  const { server, clock, browser, tabs } = await open(2);
  const [first] = /** @type {[Tab, Tab]} */ (tabs);
  fallAsleep(browser);
  await clock.advance(120_000);
  assert.equal(server.sockets.length, 1, "browsers do not put visible tabs to sleep");
  browser.loses = () => false;
  hide(first);
  let unheard = 1;
  browser.loses = ({ kind }) => kind === "awake" && unheard-- > 0;
  await clock.advance(120_000);
  assert.ok(unheard < 0, "the leader was asked again");
  assert.equal(server.sockets.length, 1);
});

test("a former leader that was asleep no longer sets the state of the connection", async () => {
  const { server, clock, browser, tabs } = await open(2);
  const [first, second] = /** @type {[Tab, Tab]} */ (tabs);
  hide(first);
  fallAsleep(browser);
  await clock.advance(30_000);
  assert.equal(server.sockets.length, 2);
  const channel = browser.tabs().channel();
  channel.postMessage({
    kind: "change",
    change: { kind: "state", state: { name: "reconnecting", reason: null, retryAt: null } },
  });
  await clock.advance(0);
  assert.equal(second.client.state.name, "connected");
});

test("a tab that crashed is forgotten: it no longer counts as visible", async () => {
  const { server, clock, browser, tabs } = await open(2);
  const [first, second] = /** @type {[Tab, Tab]} */ (tabs);
  server.socket.onsend = (frame) =>
    frame.action === "ping" && server.socket.receive({ event: "pong", heads: {} });
  hide(first);
  await clock.advance(60_000);
  const pings = server.asked("ping").length;
  assert.ok(pings > 0, "the other tab is visible");
  // The other tabs do not learn that it stops.
  browser.loses = () => true;
  second.client.stop();
  browser.loses = () => false;
  await clock.advance(150_000);
  const before = server.asked("ping").length;
  await clock.advance(180_000);
  assert.equal(server.asked("ping").length, before);
});

test("a message of a tab that lags does not move the leader back", async () => {
  const { server, clock, browser, tabs } = await open(1, (server) => {
    for (let seq = 1; seq <= 60; seq += 1) server.store("bob", `${seq}`);
  });
  const [first] = /** @type {[Tab]} */ (tabs);
  const second = await openTab(server, { clock, browser });
  browser.loses = ({ change }) => change?.kind === "entries";
  for (let seq = 61; seq <= 70; seq += 1) server.socket.receive(server.store("bob", `${seq}`));
  await clock.advance(0);
  first.client.stop();
  browser.loses = () => false;
  const third = await openTab(server, { clock, browser });
  await clock.advance(0);
  const before = third.client.conversation(ID).messages.length;
  // It was written at position 60, and the tab that receives it began at 70.
  const channel = browser.tabs().channel();
  channel.postMessage({
    kind: "change",
    change: {
      kind: "written",
      conversation: ID,
      outgoing: { id: "x", body: "mine", after: 3, writtenAt: 1, failure: null },
    },
  });
  await clock.advance(0);
  assert.equal(third.client.conversation(ID).messages.length, before + 1);
  assert.deepEqual(
    [server.log.at(-1)?.body, second.client.conversation(ID).messages.at(-1)?.body],
    ["mine", "mine"],
  );
});

test("a user who is added again sees the current conversation in every tab", async () => {
  const { server, clock, tabs } = await open(2, (server) => void server.store("bob", "before"));
  server.out.add(ID);
  server.socket.receive({ event: "removed", conversation: ID });
  await clock.advance(0);
  assertAllShow(tabs, []);
  server.store("bob", "meanwhile");
  server.out.delete(ID);
  server.socket.receive({ event: "added", conversation: ID, title: "Lunch", head: 2, by: "bob" });
  await clock.advance(0);
  assertAllShow(tabs, ["before", "meanwhile"]);
});

test("messages read in one tab are read in the others, and after a reload", async () => {
  const { server, clock, browser, tabs } = await open(2);
  const [first, second] = /** @type {[Tab, Tab]} */ (tabs);
  for (const tab of tabs) tab.client.open(null);
  server.socket.receive(server.store("bob", "news"));
  await clock.advance(0);
  assert.deepEqual(
    tabs.map(({ client }) => client.unread),
    [1, 1],
  );
  second.client.open(ID);
  // A message is read when it has been on screen for a second. What counts that is loaded a second
  // after the conversation is shown.
  await clock.advance(2_000);
  assert.deepEqual(
    tabs.map(({ client }) => client.unread),
    [0, 0],
  );
  assert.equal(browser.readPositions.positions.get(ID), 1);
  first.client.stop();
  second.client.stop();
  server.store("bob", "while away");
  const later = await openTab(server, { clock, browser, id: null });
  assert.equal(later.client.unread, 1);
});

test("without a socket, one tab polls over HTTP for all", async () => {
  const { server, clock, tabs } = await open(2);
  server.mode = "http only";
  server.socket.cut();
  void tabs[1]?.client.conversation(ID).send("mine");
  await clock.advance(6_000);
  server.store("bob", "theirs");
  const before = server.requests.length;
  await clock.advance(5_000);
  assertAllShow(tabs, ["mine", "theirs"]);
  assert.deepEqual(
    tabs.map(({ client }) => client.state.name),
    ["polling", "polling"],
  );
  assert.equal(
    server.requests.slice(before).filter((request) => request.includes("/events?")).length,
    1,
  );
});

test("a tab that is signed out gives the lead to another", async () => {
  const { server, clock, tabs } = await open(2);
  const [first, second] = /** @type {[Tab, Tab]} */ (tabs);
  server.script.push({
    action: "sendMessage",
    answer: ({ ref }, socket) =>
      socket.receive({
        event: "error",
        message: "no",
        ref,
        code: "unauthenticated",
        retry: "reauthenticate",
      }),
  });
  void second.client.conversation(ID).send("kept");
  await clock.advance(1_000);
  assert.deepEqual(
    [first.client.state.name, second.client.state.name],
    ["signed-out", "connected"],
  );
  assert.deepEqual([bodies(server), shown(second)], [["kept"], ["kept"]]);
});

test("without locks each tab has its own socket, and the server still stores once", async () => {
  const [server, clock, browser] = [new FakeServer(ID), new FakeClock(), new FakeBrowser()];
  const first = await openTab(server, { clock, browser, alone: true });
  server.script.push({
    action: "sendMessage",
    answer: (frame) => void server.append("alice", frame),
  });
  void first.client.conversation(ID).send("once");
  await clock.advance(0);
  const second = await openTab(server, { clock, browser, alone: true });
  await clock.advance(20_000);
  assert.deepEqual(
    [bodies(server), shown(first), shown(second), server.sockets.length],
    [["once"], ["once"], ["once"], 2],
  );
});
