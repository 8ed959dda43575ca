/** Messages that change and refer to one another: replies, edits and deletions. */
import assert from "node:assert/strict";
import { before, test } from "node:test";

import { Person } from "../lib/people.js";
import { assertProblem, assertRejected, INSTANT } from "../lib/protocol.js";
import { suite } from "../lib/suite.js";
import { operation } from "../lib/table.js";

/** Returns everything in the stack's table as text. */
async function everyRow(stack) {
  const { TableNames: tables } = await operation(stack, "ListTables", {});
  const { Items } = await operation(stack, "Scan", { TableName: tables[0] });
  assert.ok(Items.length > 0);
  return JSON.stringify(Items);
}

suite("living", (stack) => {
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
    return { conversation, sockets, close, messages: `/conversations/${conversation}/messages` };
  }

  test("a reply names a message, over both transports and in every answer", async () => {
    const { conversation, sockets, close, messages } = await talk();
    const [adas, bobs] = sockets;
    const yes = { conversation, id: "b1", body: "With pleasure.", replyTo: 1, after: 1 };
    assert.equal((await bobs.request("sendMessage", yes)).seq, 2);
    assert.equal((await adas.next(({ event }) => event === "message")).replyTo, 1);
    const posted = await ada.post(messages, { id: "a2", body: "Good.", replyTo: 2 });
    assert.equal(posted.status, 201);
    const { body: page } = await bob.get(messages);
    assert.deepEqual(
      page.messages.map(({ replyTo }) => replyTo),
      [undefined, 1, 2],
    );
    assert.deepEqual(await ada.log(conversation), page.messages);
    const subscribed = await bobs.request("subscribe", { conversation, after: 0 });
    assert.deepEqual(subscribed.events, page.messages);
    await close();
  });

  test("a repetition names the same message again", async () => {
    const { conversation, sockets, close, messages } = await talk();
    const yes = { conversation, id: "b1", body: "With pleasure.", replyTo: 1, after: 1 };
    assert.equal((await sockets[1].request("sendMessage", yes)).duplicate, false);
    assert.equal((await sockets[1].request("sendMessage", yes)).duplicate, true);
    const other = { ...yes, replyTo: null };
    assertRejected(await sockets[1].request("sendMessage", other), "id_reused");
    assertProblem(await bob.post(messages, { ...yes, replyTo: 2 }), "id_reused");
    assert.equal((await ada.log(conversation)).length, 2);
    await close();
  });

  test("a reply to nothing is refused", async () => {
    const { conversation, sockets, close, messages } = await talk();
    const yes = { conversation, id: "b1", body: "With pleasure.", after: 1 };
    for (const replyTo of [2, 999_999_999_999]) {
      const reply = await sockets[1].request("sendMessage", { ...yes, replyTo });
      assertRejected(reply, "unknown_message", "replyTo");
      assertProblem(await bob.post(messages, { ...yes, replyTo }), "unknown_message", "replyTo");
    }
    for (const replyTo of [0, -1, 1.5, "1", [1]]) {
      const reply = await sockets[1].request("sendMessage", { ...yes, replyTo });
      assertRejected(reply, "invalid", "replyTo");
    }
    assert.equal((await ada.log(conversation)).length, 1);
    await close();
  });

  test("an edit shows wherever the message is read, over both transports", async () => {
    const { conversation, sockets, close, messages } = await talk();
    const [adas, bobs] = sockets;
    const edit = {
      conversation,
      id: "e1",
      target: 1,
      body: "Shall we have lunch at one?",
      after: 1,
    };
    const { sentAt, ...edited } = await adas.request("editMessage", edit);
    assert.deepEqual(edited, {
      event: "edited",
      conversation,
      id: "e1",
      seq: 2,
      duplicate: false,
    });
    assert.match(sentAt, INSTANT);
    const pushed = await bobs.next(({ event }) => event === "messageEdited");
    assert.deepEqual(pushed, {
      event: "messageEdited",
      conversation,
      seq: 2,
      id: "e1",
      target: 1,
      body: edit.body,
      sender: ada.user,
      sentAt,
    });
    const patch = { id: "e2", body: "Shall we have lunch at two?" };
    const answer = await ada.patch(`${messages}/1`, patch);
    assert.equal(answer.status, 201);
    assert.equal(answer.body.seq, 3);
    assert.equal((await ada.patch(`${messages}/1`, patch)).status, 200);
    assert.equal((await adas.next(({ seq }) => seq === 3)).body, patch.body);

    const [message] = (await bob.get(messages)).body.messages;
    assert.equal(message.body, patch.body);
    assert.deepEqual(message.edited, { seq: 3, at: answer.body.sentAt });
    const log = await bob.log(conversation);
    assert.deepEqual(
      log.map(({ body }) => body),
      [patch.body, null, patch.body],
    );
    assert.deepEqual((await bobs.request("subscribe", { conversation, after: 0 })).events, log);
    const list = (await bob.get("/conversations")).body.conversations;
    assert.deepEqual(list.find(({ id }) => id === conversation).lastMessage, message);
    // A repeated send of the edited message is still its duplicate.
    const first = { id: "a1", body: "Shall we have lunch at noon?" };
    const repeated = await ada.post(messages, first);
    assert.equal(repeated.status, 200);
    assert.equal(repeated.body.seq, 1);
    await close();
  });

  test("after a deletion the text is in no row, no answer, no frame and no log line", async () => {
    const { conversation, sockets, close, messages } = await talk();
    const [adas, bobs] = sockets;
    const secret = "The code of the back door is 4711.";
    const changed = "The code of the back door is 0815.";
    await adas.request("sendMessage", { conversation, id: "a2", body: secret, after: 1 });
    await adas.request("editMessage", {
      conversation,
      id: "e1",
      target: 2,
      body: changed,
      after: 2,
    });
    assert.ok((await everyRow(stack)).includes(changed));
    assert.ok(!(await everyRow(stack)).includes(secret));
    const gone = await adas.request("deleteMessage", {
      conversation,
      id: "d1",
      target: 2,
      after: 3,
    });
    assert.deepEqual([gone.event, gone.seq, gone.duplicate], ["deleted", 4, false]);
    await bobs.before(({ event }) => event === "messageDeleted");

    // What a device sends that was offline: everything again.
    const again = [
      await adas.request("sendMessage", { conversation, id: "a2", body: secret, after: 1 }),
      await adas.request("editMessage", {
        conversation,
        id: "e1",
        target: 2,
        body: changed,
        after: 2,
      }),
      await adas.request("deleteMessage", { conversation, id: "d2", target: 2, after: 4 }),
      (await ada.delete(`${messages}/2?id=d3`)).body,
    ];
    assert.deepEqual(
      again.map(({ seq, duplicate }) => [seq, duplicate]),
      [
        [2, true],
        [3, true],
        [4, true],
        [4, true],
      ],
    );
    const frames = [];
    while (frames.length < 4) frames.push(await bobs.next(({ seq }) => seq >= 2));
    const answers = [
      frames,
      await bob.log(conversation),
      (await bob.get(messages)).body,
      (await bob.get("/conversations")).body,
      await bobs.request("subscribe", { conversation, after: 0 }),
      await everyRow(stack),
      stack.output(),
    ].map((answer) => JSON.stringify(answer));
    for (const text of [secret, changed, "back door"]) {
      for (const answer of answers) assert.ok(!answer.includes(text), answer.slice(0, 2_000));
    }
    const deleted = (await bob.get(messages)).body.messages[1];
    assert.deepEqual([deleted.body, deleted.deleted], ["", { seq: 4, by: ada.user }]);
    await close();
  });

  test("an edit after a deletion does not bring the text back", async () => {
    const { conversation, sockets, close, messages } = await talk();
    await sockets[0].request("deleteMessage", { conversation, id: "d1", target: 1, after: 1 });
    const edit = { id: "e1", target: 1, body: "I never deleted this one." };
    for (const after of [1, 2]) {
      const reply = await sockets[0].request("editMessage", { conversation, after, ...edit });
      assertRejected(reply, "unknown_message", "target");
    }
    const answer = await ada.patch(`${messages}/1`, { id: edit.id, body: edit.body });
    assertProblem(answer, "unknown_message", "target");
    assert.equal((await bob.log(conversation)).length, 2);
    assert.equal((await bob.get(messages)).body.messages[0].body, "");
    await close();
  });

  test("edits and deletions at once end with a message that follows from the log", async () => {
    const { conversation, sockets, close, messages } = await talk();
    const ids = Array.from({ length: 6 }, (_, index) => `e${index}`);
    const edits = ids.map((id) => ({ id, body: `Text number ${id} of this message.` }));
    await Promise.all(
      edits.map((edit, index) =>
        index % 2
          ? ada.patch(`${messages}/1`, edit)
          : sockets[0].request("editMessage", { conversation, target: 1, after: 1, ...edit }),
      ),
    );
    const log = await bob.log(conversation);
    const newest = log.at(-1);
    assert.equal(log.length, 7);
    assert.equal(newest.body, edits.find(({ id }) => id === newest.id).body);
    assert.equal(log[0].body, newest.body);
    assert.equal(log[0].edited.seq, 7);
    const late = edits.map(({ id, body }) => ({ id: `${id}-late`, body }));
    const answers = await Promise.all([
      ...late.map((edit) => ada.patch(`${messages}/1`, edit)),
      ada.delete(`${messages}/1?id=d1`),
    ]);
    const after = await bob.log(conversation);
    assert.deepEqual(after[0].deleted, { seq: after.length, by: ada.user });
    assert.equal(after.at(-1).event, "messageDeleted");
    const stored = answers.filter(({ status }) => status === 201).length;
    assert.equal(after.length, 7 + stored);
    await close();
  });

  test("what may not be edited or deleted is refused, and nothing is stored", async () => {
    const carol = await Person.create(stack, "Carol");
    const { conversation, sockets, close, messages } = await talk();
    await ada.put(`/conversations/${conversation}/participants/${carol.user}`);
    const theirs = await carol.connect();
    const edit = { conversation, id: "e1", target: 1, body: "Not my own words at all.", after: 2 };
    assertRejected(await sockets[1].request("editMessage", edit), "forbidden");
    assertRejected(await theirs.request("deleteMessage", edit), "forbidden");
    const { id, body } = edit;
    assertProblem(await bob.patch(`${messages}/1`, { id, body }), "forbidden");
    for (const target of [2, 3, 999_999_999_999]) {
      for (const action of ["editMessage", "deleteMessage"]) {
        const reply = await sockets[0].request(action, { ...edit, target });
        assertRejected(reply, "unknown_message", "target");
      }
      assertProblem(
        await ada.patch(`${messages}/${target}`, { id, body }),
        "unknown_message",
        "target",
      );
      assertProblem(await ada.delete(`${messages}/${target}?id=d1`), "unknown_message", "target");
    }
    for (const target of [0, 1.5, "1", null]) {
      assertRejected(
        await sockets[0].request("editMessage", { ...edit, target }),
        "invalid",
        "target",
      );
    }
    assertProblem(await ada.delete(`${messages}/1`), "invalid", "id");
    assert.equal((await bob.log(conversation)).length, 2);
    await theirs.close();
    await close();
  });

  test("the owner may delete the message of another participant", async () => {
    const { conversation, sockets, close } = await talk();
    const [adas, bobs] = sockets;
    await bobs.request("sendMessage", {
      conversation,
      id: "b1",
      body: "Something rude.",
      after: 1,
    });
    const gone = await adas.request("deleteMessage", {
      conversation,
      id: "d1",
      target: 2,
      after: 2,
    });
    assert.equal(gone.seq, 3);
    assert.equal((await bobs.next(({ event }) => event === "messageDeleted")).by, ada.user);
    await close();
  });
});
