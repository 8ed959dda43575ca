/** S3 through boto3, whose model decides how responses and errors are read, and the AWS CLI. */
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { Program, ROOT, run } from "./recipes.js";

const PORTS = ["http", "ws", "lambda", "dynamodb"].map((service) => `--${service}-port=0`);

test("boto3 and the AWS CLI store, read, list and delete objects", async () => {
  const folder = await mkdtemp(join(tmpdir(), "objects-"));
  const ready = join(folder, "ready.json");
  const target = process.env.CARGO_TARGET_DIR ?? join(ROOT, "target");
  const options = ["--template", "e2e/tools/objects.yaml", "--ready-file", ready, ...PORTS];
  const harness = new Program(join(target, "debug", "harness"), options);
  try {
    await harness.says(/Ready after/);
    const stack = JSON.parse(await readFile(ready, "utf8"));
    const environment = {
      AWS_ENDPOINT_URL_S3: stack.s3,
      AWS_ACCESS_KEY_ID: stack.accessKeyId,
      AWS_SECRET_ACCESS_KEY: stack.secretAccessKey,
      AWS_DEFAULT_REGION: "us-east-1",
    };
    const output = await run("python", ["e2e/tools/objects.py"], environment);
    assert.deepEqual(JSON.parse(output), [
      ["put", '"a4aaf8062678c67a5b5cbe1da2b2a044"'],
      ["put once", "PreconditionFailed"],
      ["put with a checksum", "oknofh5hE9qBzdihVMIiKD+8zv9t03J6Y7+X7uVi37M="],
      ["put with another one", "BadDigest"],
      ["get", ["a photograph", "text/plain", { by: "ada" }]],
      ["get a part", "photo"],
      ["get nothing new", "304"],
      ["head", 12],
      ["head of nothing", "404"],
      ["get nothing", "NoSuchKey"],
      ["another bucket", "NoSuchBucket"],
      ["head of the bucket", "us-east-1"],
      ["buckets", ["confab-files"]],
      ["presigned put", ""],
      ["presigned put of another type", 403],
      ["presigned get", "a photograph"],
      ["list", ["presigned", "sum", "ä/b c+d&e.txt"]],
      ["delete", 3],
      ["delete one", "deleted"],
      ["list again", 0],
      ["a copy", "NotImplemented"],
    ]);

    const file = join(folder, "large");
    const copy = join(folder, "copy");
    const bytes = Buffer.alloc(7_000_000, "photograph");
    await writeFile(file, bytes);
    const aws = (...args) => run("aws", ["s3", ...args], environment);
    await aws("cp", file, "s3://confab-files/a/large", "--no-progress");
    assert.match(await aws("ls", "s3://confab-files/"), /PRE a\//);
    assert.match(await aws("ls", "s3://confab-files/a/"), / 7000000 large$/m);
    await aws("cp", "s3://confab-files/a/large", copy, "--no-progress");
    assert.deepEqual(await readFile(copy), bytes);
    await aws("rm", "s3://confab-files/", "--recursive");
    await assert.rejects(aws("ls", "s3://confab-files/a/"));
  } finally {
    await harness.stop();
    await rm(folder, { recursive: true });
  }
});
