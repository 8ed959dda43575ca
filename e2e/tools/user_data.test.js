/** `bin/user-data` with the AWS CLI, on a stack in which people are talking. */
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { Person } from "../lib/people.js";
import { suite } from "../lib/suite.js";
import { operation } from "../lib/table.js";
import { run } from "./recipes.js";

const TEXT = "The spare key is under the third stone.";

suite("bin/user-data", (stack) => {
  /** @type {Person} */ let ada;
  /** @type {Person} */ let grace;
  let folder;
  let conversation;
  let former;
  let sockets;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "confab-user-data-test-"));
    ada = await Person.create(stack, "Ada");
    grace = await Person.create(stack, "Rear Admiral Hopper", "user-5f1c7a");
    [conversation, former] = [await ada.start([grace]), await ada.start([grace])];
    sockets = [await ada.connect(), await grace.connect()];
    for (const id of [conversation, former]) {
      for (const socket of sockets)
        await socket.request("subscribe", { conversation: id, after: 0 });
      for (const number of [1, 2, 3])
        await grace.post(`/conversations/${id}/messages`, { id: `g-${number}`, body: TEXT });
      await ada.post(`/conversations/${id}/messages`, { id: "a-1", body: "Thank you." });
    }
    await grace.delete(`/conversations/${former}/participants/${grace.user}`);
  });
  after(async () => {
    await Promise.all(sockets.map((socket) => socket.close()));
    await rm(folder, { recursive: true });
  });

  const command = (...args) =>
    run("bin/user-data", [...args, "--function", "user_data"], {
      AWS_ACCESS_KEY_ID: stack.accessKeyId,
      AWS_SECRET_ACCESS_KEY: stack.secretAccessKey,
      AWS_DEFAULT_REGION: "us-east-1",
      AWS_ENDPOINT_URL_LAMBDA: stack.lambda,
    });

  /** Returns the names of the attributes in which a text is found. */
  async function search(text) {
    const { TableNames: tables } = await operation(stack, "ListTables", {});
    const { Items } = await operation(stack, "Scan", { TableName: tables[0] });
    const found = Items.flatMap((row) =>
      Object.entries(row)
        .filter(([, value]) => JSON.stringify(value).includes(text))
        .map(([name]) => name),
    );
    return [...new Set(found)].toSorted();
  }

  test("an export has the messages of the user, and only its owner can read the file", async () => {
    const file = join(folder, "user.jsonl");
    assert.match(await command("export", grace.user, "--output", file), /records are in/);
    const records = (await readFile(file, "utf8")).trim().split("\n").map(JSON.parse);
    const bodies = records.filter(({ entry }) => entry?.body).map(({ entry }) => entry.body);
    assert.deepEqual(bodies, Array(6).fill(TEXT));
    const kinds = records.map(({ record }) => record);
    for (const kind of ["connection", "participation", "subscription"])
      assert.ok(kinds.includes(kind), kind);
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    // An earlier export is not overwritten.
    await assert.rejects(command("export", grace.user, "--output", file));
    assert.deepEqual(await search(TEXT), ["body"]);
  });

  test("an erasure leaves no text and no name, and others go on", async () => {
    const output = await command("erase", grace.user, "--yes");
    assert.match(output, /^pass 1: 1 conversations, 6 messages/m);
    assert.match(output, /^pass 2: 0 conversations, 0 messages, 0 names, 0 rows$/m);
    assert.match(output, /nothing of user-5f1c7a is left but the id/);
    assert.deepEqual(await search(TEXT), []);
    assert.deepEqual(await search(grace.name), []);
    assert.deepEqual(await search(grace.user), ["name", "sender", "user"]);

    const { body } = await ada.get(`/conversations/${conversation}/messages`);
    const texts = body.messages.map((message) => [message.name, message.body]);
    assert.deepEqual(texts, [...Array(3).fill([grace.user, ""]), ["Ada", "Thank you."]]);
    assert.equal(body.messages[0].deleted.by, "confab:erasure");
    const answer = await ada.post(`/conversations/${conversation}/messages`, {
      id: "a-2",
      body: "Who wrote that?",
    });
    assert.equal(answer.status, 201);
    const left = await ada.get(`/conversations/${conversation}`);
    assert.deepEqual(
      left.body.participants.map(({ user }) => user),
      [ada.user],
    );
    assert.equal((await grace.get(`/conversations/${conversation}`)).status, 404);
  });

  test("a command that is incomplete or cannot be served says why", async () => {
    for (const [args, reason] of [
      [["erase"], /one user/],
      [["forget", "ada"], /an action/],
      [["export", "ada"], /--output FILE/],
      [["erase", "confab:erasure", "--yes"], /confab:erasure is the id/],
      [["erase", "ada", "--yes", "--from", "nonsense"], /no earlier step returned it/],
    ]) {
      await assert.rejects(command(...args), reason, args.join(" "));
    }
    assert.match(await command("--help"), /cannot be undone/);
  });
});
