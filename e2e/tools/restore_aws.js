#!/usr/bin/env node
/**
 * Takes the place of the AWS CLI while the page about restoring is run. What a local DynamoDB can do
 * is done there by the real AWS CLI. Of everything else it checks the arguments (refusal.js); then
 * backups and restores are made of a snapshot.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { operation } from "../lib/table.js";
import { REFUSED } from "./refusal.js";

const BACKUP =
  "arn:aws:dynamodb:us-east-1:123456789012:table/confab-restored/backup/01489602797149-73d8d5bc";

const { REAL_AWS, CHAT_TABLE, REFUSING, SNAPSHOT, STACK } = process.env;
const args = process.argv.slice(2);
const stack = JSON.parse(STACK);

/** Runs the real AWS CLI. */
const real = () => execFileSync(REAL_AWS, args, { encoding: "utf8" });

/** Makes the real AWS CLI check its arguments. */
function check() {
  const env = { ...process.env, AWS_ENDPOINT_URL_DYNAMODB: REFUSING, AWS_ENDPOINT_URL: REFUSING };
  const { stderr } = spawnSync(REAL_AWS, args, { encoding: "utf8", env });
  if (!stderr.includes(REFUSED)) throw new Error(`aws ${args.join(" ")}: ${stderr}`);
  return "";
}

const option = (name) => args[args.indexOf(name) + 1];

/** Creates a table with the keys of the template and the rows of the snapshot. */
async function restore(name) {
  const { definition, rows } = JSON.parse(readFileSync(SNAPSHOT, "utf8"));
  await operation(stack, "CreateTable", { ...definition, TableName: name });
  for (const Item of rows) await operation(stack, "PutItem", { TableName: name, Item });
}

async function answer() {
  switch (args.slice(0, 2).join(" ")) {
    case "cloudformation describe-stacks":
      check();
      return CHAT_TABLE;
    case "apigatewayv2 get-apis":
      check();
      return "abc1234567";
    case "apigatewayv2 update-stage":
    case "dynamodb update-continuous-backups":
      return check();
    case "dynamodb update-table":
      // The settings exist only on AWS; a stream could be turned on here, too.
      return check();
    case "dynamodb create-backup":
      check();
      return BACKUP;
    case "dynamodb describe-backup":
      check();
      return "AVAILABLE";
    case "dynamodb restore-table-to-point-in-time":
    case "dynamodb restore-table-from-backup":
      check();
      await restore(option("--target-table-name"));
      return "";
    default:
      return real();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    process.stdout.write(await answer());
  } catch (error) {
    process.stderr.write(`${error.stderr ?? error.stack}\n`);
    process.exitCode = error.status ?? 1;
  }
}
