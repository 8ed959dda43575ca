import assert from "node:assert/strict";
import { test } from "node:test";
import { backoff, Connection } from "../client/connection.js";
import { FakeSocket } from "./fake_server.js";
import { FakeClock, settled } from "./fakes.js";

const MINUTE = 60_000;

/** @param {{verdict?: "away" | "expired" | "renewed" | "blocked" | "forbidden", visible?: boolean, over?: boolean, asked?: number[]}} [world] */
function start(world = {}) {
  const clock = new FakeClock();
  /** @type {FakeSocket[]} */ const sockets = [];
  /** @type {string[]} */ const events = [];
  const connection = new Connection({
    clock,
    dial: () => {
      const socket = new FakeSocket();
      sockets.push(socket);
      return socket;
    },
    diagnose: async () => {
      world.asked = [...(world.asked ?? []), clock.now()];
      return world.verdict ?? "away";
    },
    isTokenOver: () => world.over ?? false,
    ping: () => '{"action":"ping"}',
    isVisible: () => world.visible ?? true,
    onOpen: () => events.push("open"),
    onFrame: (text) => events.push(`frame ${text}`),
    onDown: () => events.push("down"),
    onWait: () => {},
    onSignedOut: () => events.push("refused"),
  });
  connection.start();
  const last = () => /** @type {FakeSocket} */ (sockets.at(-1));
  return { world, clock, sockets, events, connection, last };
}

test("waits are from half to one and a half times a mean that doubles from 0.25 s to 16 s", () => {
  const clock = new FakeClock();
  for (const [chance, share] of /** @type {[number, number][]} */ ([
    [0, 0.5],
    [0.5, 1],
    [1, 1.5],
  ])) {
    clock.chance = chance;
    const waits = [1, 2, 3, 7, 8, 500].map((failures) => backoff(failures, clock) / share);
    assert.deepEqual(waits, [250, 500, 1_000, 16_000, 16_000, 16_000]);
  }
});

test("after 30 refused handshakes, the waits double again, up to 5 minutes", async () => {
  const { clock, connection, last } = start();
  clock.chance = 1;
  /** @type {number[]} */ const waits = [];
  for (let failure = 0; failure < 40; failure += 1) {
    last().cut();
    await clock.advance(0);
    const wait = Number(connection.retryAt) - clock.now();
    waits.push(wait);
    await clock.advance(wait);
  }
  assert.deepEqual(
    [waits[0], waits[6], waits[29], waits[30], waits[39]],
    [375, 24_000, 24_000, 48_000, 300_000],
  );
});

test("the client asks why a handshake failed at most once a minute", async () => {
  const { clock, connection, last, world } = start();
  last().cut();
  await clock.advance(0);
  assert.equal(world.asked?.length, 1, "at the start it asks at once");
  while (clock.now() < Number(world.asked?.[0]) + 10 * MINUTE) {
    last().cut();
    await clock.advance(500);
  }
  const asked = world.asked ?? [];
  assert.ok(asked.length > 5 && asked.length <= 11, `${asked.length} times in ten minutes`);
  for (const [index, at] of asked.slice(1).entries())
    assert.ok(at - Number(asked[index]) >= MINUTE);
  assert.equal(connection.reason, "away", "the last answer holds until the next");
});

test("most outages are over before the client asks", async () => {
  const { clock, last, world } = start();
  last().onopen?.();
  await clock.advance(20_000);
  last().cut();
  for (let time = 0; time < 19; time += 1) {
    await clock.advance(500);
    last().cut();
  }
  assert.deepEqual(world.asked ?? [], []);
  for (let time = 0; time < 60; time += 1) {
    await clock.advance(500);
    last().cut();
  }
  assert.equal((world.asked ?? []).length, 1);
});

test("an error `rate_limited` to a ping delays the next one", async () => {
  const { clock, connection, last } = start();
  last().onopen?.();
  last().receive = (frame) => connection.answered(/** @type {any} */ (frame));
  await clock.advance(45_000);
  const problem = { code: "rate_limited", retry: "later", message: "", retryAfterMs: 120_000 };
  last().onmessage?.({ data: "" });
  last().receive({ event: "error", ref: "ping", problem });
  connection.doubt();
  await clock.advance(119_999);
  assert.deepEqual(sent(last()), ["ping"]);
  await clock.advance(1);
  assert.deepEqual(sent(last()), ["ping", "ping"]);
});

