"""Calls SQS through boto3 and prints the responses and exceptions.

Prints one JSON list of `[call, outcome]`. An outcome is a part of the response, or the name of an
exception with its code.

Environment: boto3's own AWS_* variables. There is a queue `Jobs`, whose messages move to `Dead`
after one receive.
"""

import json

import boto3
from botocore.exceptions import ClientError

client = boto3.client("sqs")
jobs, dead = (client.get_queue_url(QueueName=name)["QueueUrl"] for name in ("Jobs", "Dead"))
outcomes = []


def attempt(name, call):
    try:
        outcome = call()
    except ClientError as error:
        outcome = [type(error).__name__, error.response["Error"]["Code"]]
    outcomes.append([name, outcome])


def receive(queue):
    wanted = {"MessageAttributeNames": ["All"], "AttributeNames": ["ApproximateReceiveCount"]}
    return client.receive_message(QueueUrl=queue, **wanted).get("Messages", [])


def attributes(message):
    kept = message["MessageAttributes"]
    return [kept["kind"]["StringValue"], list(kept["bytes"]["BinaryValue"])]


attempt(
    "send",
    lambda: client.send_message(
        QueueUrl=jobs,
        MessageBody="hello",
        MessageAttributes={
            "kind": {"DataType": "String", "StringValue": "greeting"},
            "bytes": {"DataType": "Binary", "BinaryValue": b"\x00\x01"},
        },
    )["MD5OfMessageBody"],
)
first = receive(jobs)[0]
attempt("receive", lambda: [first["Body"], attributes(first), first["Attributes"]])
handle = first["ReceiptHandle"]
visibility = {"QueueUrl": jobs, "ReceiptHandle": handle, "VisibilityTimeout": 0}
attempt(
    "change the visibility",
    lambda: client.change_message_visibility(**visibility)["ResponseMetadata"]["HTTPStatusCode"],
)
attempt("change it again", lambda: client.change_message_visibility(**visibility))
attempt("receive again", lambda: receive(jobs))
moved = receive(dead)
attempt("receive the moved message", lambda: [message["Body"] for message in moved])
entries = [{"Id": "one", "ReceiptHandle": moved[0]["ReceiptHandle"]}]
attempt(
    "delete it",
    lambda: client.delete_message_batch(QueueUrl=dead, Entries=entries)["Successful"],
)
attempt(
    "count",
    lambda: client.get_queue_attributes(
        QueueUrl=dead, AttributeNames=["ApproximateNumberOfMessages"]
    )["Attributes"],
)
attempt("an unknown queue", lambda: client.get_queue_url(QueueName="Nobody"))
attempt("an invalid receipt", lambda: client.delete_message(QueueUrl=jobs, ReceiptHandle="x"))
attempt("an empty batch", lambda: client.send_message_batch(QueueUrl=jobs, Entries=[]))
attempt("purge", lambda: client.purge_queue(QueueUrl=jobs)["ResponseMetadata"]["HTTPStatusCode"])
print(json.dumps(outcomes))
