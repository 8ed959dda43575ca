"""Calls the management API through boto3 and prints the responses and exceptions.

Prints one JSON list of `[call, outcome]`. An outcome is the status, the keys of a description, or
the name of an exception with its status and message.

Environment: MANAGEMENT, CONNECTION (an open connection, which is deleted at the end) and boto3's
own AWS_* variables.
"""

import json
import os

import boto3
from botocore.config import Config

UNKNOWN = "BFHPhfCWIAMCKlQ="
LONGEST = 128 * 1024

client = boto3.client(
    "apigatewaymanagementapi",
    endpoint_url=os.environ["MANAGEMENT"],
    # No retries: the test checks the first response.
    config=Config(retries={"total_max_attempts": 1}),
)


def status(answer):
    return answer["ResponseMetadata"]["HTTPStatusCode"]


def post(connection, data):
    return status(client.post_to_connection(ConnectionId=connection, Data=data))


def get(connection):
    answer = client.get_connection(ConnectionId=connection)
    times = [answer[name].utcoffset() is not None for name in ("ConnectedAt", "LastActiveAt")]
    return [status(answer), sorted(answer["Identity"]), times]


def delete(connection):
    return status(client.delete_connection(ConnectionId=connection))


def outcome(call, *arguments):
    known = client.exceptions
    try:
        return call(*arguments)
    except (known.GoneException, known.PayloadTooLargeException, known.ForbiddenException) as error:
        return [type(error).__name__, status(error.response)]
    except known.ClientError as error:
        return [error.response["Error"]["Code"], error.response["Error"]["Message"], status(error.response)]


own = os.environ["CONNECTION"]
calls = [
    ("post", post, own, b'{"event":"fromPython"}'),
    ("post the longest", post, own, b"x" * LONGEST),
    ("post more", post, own, b"x" * (LONGEST + 1)),
    ("get", get, own),
    ("post to an unknown connection", post, UNKNOWN, b"x"),
    ("get an unknown connection", get, UNKNOWN),
    ("delete an unknown connection", delete, UNKNOWN),
    ("post to nonsense", post, "nonsense", b"x"),
    ("delete", delete, own),
    ("post again", post, own, b"x"),
    ("delete again", delete, own),
]
print(json.dumps([[name, outcome(call, *arguments)] for name, call, *arguments in calls]))
