/** Section 6.6: event source mappings of a stream and of a queue. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";

import { answer, fact, keys } from "./fact.js";
import { call, open, target } from "./target.js";

const NUMBER = /^[0-9]{10,}$/;

const report = (to, as) => ({ report: { to: to.id, as } });

/** Writes an item with a script for the function that reads the stream. */
function put(pk, script) {
  const Item = { pk: { S: pk }, script: { S: JSON.stringify(script) } };
  return call("dynamodb", "PutItem", { TableName: `${target.stack}-records`, Item });
}

async function queue(name) {
  const answer = await call("sqs", "GetQueueUrl", { QueueName: `${target.stack}-${name}` });
  return answer.QueueUrl;
}

/** Receives from the dead-letter queue until a message is the wanted one. */
async function dead(isWanted) {
  const QueueUrl = await queue("dead");
  for (;;) {
    const { Messages = [] } = await call("sqs", "ReceiveMessage", {
      QueueUrl,
      WaitTimeSeconds: 20,
      // Other facts look for other messages.
      VisibilityTimeout: 1,
      MaxNumberOfMessages: 10,
    });
    for (const { Body, ReceiptHandle } of Messages)
      if (isWanted(Body)) {
        await call("sqs", "DeleteMessage", { QueueUrl, ReceiptHandle });
        return Body;
      }
  }
}

export function sourceFacts() {
  fact("6.6 [D]", "stream: a record has the documented members", async () => {
    const observer = await open();
    const pk = `seen-${randomUUID()}`;
    const next = async () => {
      const { event } = await observer.json();
      assert.deepEqual(keys(event), ["Records"]);
      assert.equal(event.Records.length, 1);
      return event.Records[0];
    };
    await put(pk, [report(observer, "first")]);
    const inserted = await next();
    assert.deepEqual(keys(inserted), [
      "awsRegion",
      "dynamodb",
      "eventID",
      "eventName",
      "eventSource",
      "eventSourceARN",
      "eventVersion",
    ]);
    assert.deepEqual([inserted.eventName, inserted.eventSource], ["INSERT", "aws:dynamodb"]);
    assert.match(
      inserted.eventSourceARN,
      /^arn:[^:]+:dynamodb:[^:]+:[0-9]{12}:table\/.*\/stream\//,
    );
    const members = [
      "ApproximateCreationDateTime",
      "Keys",
      "NewImage",
      "SequenceNumber",
      "SizeBytes",
      "StreamViewType",
    ];
    assert.deepEqual(keys(inserted.dynamodb), members);
    assert.deepEqual(inserted.dynamodb.Keys, { pk: { S: pk } });
    assert.equal(inserted.dynamodb.NewImage.pk.S, pk);
    assert.match(inserted.dynamodb.SequenceNumber, NUMBER);
    assert.equal(typeof inserted.dynamodb.ApproximateCreationDateTime, "number");
    assert.equal(typeof inserted.dynamodb.SizeBytes, "number");

    await put(pk, [report(observer, "second")]);
    const modified = await next();
    assert.equal(modified.eventName, "MODIFY");
    assert.deepEqual(keys(modified.dynamodb), [...members, "OldImage"].sort());

    const Key = { pk: { S: pk } };
    await call("dynamodb", "DeleteItem", { TableName: `${target.stack}-records`, Key });
    const removed = await next();
    assert.equal(removed.eventName, "REMOVE");
    assert.equal(removed.dynamodb.NewImage, undefined);
    assert.equal(removed.dynamodb.OldImage.pk.S, pk);
    observer.cut();
  });

  fact("6.6 [D]", "stream: records that no filter matches are dropped", async () => {
    const observer = await open();
    await put(`unseen-${randomUUID()}`, [report(observer, "unseen")]);
    await put(`seen-${randomUUID()}`, [report(observer, "seen")]);
    assert.equal((await observer.json()).as, "seen");
    observer.cut();
  });

  fact(
    "6.6 [D]",
    "stream: a failed record is repeated, and the queue is told where it is",
    async () => {
      const observer = await open();
      const failed = answer({ batchItemFailures: [{ itemIdentifier: "$sequence" }] });
      await put(`seen-${randomUUID()}`, [report(observer, "tried"), ...failed]);
      const { event } = await observer.json();
      const { dynamodb, eventSourceARN } = event.Records[0];
      // The only retry.
      assert.deepEqual((await observer.json()).event, event);
      const told = JSON.parse(await dead((body) => body.includes(`"${dynamodb.SequenceNumber}"`)));
      assert.equal(told.version, "1.0");
      assert.equal(told.requestContext.condition, "RetryAttemptsExhausted");
      assert.equal(told.requestContext.approximateInvokeCount, 2);
      assert.match(told.requestContext.functionArn, /^arn:[^:]+:lambda:/);
      assert.deepEqual(keys(told.DDBStreamBatchInfo), [
        "approximateArrivalOfFirstRecord",
        "approximateArrivalOfLastRecord",
        "batchSize",
        "endSequenceNumber",
        "shardId",
        "startSequenceNumber",
        "streamArn",
      ]);
      assert.equal(told.DDBStreamBatchInfo.batchSize, 1);
      assert.equal(told.DDBStreamBatchInfo.streamArn, eventSourceARN);
      observer.cut();
    },
  );

  fact("6.6 [D]", "queue: a record has the documented members", async () => {
    const observer = await open();
    const MessageBody = JSON.stringify({ script: [report(observer, "job")] });
    const MessageAttributes = { kind: { DataType: "String", StringValue: "greeting" } };
    const message = { QueueUrl: await queue("jobs"), MessageBody, MessageAttributes };
    const { MessageId } = await call("sqs", "SendMessage", message);
    const { event } = await observer.json();
    assert.deepEqual(keys(event), ["Records"]);
    const [record] = event.Records;
    assert.deepEqual(keys(record), [
      "attributes",
      "awsRegion",
      "body",
      "eventSource",
      "eventSourceARN",
      "md5OfBody",
      "messageAttributes",
      "messageId",
      "receiptHandle",
    ]);
    assert.deepEqual(
      [record.messageId, record.body, record.eventSource],
      [MessageId, MessageBody, "aws:sqs"],
    );
    for (const name of [
      "ApproximateFirstReceiveTimestamp",
      "ApproximateReceiveCount",
      "SenderId",
      "SentTimestamp",
    ])
      assert.equal(typeof record.attributes[name], "string", name);
    assert.deepEqual(record.messageAttributes, {
      kind: {
        stringValue: "greeting",
        stringListValues: [],
        binaryListValues: [],
        dataType: "String",
      },
    });
    observer.cut();
  });

  fact("6.6 [D]", "queue: a message that fails too often moves", async () => {
    const observer = await open();
    const script = [report(observer, "tried"), { fail: "on purpose" }];
    const MessageBody = JSON.stringify({ script, id: randomUUID() });
    await call("sqs", "SendMessage", { QueueUrl: await queue("jobs"), MessageBody });
    assert.equal((await observer.json()).as, "tried");
    assert.equal(await dead((body) => body === MessageBody), MessageBody);
    observer.cut();
  });
}
