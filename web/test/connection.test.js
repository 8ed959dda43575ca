import assert from "node:assert/strict";
import { test } from "node:test";
import { backoff, Connection } from "../client/connection.js";
import { FakeSocket } from "./fake_server.js";
import { FakeClock, settled } from "./fakes.js";

const MINUTE = 60_000;

/** @param {{verdict?: "away" | "expired" | "renewed" | "blocked" | "forbidden", visible?: boolean}} [world] */
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
    diagnose: async () => world.verdict ?? "away",
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

test("waits are random, up to a bound that doubles from 0.5 s to 30 s", () => {
  const clock = new FakeClock();
  clock.chance = 1;
  const bounds = [1, 2, 3, 7, 8, 500].map((failures) => backoff(failures, clock));
  assert.deepEqual(bounds, [500, 1_000, 2_000, 30_000, 30_000, 30_000]);
  clock.chance = 0;
  assert.equal(backoff(8, clock), 0);
});

test("a failed handshake is diagnosed before the wait", async () => {
  const { clock, connection, sockets, events, last, world } = start();
  last().cut();
  await clock.advance(249);
  assert.equal(sockets.length, 1, "half of 0.5 s has not passed");
  assert.deepEqual([connection.reason, connection.retryAt], ["away", clock.now() + 1]);
  await clock.advance(1);
  assert.deepEqual([sockets.length, connection.retryAt], [2, null]);
  world.verdict = "renewed";
  last().cut();
  await clock.advance(0);
  assert.equal(sockets.length, 3, "with a new token there is no wait");
  world.verdict = "expired";
  last().cut();
  await clock.advance(10 * MINUTE);
  assert.deepEqual([sockets.length, events], [3, ["down", "down", "down", "refused"]]);
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
  await clock.advance(107.5 * MINUTE - 1);
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