test("a rate-limited request is sent again after the time that the server says, and no sooner", async () => {
  const { clock, connection, last } = start();
  last().onopen?.();
  last().receive = (frame) => connection.answered(/** @type {any} */ (frame));
  const first = connection.request({ action: "subscribe" });
  const problem = { code: "rate_limited", retry: "later", message: "", retryAfterMs: 7_000 };
  last().receive({ event: "error", ref: last().sent[0]?.ref, problem });
  const others = ["subscribe", "sendMessage"].map((action) => connection.request({ action }));
  await clock.advance(6_999);
  assert.deepEqual(sent(last()), ["subscribe", "sendMessage"], "another action does not wait");
  await clock.advance(1);
  assert.deepEqual(sent(last()), ["subscribe", "sendMessage", "subscribe", "subscribe"]);
  for (const { ref } of last().sent.slice(1)) last().receive({ event: "pong", ref });
  for (const outcome of await Promise.all([first, ...others])) assert.equal(outcome.kind, "answer");
});

test("a request that waits for its turn is `disconnected` with the connection", async () => {
  const { clock, connection, last } = start();
  last().onopen?.();
  const waiting = connection.request({ action: "subscribe" });
  const problem = { code: "rate_limited", retry: "later", message: "", retryAfterMs: 7_000 };
  connection.answered({ event: "error", ref: last().sent[0]?.ref, problem });
  last().cut();
  await clock.advance(60_000);
  assert.deepEqual(await waiting, { kind: "disconnected" });
  assert.deepEqual(sent(last()), []);
});

test("a failed handshake is diagnosed before the wait", async () => {
  const { clock, connection, sockets, events, last, world } = start();
  last().cut();
  await clock.advance(249);
  assert.equal(sockets.length, 1, "0.25 s have not passed");
  assert.deepEqual([connection.reason, connection.retryAt], ["away", clock.now() + 1]);
  await clock.advance(1);
  assert.deepEqual([sockets.length, connection.retryAt], [2, null]);
  connection.start();
  world.verdict = "renewed";
  last().cut();
  await clock.advance(0);
  assert.equal(sockets.length, 4, "with a new token there is no wait");
  world.verdict = "expired";
  last().cut();
  await clock.advance(10 * MINUTE);
  assert.deepEqual([sockets.length, events], [4, ["down", "down", "down", "refused"]]);
});

test("a handshake with a token that has ended is diagnosed at once", async () => {
  const { clock, last, world } = start();
  last().cut();
  await clock.advance(1_000);
  last().cut();
  await clock.advance(0);
  assert.equal(world.asked?.length, 1, "not twice in a minute");
  world.over = true;
  await clock.advance(1_000);
  last().cut();
  await clock.advance(0);
  assert.equal(world.asked?.length, 2);
});

test("a handshake that hangs is abandoned", async () => {
  const { clock, sockets, events } = start();
  await clock.advance(20_000);
  assert.deepEqual([events, sockets[0]?.isClosed], [["down"], true]);
  await clock.advance(250);
  assert.equal(sockets.length, 2);
});

test("a lost connection is opened again; waits grow while connections do not last", async () => {
  const { clock, sockets, last } = start();
  for (const wait of [250, 500, 1_000]) {
    last().onopen?.();
    last().cut();
    const before = sockets.length;
    await clock.advance(wait - 1);
    assert.equal(sockets.length, before, `not before ${wait} ms`);
    await clock.advance(1);
    assert.equal(sockets.length, before + 1, `after ${wait} ms`);
  }
  last().onopen?.();
  await clock.advance(10_000);
  last().cut();
  await clock.advance(250);
  assert.equal(sockets.length, 5, "after a good connection, failures are counted from 0 again");
});

test("when the network is back, the client connects at once", async () => {
  const { clock, sockets, connection, last } = start();
  clock.chance = 1;
  for (let failure = 0; failure < 8; failure += 1) {
    last().cut();
    await clock.advance(failure === 7 ? 0 : 30_000);
  }
  const before = sockets.length;
  connection.wake();
  assert.equal(sockets.length, before + 1);
  connection.wake();
  assert.equal(sockets.length, before + 1, "one handshake at a time");
});

test("when the network is back, a stalled handshake is replaced, and a recent one is not", async () => {
  const { clock, sockets, connection, last } = start();
  await clock.advance(4_999);
  connection.wake();
  assert.equal(sockets.length, 1);
  await clock.advance(1);
  connection.wake();
  connection.wake();
  assert.deepEqual([sockets.length, sockets[0]?.isClosed], [2, true]);
  last().onopen?.();
  assert.equal(connection.isOpen, true);
  await clock.advance(20_000);
  assert.equal(sockets.length, 2, "the time limit of the first handshake does not end the second");
});

test("pings are sent every 30 to 60 s while visible, and every 5 min while hidden", async () => {
  for (const [visible, wait] of /** @type {[boolean, number][]} */ ([
    [true, 45_000],
    [false, 5 * MINUTE],
  ])) {
    const { clock, last } = start({ visible });
    last().onopen?.();
    await clock.advance(wait - 1);
    assert.equal(last().sent.length, 0);
    await clock.advance(1);
    assert.equal(last().sent.length, 1);
  }
});

