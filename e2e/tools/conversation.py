"""A small chat client on Python's `websockets`, which also reads the table through boto3.

Sends each line of standard input as a frame and prints each received frame as a line. At the end of
the input it closes the socket and prints the conversation's entries from the table as one JSON
list.

Environment: URL, TOKEN, CONVERSATION, DYNAMODB and boto3's own AWS_* variables.
"""

import json
import os
import sys
import threading

import boto3
from boto3.dynamodb.conditions import Key
from websockets.sync.client import connect


def talk():
    headers = {"Authorization": f"Bearer {os.environ['TOKEN']}"}
    with connect(os.environ["URL"], additional_headers=headers, subprotocols=["confab.v1"]) as socket:
        listening = threading.Thread(target=print_frames, args=[socket])
        listening.start()
        for line in sys.stdin:
            socket.send(line.rstrip("\n"))
    listening.join()


def print_frames(socket):
    for frame in socket:
        print(frame, flush=True)


def stored():
    table = boto3.resource("dynamodb", endpoint_url=os.environ["DYNAMODB"]).Table("ChatTable")
    of_conversation = Key("pk").eq(f"conversation#{os.environ['CONVERSATION']}")
    entries = table.query(KeyConditionExpression=of_conversation & Key("sk").begins_with("event#"))["Items"]
    return [[int(entry["sk"].removeprefix("event#")), entry["body"]] for entry in entries]


if __name__ == "__main__":
    talk()
    print(json.dumps(stored()))
