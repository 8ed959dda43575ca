/** A conversation of more participants than a page has: listed page by page, removed in bulk. */
import assert from "node:assert/strict";
import { before, test } from "node:test";

import { Person } from "../lib/people.js";
import { assertProblem } from "../lib/protocol.js";
import { suite } from "../lib/suite.js";

/** The participants of a page, and the users of one removal. */
const PAGE = 250;
const MOST_REMOVALS = 25;
/** The users of the creation. */
const AT_FIRST = 90;
/** Ada needs fewer tokens than these before the last test. */
const BURST = 200;
/** An addition costs 4 tokens. */
const ADDITIONS_OF_ONE = 24;

suite(
  "many participants",
  (stack) => {
    /** @type {Person} */ let ada;
    /** @type {Person} */ let bob;
    /** @type {string} */ let conversation;
    /** All user ids. */
    const users = [];

    const described = (next) =>
      ada.get(
        `/conversations/${conversation}${next === null ? "" : `?next=${encodeURIComponent(next)}`}`,
      );
    const remove = (by, gone) =>
      by.post(`/conversations/${conversation}/removals`, { users: gone });

    /** Reads all pages; returns the ids of the participants and the sizes of the pages. */
    async function pages() {
      const [found, sizes] = [[], []];
      for (let next = null; ; ) {
        const { status, body } = await described(next);
        assert.equal(status, 200, JSON.stringify(body));
        found.push(...body.participants.map(({ user }) => user));
        sizes.push(body.participants.length);
        if (body.next === null) return { found, sizes };
        next = body.next;
      }
    }

    before(async () => {
      const number = Math.ceil((PAGE + 2 - AT_FIRST) / ADDITIONS_OF_ONE);
      const adders = await Promise.all(
        Array.from({ length: number }, (_, n) => Person.create(stack, `Adder${n}`)),
      );
      ada = await Person.create(stack, "Ada");
      bob = await Person.create(stack, "Bob");
      users.push(ada.user, bob.user, ...adders.map(({ user }) => user));
      // Ids with every kind of letter that must survive a query string.
      const odd = ["100% sure?", "a+b c", "zoë 🦀", "x&next=y", "ada#1"];
      const ordinary = Array.from(
        { length: PAGE + 2 - users.length - odd.length },
        (_, n) => `u-${n}`,
      );
      users.push(...odd, ...ordinary);

      const participants = users.slice(0, AT_FIRST);
      const created = await ada.post("/conversations", { title: "Crowd", participants });
      assert.equal(created.status, 201, JSON.stringify(created.body));
      assert.equal(created.body.next, null, "a new conversation is described as a whole");
      conversation = created.body.id;
      for (const [n, user] of users.slice(AT_FIRST).entries()) {
        const adder = adders[Math.floor(n / ADDITIONS_OF_ONE)];
        const added = await adder.put(`/conversations/${conversation}/participants/${user}`);
        assert.equal(added.status, 200, JSON.stringify(added.body));
      }
    });

    test("every participant is on exactly one page", async () => {
      const { found, sizes } = await pages();
      assert.deepEqual(sizes, [PAGE, 2]);
      assert.deepEqual(found.toSorted(), users.toSorted());
      assert.deepEqual(
        found,
        found.toSorted((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other))),
      );
    });

    test("a page starts after any user id, and after nothing else", async () => {
      const last = await described("~");
      assert.equal(last.status, 200);
      assert.ok(last.body.participants.length < 3);
      for (const next of ["", "x".repeat(129), "a\u0000b"])
        assertProblem(await described(next), "invalid", "next");
    });

    test("a user who is not a participant sees no page", async () => {
      const eve = await Person.create(stack, "Eve");
      for (const next of ["", "?next=u-1", "?next=zzz"])
        assertProblem(await eve.get(`/conversations/${conversation}${next}`), "not_found");
    });

    test("the owner removes many at once, and a repetition changes nothing", async () => {
      const socket = await bob.connect();
      await socket.request("subscribe", { conversation });
      const gone = users.slice(-MOST_REMOVALS);
      assertProblem(await remove(bob, gone), "forbidden");
      assertProblem(await remove(ada, [ada.user]), "forbidden");
      assertProblem(await remove(ada, users.slice(-MOST_REMOVALS - 1)), "invalid", "users");

      const { status, body } = await remove(ada, gone);
      assert.equal(status, 200, JSON.stringify(body));
      const first = users.length - AT_FIRST + 1;
      assert.deepEqual(
        body.users,
        gone.map((user, n) => ({ user, outcome: "removed", seq: first + n })),
      );
      for (const { seq, user } of body.users) {
        const pushed = await socket.next((frame) => frame.seq === seq);
        assert.deepEqual([pushed.event, pushed.user], ["participantRemoved", user]);
      }
      await socket.close();

      const { found } = await pages();
      assert.deepEqual(found.toSorted(), users.slice(0, -MOST_REMOVALS).toSorted());
    });

    test("many removals cost their owner tokens for each user", async () => {
      // A removal of 25 costs 54 tokens, and Ada gets one a second.
      const gone = users.slice(-MOST_REMOVALS);
      let answer = await remove(ada, gone);
      for (let n = 0; answer.status === 200; n += 1) {
        assert.ok(n < 5, "no request is limited");
        assert.ok(answer.body.users.every(({ outcome }) => outcome === "unchanged"));
        answer = await remove(ada, gone);
      }
      assertProblem(answer, "rate_limited");
      assert.ok(answer.body.retryAfterMs > 0);
    });
  },
  async () => ({
    concurrency: "1",
    "parameter-overrides": ["UserRequestRate=1", `UserRequestBurst=${BURST}`],
  }),
);
