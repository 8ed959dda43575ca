/** SQS through boto3, whose model decides how responses and errors are read. */
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { Program, ROOT, run } from "./recipes.js";

const PORTS = ["http", "ws", "lambda", "dynamodb"].map((service) => `--${service}-port=0`);

test("boto3 sends, receives, moves and deletes messages, and raises its own exceptions", async () => {
  const folder = await mkdtemp(join(tmpdir(), "queues-"));
  const ready = join(folder, "ready.json");
  const target = process.env.CARGO_TARGET_DIR ?? join(ROOT, "target");
  const options = ["--template", "e2e/tools/queues.yaml", "--ready-file", ready, ...PORTS];
  const harness = new Program(join(target, "debug", "harness"), options);
  try {
    await harness.says(/Ready after/);
    const stack = JSON.parse(await readFile(ready, "utf8"));
    const output = await run("python", ["e2e/tools/queues.py"], {
      AWS_ENDPOINT_URL_SQS: stack.sqs,
      AWS_ACCESS_KEY_ID: stack.accessKeyId,
      AWS_SECRET_ACCESS_KEY: stack.secretAccessKey,
      AWS_DEFAULT_REGION: "us-east-1",
    });
    assert.deepEqual(JSON.parse(output), [
      ["send", "5d41402abc4b2a76b9719d911017c592"],
      ["receive", ["hello", ["greeting", [0, 1]], { ApproximateReceiveCount: "1" }]],
      ["change the visibility", 200],
      ["change it again", ["MessageNotInflight", "AWS.SimpleQueueService.MessageNotInflight"]],
      ["receive again", []],
      ["receive the moved message", ["hello"]],
      ["delete it", [{ Id: "one" }]],
      ["count", { ApproximateNumberOfMessages: "0" }],
      ["an unknown queue", ["QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"]],
      ["an invalid receipt", ["ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid"]],
      ["an empty batch", ["EmptyBatchRequest", "AWS.SimpleQueueService.EmptyBatchRequest"]],
      ["purge", 200],
    ]);
  } finally {
    await harness.stop();
    await rm(folder, { recursive: true });
  }
});
