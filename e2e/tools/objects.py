"""Calls S3 through boto3 and prints the responses and exceptions.

Prints one JSON list of `[call, outcome]`. An outcome is a part of the response, or the code of an
exception. boto3 checks the checksums of responses.

Environment: boto3's own AWS_* variables. There is an empty bucket `confab-files`.
"""

import base64
import hashlib
import json
import urllib.error
import urllib.request

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

# By itself, boto3 still signs URLs for us-east-1 with version 2, which S3 refuses for new buckets.
client = boto3.client("s3", config=Config(signature_version="s3v4"))
BUCKET = "confab-files"
KEY = "ä/b c+d&e.txt"
BODY = b"a photograph"
OTHER = base64.b64encode(hashlib.sha256(b"another").digest()).decode()
SHA256 = base64.b64encode(hashlib.sha256(BODY).digest()).decode()
outcomes = []


def attempt(name, call):
    try:
        outcome = call()
    except ClientError as error:
        outcome = error.response["Error"]["Code"]
    except urllib.error.HTTPError as error:
        outcome = error.code
    outcomes.append([name, outcome])


def put(key=KEY, **more):
    return client.put_object(Bucket=BUCKET, Key=key, Body=BODY, **more)


def get(**more):
    response = client.get_object(Bucket=BUCKET, Key=KEY, **more)
    return [response["Body"].read().decode(), response["ContentType"], response["Metadata"]]


def presigned(operation, **parameters):
    parameters = {"Bucket": BUCKET, "Key": "presigned", **parameters}
    return client.generate_presigned_url(operation, Params=parameters, ExpiresIn=60)


def send(url, body=None, **headers):
    request = urllib.request.Request(url, body, method="PUT" if body else "GET")
    for name, value in headers.items():
        request.add_header(name.replace("_", "-"), value)
    with urllib.request.urlopen(request) as response:
        return response.read().decode()


metadata = {"by": "ada"}
attempt("put", lambda: put(ContentType="text/plain", Metadata=metadata)["ETag"])
attempt("put once", lambda: put(IfNoneMatch="*"))
attempt("put with a checksum", lambda: put("sum", ChecksumSHA256=SHA256)["ChecksumSHA256"])
attempt("put with another one", lambda: put("sum", ChecksumSHA256=OTHER))
attempt("get", get)
attempt("get a part", lambda: get(Range="bytes=2-6")[0])
attempt("get nothing new", lambda: get(IfNoneMatch=hashlib.md5(BODY).hexdigest()))
attempt("head", lambda: client.head_object(Bucket=BUCKET, Key=KEY)["ContentLength"])
attempt("head of nothing", lambda: client.head_object(Bucket=BUCKET, Key="nothing"))
attempt("get nothing", lambda: client.get_object(Bucket=BUCKET, Key="nothing"))
attempt("another bucket", lambda: client.get_object(Bucket="nobodys", Key="nothing"))
attempt("head of the bucket", lambda: client.head_bucket(Bucket=BUCKET)["BucketRegion"])
attempt("buckets", lambda: [it["Name"] for it in client.list_buckets()["Buckets"]])
url = presigned("put_object", ContentType="text/plain")
attempt("presigned put", lambda: send(url, BODY, content_type="text/plain"))
attempt("presigned put of another type", lambda: send(url, BODY, content_type="text/html"))
attempt("presigned get", lambda: send(presigned("get_object")))
pages = client.get_paginator("list_objects_v2").paginate(
    Bucket=BUCKET, PaginationConfig={"PageSize": 1}
)
attempt("list", lambda: [it["Key"] for page in pages for it in page["Contents"]])
keys = [{"Key": key} for key in [KEY, "presigned", "nothing"]]
attempt(
    "delete",
    lambda: len(client.delete_objects(Bucket=BUCKET, Delete={"Objects": keys})["Deleted"]),
)
attempt("delete one", lambda: client.delete_object(Bucket=BUCKET, Key="sum") and "deleted")
attempt("list again", lambda: client.list_objects_v2(Bucket=BUCKET)["KeyCount"])
attempt("a copy", lambda: client.copy_object(Bucket=BUCKET, Key="copy", CopySource="a/b"))
print(json.dumps(outcomes))
