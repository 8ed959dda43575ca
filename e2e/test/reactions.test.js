/** Reactions over both transports, in pushes, in the log and in pages of history. */
import assert from "node:assert/strict";
import { before, test } from "node:test";

import { inPath } from "../lib/paths.js";
import { Person } from "../lib/people.js";
import { assertProblem, assertRejected, INSTANT } from "../lib/protocol.js";
import { suite } from "../lib/suite.js";
import { fill } from "../lib/table.js";

suite("reactions", (stack) => {
  /** @type {Person} */ let ada;
  /** @type {Person} */ let bob;

  before(async () => {
    [ada, bob] = await Promise.all([Person.create(stack, "Ada"), Person.create(stack, "Bob")]);
  });

  /** Returns a conversation in which Ada has sent the first message, and both are subscribed. */
  async function talk() {
    const conversation = await ada.start([bob]);
    const sockets = await Promise.all([ada.connect(), bob.connect()]);
    for (const socket of sockets) await socket.request("subscribe", { conversation });
    const first = { conversation, id: "a1", body: "Shall we have lunch at noon?", after: 0 };
    await sockets[0].request("sendMessage", first);
    await sockets[1].next(({ event }) => event === "message");
    const close = () => Promise.all(sockets.map((socket) => socket.close()));
    const messages = `/conversations/${conversation}/messages`;
    const path = (emoji, target = 1) => `${messages}/${target}/reactions/${inPath(emoji)}`;
    const shown = async () => (await bob.get(`${messages}?reactions=true`)).body.reactions;
    return { conversation, sockets, close, messages, path, shown };
  }

  test("a reaction shows wherever it is read, over both transports", async () => {
    const { conversation, sockets, close, path, shown } = await talk();
    const [adas, bobs] = sockets;
    const like = { conversation, target: 1, emoji: "👍", on: true, after: 1 };
    const reacted = { event: "reacted", conversation, target: 1, emoji: "👍", on: true };
    assert.deepEqual(await bobs.request("react", like), { ...reacted, seq: 2 });
    const { sentAt, ...pushed } = await adas.next(({ event }) => event === "reaction");
    assert.match(sentAt, INSTANT);
    const entry = { ...reacted, event: "reaction", seq: 2, user: bob.user, name: bob.name };
    assert.deepEqual(pushed, entry);
    assert.deepEqual(await bobs.request("react", like), { ...reacted, seq: null });

    const put = await ada.put(path("❤️"));
    assert.deepEqual([put.status, put.body], [200, { ...reacted, emoji: "❤", seq: 3 }]);
    assert.equal((await bobs.next(({ seq }) => seq === 3)).emoji, "❤");
    assert.deepEqual((await bob.log(conversation))[1], { ...entry, sentAt });
    assert.deepEqual(await shown(), [
      { target: 1, emoji: "❤", user: ada.user, name: ada.name, seq: 3 },
      { target: 1, emoji: "👍", user: bob.user, name: bob.name, seq: 2 },
    ]);
    const gone = await ada.delete(path("❤"));
    assert.deepEqual(gone.body, { ...reacted, emoji: "❤", on: false, seq: 4 });
    assert.equal((await ada.delete(path("❤"))).body.seq, null);
    const off = { ...like, on: false, after: 4 };
    assert.equal((await bobs.request("react", off)).seq, 5);
    assert.deepEqual(await shown(), []);
    const { unread, messages } = (await bob.get("/conversations")).body.conversations.find(
      ({ id }) => id === conversation,
    );
    assert.deepEqual([unread, messages], [1, 1]);
    await close();
  });

  test("emoji are told apart by skin tone, and not by variation selectors", async () => {
    const { conversation, sockets, close, path, shown } = await talk();
    const given = ["👍", "👍🏻", "👍🏿", "❤️", "1️⃣", "#️⃣", "*️⃣", "🇩🇪", "👩‍👩‍👧‍👦", "🏳️‍🌈", "🏴󠁧󠁢󠁷󠁬󠁳󠁿"];
    for (const [index, emoji] of given.entries()) {
      const key = emoji.replaceAll("\ufe0f", "");
      const react = { conversation, target: 1, emoji, on: true };
      const reply = await sockets[1].request("react", react);
      assert.deepEqual([reply.emoji, reply.seq], [key, index + 2]);
      for (const other of [key, emoji]) {
        const { body } = await bob.put(path(other));
        assert.deepEqual([body.emoji, body.seq], [key, null]);
      }
    }
    assert.equal((await shown()).length, given.length);
    for (const bad of ["a", "👍👍", "1", "🇩", "<b>", "👍🏻🏻", " "]) {
      const reply = await sockets[1].request("react", { conversation, target: 1, emoji: bad });
      assertRejected(reply, "invalid", "emoji");
      assertProblem(await bob.put(path(bad)), "invalid", "emoji");
    }
    await close();
  });

  test("clicks at once leave a set", async () => {
    const { conversation, sockets, close, path, shown } = await talk();
    const more = await Promise.all([bob.connect(), bob.connect()]);
    const clicks = Array.from({ length: 12 }, (_, index) => {
      const on = index % 3 !== 0;
      const socket = [sockets[1], ...more][index % 3];
      if (index % 4 === 0) return on ? bob.put(path("👍")) : bob.delete(path("👍"));
      return socket.request("react", { conversation, target: 1, emoji: "👍", on, after: 1 });
    });
    await Promise.all(clicks);
    const log = await bob.log(conversation);
    const reactions = log.filter(({ event }) => event === "reaction");
    for (const [index, { on }] of reactions.entries()) assert.equal(on, index % 2 === 0);
    const rows = await shown();
    assert.equal(rows.length, reactions.length % 2);
    if (rows.length > 0) assert.equal(rows[0].seq, reactions.at(-1).seq);
    for (const socket of more) await socket.close();
    await close();
  });

  test("only live messages get reactions", async () => {
    const carol = await Person.create(stack, "Carol");
    const { conversation, sockets, close, messages, path, shown } = await talk();
    await ada.put(`/conversations/${conversation}/participants/${carol.user}`);
    await bob.put(path("👍"));
    await carol.put(path("🎉"));
    await ada.post(messages, { id: "a2", body: "This one will be gone." });
    await bob.put(path("👍", 5));
    await ada.delete(`${messages}/5?id=d1`);
    const head = (await bob.log(conversation)).length;
    for (const target of [2, 3, 5, 6, 7, 8, 999_999_999_999]) {
      for (const on of [true, false]) {
        const react = { conversation, target, emoji: "👍", on, after: head };
        const reply = await sockets[1].request("react", react);
        assertRejected(reply, "unknown_message", "target");
      }
      assertProblem(await bob.put(path("👍", target)), "unknown_message", "target");
    }
    assert.equal((await bob.log(conversation)).length, head);

    // A removed participant's reactions stay.
    await ada.delete(`/conversations/${conversation}/participants/${carol.user}`);
    assertProblem(await carol.delete(path("🎉")), "not_found");
    assertProblem(await carol.put(path("👍")), "not_found");
    const left = (await shown()).map(({ target, emoji, name }) => [target, emoji, name]);
    assert.deepEqual(left, [
      [1, "🎉", carol.name],
      [1, "👍", bob.name],
    ]);
    await close();
  });

  test("a message has at most twenty different emoji", async () => {
    const { conversation, sockets, close, path } = await talk();
    const faces = Array.from({ length: 20 }, (_, index) => String.fromCodePoint(0x1f600 + index));
    for (const emoji of faces) assert.equal((await ada.put(path(emoji))).status, 200);
    assertProblem(await bob.put(path("👍")), "forbidden");
    const react = { conversation, target: 1, emoji: "👍", on: true, after: 21 };
    assertRejected(await sockets[1].request("react", react), "forbidden");
    assert.equal((await bob.put(path(faces[7]))).status, 200);
    await close();
  });

  test("old messages are read with reactions that lie far ahead", async () => {
    const conversation = await ada.start([bob]);
    await fill(stack, conversation, ada, 1_000);
    const messages = `/conversations/${conversation}/messages`;
    for (const target of [3, 500, 998])
      await bob.put(`${messages}/${target}/reactions/${inPath("👍")}`);
    const { body } = await bob.get(`${messages}?before=10&limit=5&reactions=true`);
    assert.deepEqual([body.messages.length, body.reactions], [5, []]);
    const { body: first } = await bob.get(`${messages}?before=5&reactions=true`);
    assert.deepEqual(
      first.reactions.map(({ target, emoji, seq }) => [target, emoji, seq]),
      [[3, "👍", 1_001]],
    );
    const { body: plain } = await bob.get(`${messages}?before=5`);
    assert.equal("reactions" in plain, false);
    assertProblem(await bob.get(`${messages}?reactions=perhaps`), "invalid", "reactions");
    assertProblem(
      await bob.get(`${messages}?reactions=true&reactionsNext=x`),
      "invalid",
      "reactionsNext",
    );
  });

  test("a device that was away for 500 entries of all kinds reads nothing else", async () => {
    const conversation = await ada.start([bob]);
    await fill(stack, conversation, ada, 100);
    const messages = `/conversations/${conversation}/messages`;
    const carol = await Person.create(stack, "Carol");
    const expected = new Map();
    for (let round = 0; round < 100; round += 1) {
      const target = 1 + (round % 50);
      const body = `Round ${round} of this conversation.`;
      await ada.post(messages, { id: `a-${round}`, body });
      await ada.post(messages, { id: `b-${round}`, body: `And ${body}`, replyTo: target });
      const at = 101 + round * 5;
      if (round % 10 === 9) {
        await ada.delete(`${messages}/${at}?id=d-${round}`);
        expected.set(at, "");
      } else {
        await ada.patch(`${messages}/${at}`, { id: `e-${round}`, body: `Edited: ${body}` });
        expected.set(at, `Edited: ${body}`);
      }
      const path = `${messages}/${at + 1}/reactions/${inPath("👍")}`;
      await bob.put(path);
      const change = round % 2 === 0 ? "put" : "delete";
      await ada[change](`/conversations/${conversation}/participants/${carol.user}`);
    }
    const socket = await bob.connect();
    const texts = new Map();
    const reactions = new Set();
    const kinds = new Set();
    let after = 100;
    let pages = 0;
    for (;;) {
      const page = await socket.request("subscribe", { conversation, after });
      pages += 1;
      for (const entry of page.events) {
        assert.equal(entry.seq, after + 1);
        after = entry.seq;
        kinds.add(entry.event);
        if (entry.event === "message") texts.set(entry.seq, entry.body);
        if (entry.event === "messageEdited" && entry.body) texts.set(entry.target, entry.body);
        if (entry.event === "messageDeleted") texts.set(entry.target, "");
        if (entry.event === "reaction") reactions.add(`${entry.target} ${entry.emoji}`);
      }
      if (!page.limited) break;
    }
    assert.equal(after, 600);
    assert.equal(kinds.size, 6);
    assert.ok(pages <= 8, `${pages} pages`);
    for (const [seq, text] of expected) assert.equal(texts.get(seq), text, `message ${seq}`);
    assert.equal(reactions.size, 100);
    await socket.close();
  });
});
