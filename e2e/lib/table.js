/**
 * Direct access to the stack's table, for what would take hours through the API. The rows have the
 * form that shared/chat_aws writes.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";

import { AwsClient } from "aws4fetch";

/**
 * The number of items in one transaction, at most 100 in DynamoDB. The embedded engine commits a
 * transaction to disk once, but every item of a batch on its own.
 */
const BATCH = 100;
/** The number of concurrent requests. */
const LANES = 4;

/** Calls one operation of the local stack's DynamoDB, signed as its administrator. */
export async function operation(stack, name, input) {
  const { accessKeyId, secretAccessKey } = stack;
  const client = new AwsClient({
    accessKeyId,
    secretAccessKey,
    service: "dynamodb",
    region: "us-east-1",
    retries: 0,
  });
  const response = await client.fetch(stack.dynamodb, {
    method: "POST",
    headers: {
      "content-type": "application/x-amz-json-1.0",
      "x-amz-target": `DynamoDB_20120810.${name}`,
    },
    body: JSON.stringify(input),
  });
  const output = await response.json();
  assert.equal(response.status, 200, `${name}: ${JSON.stringify(output)}`);
  return output;
}

/**
 * Fills the log of an empty conversation with messages 1 to `count`, whose ids are `m-SEQ`.
 *
 * @param {import('./stack.js').Stack} stack
 * @param {string} conversation
 * @param {import('./people.js').Person} sender
 * @param {number} count
 */
export async function fill(stack, conversation, sender, count) {
  const { TableNames: tables } = await operation(stack, "ListTables", {});
  assert.equal(tables.length, 1, `expected one table: ${tables}`);
  const starts = Array.from({ length: Math.ceil(count / BATCH) }, (_, index) => index * BATCH + 1);
  const lane = async () => {
    for (let first = starts.shift(); first !== undefined; first = starts.shift()) {
      const length = Math.min(BATCH, count - first + 1);
      const puts = Array.from({ length }, (_, index) => ({
        Put: { TableName: tables[0], Item: item(conversation, sender, first + index) },
      }));
      await operation(stack, "TransactWriteItems", { TransactItems: puts });
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}

/**
 * Returns the connection ids of a person, which clients do not learn.
 *
 * @param {import('./stack.js').Stack} stack
 * @param {import('./people.js').Person} person
 * @returns {Promise<string[]>}
 */
export async function connectionsOf(stack, person) {
  const { TableNames: tables } = await operation(stack, "ListTables", {});
  const { Items } = await operation(stack, "Query", {
    TableName: tables[0],
    KeyConditionExpression: "pk = :user",
    ExpressionAttributeValues: { ":user": { S: `user#${person.user}` } },
  });
  return Items.map(({ sk }) => sk.S.split("#")[1]);
}

/**
 * Adds the rows of a connection that the gateway no longer knows, subscribed to a conversation.
 *
 * @param {import('./stack.js').Stack} stack
 * @param {string} conversation
 * @param {import('./people.js').Person} person the user of the connection
 * @param {string} connection
 */
export async function addStaleConnection(stack, conversation, person, connection) {
  const { TableNames: tables } = await operation(stack, "ListTables", {});
  const connectedAt = Date.now() - 30 * 60_000;
  const times = {
    connected_at: { N: String(connectedAt) },
    expires_at: { N: String(Math.ceil(connectedAt / 1000) + 7500) },
  };
  const rows = [
    { pk: { S: `user#${person.user}` }, sk: { S: `connection#${connection}` }, ...times },
    {
      pk: { S: `conversation#${conversation}` },
      sk: { S: `viewer#${person.user}\u001f${connection}` },
      user: { S: person.user },
      ...times,
    },
  ];
  for (const Item of rows) await operation(stack, "PutItem", { TableName: tables[0], Item });
}

/**
 * Moves the moment at which a person last looked at the chat back, as if so much time had passed.
 * The clock of the functions is that of the machine.
 *
 * @param {import('./stack.js').Stack} stack
 * @param {import('./people.js').Person} person
 * @param {number} ms
 */
export async function lookedEarlier(stack, person, ms) {
  const { TableNames: tables } = await operation(stack, "ListTables", {});
  await operation(stack, "UpdateItem", {
    TableName: tables[0],
    Key: { pk: { S: `user#${person.user}` }, sk: { S: "presence" } },
    UpdateExpression: "SET seen_at = seen_at - :ms",
    ConditionExpression: "attribute_exists(seen_at)",
    ExpressionAttributeValues: { ":ms": { N: String(ms) } },
  });
}

/** Returns a message of the log as an item of the table. */
function item(conversation, sender, seq) {
  const body = `Message ${seq} of a long conversation.`;
  const digest = createHash("sha256").update(`message\0${body}`).digest("hex").slice(0, 32);
  return {
    pk: { S: `conversation#${conversation}` },
    sk: { S: `event#${String(seq).padStart(12, "0")}` },
    kind: { S: "message" },
    sender: { S: sender.user },
    id: { S: `m-${seq}` },
    digest: { S: digest },
    sent_at: { N: String(1_700_000_000_000 + seq) },
    name: { S: sender.name },
    body: { S: body },
  };
}
