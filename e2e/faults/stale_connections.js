/** Finds the rows of ended connections, which functions should have removed from the table. */
import { AwsClient } from "aws4fetch";

import { operation } from "../lib/table.js";

/**
 * @typedef {object} StaleConnection
 * @property {string} connection
 * @property {string} user
 * @property {string[]} conversations those it is subscribed to
 * @property {boolean} isListed whether it has a row among its user's connections
 * @property {number} connectedAt milliseconds since 1970
 * @property {number} expiresAt milliseconds since 1970; nothing is pushed to it from then on
 */

/** @param {import('../lib/stack.js').Stack} stack @returns {Promise<StaleConnection[]>} */
export async function staleConnections(stack) {
  /** @type {Map<string, StaleConnection>} */
  const connections = new Map();
  const of = (connection, row, user) => {
    const found = connections.get(connection) ?? {
      connection,
      user,
      conversations: [],
      isListed: false,
      connectedAt: Number(row.connected_at?.N),
      expiresAt: Number(row.expires_at?.N) * 1000,
    };
    connections.set(connection, found);
    return found;
  };
  for (const row of await rows(stack)) {
    const [kind, named] = row.sk.S.split(/#(.*)/s);
    const [, owner] = row.pk.S.split(/#(.*)/s);
    // A subscription's key also names its user.
    const connection = named.split("\u001f").at(-1);
    if (kind === "viewer") of(connection, row, row.user?.S).conversations.push(owner);
    if (kind === "connection") of(connection, row, owner).isListed = true;
  }
  const ended = await Promise.all(
    [...connections.keys()].map((connection) => hasEnded(stack, connection)),
  );
  return [...connections.values()].filter((_, index) => ended[index]);
}

async function rows(stack) {
  const { TableNames: tables } = await operation(stack, "ListTables", {});
  const found = [];
  let ExclusiveStartKey;
  do {
    const page = await operation(stack, "Scan", {
      TableName: tables[0],
      FilterExpression: "begins_with(sk, :subscription) OR begins_with(sk, :connection)",
      ExpressionAttributeValues: {
        ":subscription": { S: "viewer#" },
        ":connection": { S: "connection#" },
      },
      ConsistentRead: true,
      ...(ExclusiveStartKey && { ExclusiveStartKey }),
    });
    found.push(...page.Items);
    ExclusiveStartKey = page.LastEvaluatedKey;
  } while (ExclusiveStartKey);
  return found;
}

async function hasEnded(stack, connection) {
  const { accessKeyId, secretAccessKey } = stack;
  const client = new AwsClient({
    accessKeyId,
    secretAccessKey,
    service: "execute-api",
    region: "us-east-1",
    retries: 0,
  });
  const { status } = await client.fetch(
    `${stack.management}/@connections/${encodeURIComponent(connection)}`,
  );
  if (status !== 200 && status !== 410) throw new Error(`@connections answered ${status}`);
  return status === 410;
}
