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
  const items = Array.from({ length: count }, (_, index) =>
    message(conversation, sender, index + 1, index + 1),
  );
  await put(stack, items);
}

/**
 * Fills the log of an empty conversation with messages, numbered from 1 to `count`, and two reactions
 * to each: one of `other` right behind it, and one of `sender` when `later` more messages follow, or
 * when there are no more.
 *
 * @param {import('./stack.js').Stack} stack
 * @param {string} conversation
 * @param {{sender: import('./people.js').Person, other: import('./people.js').Person}} people
 * @param {{count: number, later: number}} numbers
 */
export async function fillWithReactions(stack, conversation, { sender, other }, { count, later }) {
  const items = [];
  /** The position of each message. */
  const places = [];
  let seq = 0;
  for (let number = 1; number <= count + later; number += 1) {
    if (number <= count) {
      seq += 1;
      places.push(seq);
      items.push(message(conversation, sender, seq, number));
      seq += 1;
      items.push(...reaction(conversation, other, seq, { target: seq - 1, emoji: "👍" }));
    }
    if (number > later) {
      seq += 1;
      const target = places[number - later - 1];
      items.push(...reaction(conversation, sender, seq, { target, emoji: "❤" }));
    }
  }
  await put(stack, items);
}

/** Puts items into the table, many at once. */
async function put(stack, items) {
  const { TableNames: tables } = await operation(stack, "ListTables", {});
  assert.equal(tables.length, 1, `expected one table: ${tables}`);
  const starts = Array.from({ length: Math.ceil(items.length / BATCH) }, (_, n) => n * BATCH);
  const lane = async () => {
    for (let first = starts.shift(); first !== undefined; first = starts.shift()) {
      const puts = items
        .slice(first, first + BATCH)
        .map((Item) => ({ Put: { TableName: tables[0], Item } }));
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
function message(conversation, sender, seq, number) {
  const body = `Message ${number} of a long conversation.`;
  const id = `m-${number}`;
  return {
    ...entry(conversation, sender, seq, { kind: "message", id, content: body }),
    body: { S: body },
  };
}

/** Returns a reaction as two items of the table: its entry, and its row. */
function reaction(conversation, sender, seq, { target, emoji }) {
  const content = `${target} ${emoji}`;
  const hex = Buffer.from(emoji).toString("hex");
  return [
    {
      ...entry(conversation, sender, seq, { kind: "reaction", id: `r-${seq}`, content }),
      target: { N: String(target) },
      emoji: { S: emoji },
      on: { BOOL: true },
    },
    {
      pk: { S: `conversation#${conversation}` },
      sk: { S: `emoji#${padded(target)}#${hex}#${sender.user}` },
      name: { S: sender.name },
      seq: { N: String(seq) },
    },
  ];
}

function entry(conversation, sender, seq, { kind, id, content }) {
  const digest = createHash("sha256").update(`${kind}\0${content}`).digest("hex").slice(0, 32);
  return {
    pk: { S: `conversation#${conversation}` },
    sk: { S: `event#${padded(seq)}` },
    kind: { S: kind },
    sender: { S: sender.user },
    id: { S: id },
    digest: { S: digest },
    sent_at: { N: String(1_700_000_000_000 + seq) },
    name: { S: sender.name },
  };
}

function padded(seq) {
  return String(seq).padStart(12, "0");
}
