/** A conversation does not exist for users who are not participants, over either transport. */
import assert from "node:assert/strict";
import { before, test } from "node:test";

import { Person } from "../lib/people.js";
import { assertProblem, assertRejected } from "../lib/protocol.js";
import { suite } from "../lib/suite.js";

suite("participation", (stack) => {
  let ada, bob, eve, secret;
  /** An id of the same form that does not exist. */
  let nowhere;

  before(async () => {
    [ada, bob, eve] = await Promise.all(
      ["Ada", "Bob", "Eve"].map((name) => Person.create(stack, name)),
    );
    secret = await ada.start([bob], "Without Eve");
    nowhere = secret.replace(/[0-9a-zA-Z]/g, (letter) => (letter === "7" ? "8" : "7"));
    await ada.post(`/conversations/${secret}/messages`, {
      id: "first",
      body: "This one is between the two of us.",
    });
  });

  /**
   * Asks about both conversations. Returns the answer, which must be the same except for the id.
   */
  async function indistinguishable(ask) {
    const [real, imagined] = [await ask(secret), await ask(nowhere)].map((answer) =>
      JSON.parse(JSON.stringify(answer)),
    );
    const blind = (answer) =>
      JSON.parse(JSON.stringify(answer).replaceAll(secret, "ID").replaceAll(nowhere, "ID"));
    assert.deepEqual(blind(real), blind(imagined));
    return real;
  }

  test("over WebSocket a foreign conversation looks like a missing one", async (t) => {
    const socket = await eve.connect();
    const rejected = [
      ["subscribe", {}],
      ["subscribe", { after: 0 }],
      ["subscribe", { after: 1 }],
      ["subscribe", { after: 99 }],
      ["sendMessage", { id: "e1", body: "Let me in on this, please." }],
      ["sendMessage", { id: "first", body: "This one is between the two of us.", after: 1 }],
    ];
    for (const [action, fields] of rejected) {
      await t.test(`${action} ${Object.keys(fields)} ${fields.after ?? ""}`, async () => {
        assertRejected(
          await indistinguishable((conversation) =>
            socket.request(action, { conversation, ...fields }),
          ),
          "not_found",
        );
      });
    }
    await t.test("unsubscribe reveals nothing", () =>
      indistinguishable((conversation) => socket.request("unsubscribe", { conversation })),
    );
    await t.test("ping reveals nothing", async () => {
      const pong = await indistinguishable((conversation) =>
        socket.request("ping", { positions: { [conversation]: 0 } }),
      );
      assert.deepEqual(pong, { event: "pong", heads: {} });
    });
    await socket.close();
  });

  test("over HTTP a foreign conversation looks like a missing one", async (t) => {
    const routes = {
      send: (id) =>
        eve.post(`/conversations/${id}/messages`, { id: "e2", body: "Let me in on this, please." }),
      events: (id) => eve.get(`/conversations/${id}/events?after=0`),
      "events past the end": (id) => eve.get(`/conversations/${id}/events?after=99`),
      messages: (id) => eve.get(`/conversations/${id}/messages`),
      "the participants": (id) => eve.get(`/conversations/${id}`),
      "a later page of participants": (id) => eve.get(`/conversations/${id}?next=a`),
      removals: (id) => eve.post(`/conversations/${id}/removals`, { users: [ada.user, bob.user] }),
    };
    for (const [route, ask] of Object.entries(routes)) {
      await t.test(route, async () => {
        await indistinguishable(async (id) => {
          const answer = await ask(id);
          assertProblem(answer, "not_found");
          return {
            status: answer.status,
            type: answer.headers.get("content-type"),
            body: answer.body,
          };
        });
      });
    }
    await t.test("the list", async () =>
      assert.deepEqual((await eve.get("/conversations")).body.conversations, []),
    );
  });

  test("rejected messages are not stored", async () => {
    const log = await ada.log(secret);
    assert.deepEqual(
      log.map(({ id }) => id),
      ["first"],
    );
  });

  test("nothing is pushed to a user who is not a participant", async () => {
    const [adas, eves] = [await ada.connect(), await eve.connect()];
    await eves.request("subscribe", { conversation: secret });
    const common = await ada.start([eve], "With Eve");
    await eves.next((frame) => frame.event === "added" && frame.conversation === common);
    await eves.request("subscribe", { conversation: common });

    // `sent` follows the fan-out, so a push to Eve would precede the marker.
    for (const n of [1, 2, 3]) {
      await adas.request("sendMessage", {
        conversation: secret,
        id: `quiet-${n}`,
        body: `Not for Eve, number ${n} of three.`,
      });
    }
    await adas.request("sendMessage", {
      conversation: common,
      id: "marker",
      body: "This one is for Eve as well.",
    });
    assert.deepEqual(await eves.before((frame) => frame.id === "marker"), []);
    await Promise.all([adas.close(), eves.close()]);
  });
});