test("a ping without any frame after it ends the connection; any frame keeps it", async () => {
  const { clock, sockets, events, last } = start();
  last().onopen?.();
  await clock.advance(45_000);
  last().receive({ message: "Internal server error" });
  await clock.advance(10_000);
  assert.equal(sockets.length, 1);
  await clock.advance(45_000 - 10_000);
  await clock.advance(10_000 + 250);
  assert.deepEqual([sockets.length, events.at(-1)], [2, "down"]);
});

test("the connection is replaced without a gap before the two-hour limit", async () => {
  const { clock, sockets, events, connection, last } = start();
  const first = last();
  first.onopen?.();
  first.onsend = () => first.receive({ event: "pong" });
  await clock.advance(85 * MINUTE - 1);
  assert.equal(sockets.length, 1);
  await clock.advance(1);
  assert.deepEqual([sockets.length, connection.isOpen, first.isClosed], [2, true, false]);
  last().cut();
  await clock.advance(250);
  assert.deepEqual(
    [sockets.length, connection.isOpen],
    [3, true],
    "a failed replacement does not end the old connection",
  );
  last().onopen?.();
  assert.equal(first.isClosed, true);
  assert.equal(events.includes("down"), false);
});

test("connections that began together are replaced between 60 and 110 minutes later", async () => {
  for (const [chance, minutes] of /** @type {[number, number][]} */ ([
    [0, 60],
    [1, 110],
  ])) {
    const { clock, last, sockets } = start();
    const first = last();
    first.onsend = () => first.onmessage?.({ data: "" });
    clock.chance = chance;
    first.onopen?.();
    await clock.advance(minutes * MINUTE - 1);
    assert.equal(sockets.length, 1);
    await clock.advance(1);
    assert.equal(sockets.length, 2);
  }
});

test("after `stop` nothing happens", async () => {
  const { clock, sockets, events, connection, last } = start();
  last().cut();
  connection.stop();
  await clock.advance(10 * MINUTE);
  connection.wake();
  await settled();
  assert.deepEqual([sockets.length, events], [1, ["down"]]);
});

test("a new token opens a new connection before the old one is closed", async () => {
  const { sockets, events, connection, last } = start();
  const first = last();
  first.onopen?.();
  connection.replace();
  connection.replace();
  assert.deepEqual([sockets.length, sockets[1]?.isClosed, first.isClosed], [3, true, false]);
  last().onopen?.();
  assert.deepEqual([first.isClosed, connection.isOpen, events], [true, true, ["open", "open"]]);
});

test("a socket that the browser refuses to create counts as a failed handshake", async () => {
  const clock = new FakeClock();
  let attempts = 0;
  const connection = new Connection({
    clock,
    dial: () => {
      attempts += 1;
      throw new DOMException(
        "An insecure WebSocket connection may not be initiated from a page loaded over HTTPS",
      );
    },
    diagnose: async () => "blocked",
    isTokenOver: () => false,
    ping: () => "",
    isVisible: () => true,
    onOpen: () => {},
    onFrame: () => {},
    onDown: () => {},
    onWait: () => {},
    onSignedOut: () => {},
  });
  connection.start();
  await clock.advance(250);
  assert.deepEqual([attempts, connection.reason], [2, "blocked"]);
});

test("an unanswered request is followed by a ping after 10 s, and by a new connection after 10 more", async () => {
  const { clock, connection, sockets, last } = start();
  last().onopen?.();
  await clock.advance(1_000);
  void connection.request({ action: "sendMessage" });
  await clock.advance(9_999);
  assert.deepEqual(sent(last()), ["sendMessage"]);
  await clock.advance(1);
  assert.deepEqual(sent(last()), ["sendMessage", "ping"]);
  void connection.request({ action: "sendMessage" });
  await clock.advance(4_000);
  connection.doubt();
  await clock.advance(6_000);
  assert.equal(connection.isOpen, false, "a further doubt does not prolong the wait");
  await clock.advance(250);
  assert.equal(sockets.length, 2);
});

test("an unanswered request does not end a connection that answers the ping", async () => {
  const { clock, connection, sockets, last } = start();
  last().onopen?.();
  last().onsend = ({ action }) => action === "ping" && last().receive({ event: "pong" });
  void connection.request({ action: "sendMessage" });
  await clock.advance(30_000);
  assert.deepEqual([connection.isOpen, sockets.length], [true, 1]);
});

/** @param {FakeSocket} socket */
function sent(socket) {
  return socket.sent.map(({ action }) => action);
}
