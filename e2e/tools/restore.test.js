/**
 * The commands of “Backup and restore” in docs/operations.md, run as they stand there, up to what
 * only AWS can do.
 */
import assert from "node:assert/strict";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { Person } from "../lib/people.js";
import { suite } from "../lib/suite.js";
import { operation } from "../lib/table.js";
import { recipesOf, ROOT, run } from "./recipes.js";
import { refuseEverything } from "./refusal.js";

const blocksOf = (section) =>
  recipesOf("docs/operations.md")
    .filter((recipe) => recipe.section === section && recipe.language === "sh")
    .map(({ text }) => text);

suite("restoring by docs/operations.md", (stack) => {
  let folder;
  let refusing;
  let table;
  let conversation;
  let rows;
  /** @type {Person} */ let ada;
  /** @type {Person} */ let grace;

  const scan = async () => {
    const { Items } = await operation(stack, "Scan", { TableName: table });
    const key = ({ pk, sk }) => `${pk.S} ${sk.S}`;
    return Items.toSorted((a, b) => (key(a) < key(b) ? -1 : 1));
  };
  const remove = async ({ pk, sk }) => {
    await operation(stack, "DeleteItem", { TableName: table, Key: { pk, sk } });
  };
  const ofLog = () => rows.filter(({ sk }) => sk.S.startsWith("event#"));

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "confab-restore-"));
    refusing = await refuseEverything();
    [ada, grace] = [await Person.create(stack, "Ada"), await Person.create(stack, "Grace")];
    conversation = await ada.start([grace]);
    for (const number of [1, 2, 3, 4]) {
      const message = { id: `m-${number}`, body: `It's the "message" ${number} \\ 🦀` };
      await ada.post(`/conversations/${conversation}/messages`, message);
    }
    const { TableNames } = await operation(stack, "ListTables", {});
    [table] = TableNames;
    rows = await scan();
    const { Table } = await operation(stack, "DescribeTable", { TableName: table });
    const definition = {
      BillingMode: "PAY_PER_REQUEST",
      KeySchema: Table.KeySchema,
      AttributeDefinitions: Table.AttributeDefinitions,
      GlobalSecondaryIndexes: Table.GlobalSecondaryIndexes.map(
        ({ IndexName, KeySchema, Projection }) => ({ IndexName, KeySchema, Projection }),
      ),
    };
    await writeFile(join(folder, "snapshot.json"), JSON.stringify({ definition, rows }));
    const wrapper = `#!/bin/sh\nexec "${process.execPath}" "${ROOT}/e2e/tools/restore_aws.js" "$@"\n`;
    await writeFile(join(folder, "aws"), wrapper);
    await chmod(join(folder, "aws"), 0o755);
  });
  after(async () => {
    refusing.close();
    await rm(folder, { recursive: true });
  });

  /** Runs all commands of a section in one shell. */
  async function follow(section) {
    const blocks = [...blocksOf("Backup and restore"), ...blocksOf(section)];
    assert.ok(blocks.length > 2, `${blocks.length} blocks in ${section}`);
    const script = blocks.join("\n").replaceAll("conversation#ID", `conversation#${conversation}`);
    const { dynamodb, accessKeyId, secretAccessKey } = stack;
    const real = (await run("sh", ["-c", "command -v aws"])).trim();
    return run("bash", ["-c", `cd ${folder}\nset -euo pipefail\n${script}`], {
      PATH: `${folder}:${process.env.PATH}`,
      REAL_AWS: real,
      CHAT_TABLE: table,
      REFUSING: refusing.url,
      SNAPSHOT: join(folder, "snapshot.json"),
      STACK: JSON.stringify({ dynamodb, accessKeyId, secretAccessKey }),
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_DEFAULT_REGION: "us-east-1",
      AWS_ENDPOINT_URL_DYNAMODB: dynamodb,
    });
  }

  test("missing rows of a conversation come back, and the others stay as they are", async () => {
    const [, second, third] = ofLog();
    for (const row of [second, third]) await remove(row);
    const later = { id: "m-5", body: "Sent meanwhile." };
    const sent = await ada.post(`/conversations/${conversation}/messages`, later);
    assert.equal(sent.body.seq, 5);
    const changed = await grace.put(`/conversations/${conversation}/receipt`, { read: 5 });
    assert.equal(changed.status, 200);

    const output = await follow("One conversation, or single rows");
    assert.match(output, /left as it is: /);
    const log = await grace.log(conversation);
    assert.deepEqual(
      log.map(({ seq }) => seq),
      [1, 2, 3, 4, 5],
    );
    const now = await scan();
    const restored = now.filter(({ sk }) => [second, third].some((row) => row.sk.S === sk.S));
    assert.deepEqual(restored, [second, third]);
    const [me] = now.filter(({ sk }) => sk.S === `participant#${grace.user}`);
    assert.equal(me.read_to.N, "5", "a row that exists is not replaced");
    const { TableNames } = await operation(stack, "ListTables", {});
    assert.deepEqual(TableNames, [table]);
  });

  test("the whole table is restored under its name, and the service goes on", async () => {
    for (const row of (await scan()).slice(0, -1)) await remove(row);
    assert.equal((await ada.get(`/conversations/${conversation}`)).status, 404);
    await follow("The whole table");
    assert.deepEqual(await scan(), rows);
    const { TimeToLiveDescription } = await operation(stack, "DescribeTimeToLive", {
      TableName: table,
    });
    assert.equal(TimeToLiveDescription.AttributeName, "expires_at");

    const [socket] = await Promise.all([ada.connect()]);
    const caughtUp = await socket.request("subscribe", { conversation, after: 5 });
    assert.equal(caughtUp.code, "unknown_position");
    const again = await socket.request("subscribe", { conversation });
    assert.equal(again.head, 4);
    const sent = await grace.post(`/conversations/${conversation}/messages`, {
      id: "g-1",
      body: "We are back.",
    });
    assert.equal(sent.body.seq, 5);
    await socket.next(({ event }) => event === "message");
    await socket.close();
  });
});
