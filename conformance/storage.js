/** Section 9: S3, through presigned URLs. */
import assert from "node:assert/strict";
import { createHash, randomUUID } from "node:crypto";

import { fact } from "./fact.js";
import { target } from "./target.js";

const PAGE = "https://page.example.com";
const BODY = "a photograph";

let found;

/** Returns the URL of an object in the suite's bucket, whose name ends with the account's id. */
async function object(key) {
  found ??= (async () => {
    const answer = await target.aws.fetch(target.s3, { aws: { service: "s3" } });
    const names = [...(await answer.text()).matchAll(/<Name>([^<]+)<\/Name>/g)];
    return names.map(([, name]) => name).find((name) => name.startsWith(`${target.stack}-files-`));
  })();
  return `${target.s3}/${await found}/${key}`;
}

/** Presigns a call, which then needs exactly these headers. */
async function presign(method, url, headers = {}, seconds = 300) {
  const signed = new URL(url);
  signed.searchParams.set("X-Amz-Expires", String(seconds));
  const aws = { service: "s3", signQuery: true, allHeaders: true };
  return (await target.aws.sign(signed, { method, headers, aws })).url;
}

const sha256 = (text) => createHash("sha256").update(text).digest("base64");

/** The headers of an upload of the body. */
const uploadHeaders = () => ({
  "content-length": String(BODY.length),
  "content-type": "image/png",
  "content-disposition": 'attachment; filename="lake.png"',
  "cache-control": "private, max-age=60",
  "x-amz-checksum-sha256": sha256(BODY),
  "if-none-match": "*",
});

/** Sends a call. Returns the status, and the code of an error. */
async function send(method, url, headers, body) {
  const { "content-length": _, ...others } = headers;
  const answer = await fetch(url, { method, headers: others, body });
  const text = await answer.text();
  return { answer, text, status: answer.status, code: /<Code>(\w+)/.exec(text)?.[1] };
}

async function outcome(...call) {
  const { status, code } = await send(...call);
  return [status, code];
}

export function storageFacts() {
  fact(
    "9 [U]",
    "a presigned upload with a checksum is stored, once, with its headers",
    async () => {
      const url = await object(`once/${randomUUID()}`);
      const headers = uploadHeaders();
      const put = await presign("PUT", url, headers);
      assert.deepEqual(await outcome("PUT", put, headers, BODY), [200, undefined]);
      assert.deepEqual(await outcome("PUT", put, headers, BODY), [412, "PreconditionFailed"]);
      const { answer, text } = await send("GET", await presign("GET", url), {});
      assert.equal(text, BODY);
      for (const name of ["content-length", "content-type", "content-disposition", "cache-control"])
        assert.equal(answer.headers.get(name), headers[name], name);
      assert.equal(answer.headers.get("accept-ranges"), "bytes");
      assert.match(answer.headers.get("etag"), /^"[0-9a-f]{32}"$/);
      assert.deepEqual(await outcome("DELETE", await presign("DELETE", url), {}), [204, undefined]);
      assert.deepEqual(await outcome("DELETE", await presign("DELETE", url), {}), [204, undefined]);
      const gone = await outcome("GET", await presign("GET", url), {});
      assert.deepEqual(gone, [404, "NoSuchKey"]);
    },
  );

  fact("9 [D]", "a presigned upload needs the signed headers, size and bytes", async () => {
    const url = await object(`exact/${randomUUID()}`);
    const headers = uploadHeaders();
    const put = await presign("PUT", url, headers);
    const mismatch = [403, "SignatureDoesNotMatch"];
    for (const name of ["content-type", "content-disposition", "cache-control", "if-none-match"]) {
      const changed = { ...headers, [name]: "x" };
      assert.deepEqual(await outcome("PUT", put, changed, BODY), mismatch, name);
    }
    assert.deepEqual(await outcome("PUT", put, headers, `${BODY}s`), mismatch);
    const other = BODY.replace("a", "A");
    assert.deepEqual(await outcome("PUT", put, headers, other), [400, "BadDigest"]);
    const unsigned = { ...headers, "x-amz-meta-a": "b" };
    assert.deepEqual(await outcome("PUT", put, unsigned, BODY), [403, "AccessDenied"]);
    assert.equal((await send("GET", await presign("GET", url), {})).status, 404);
  });

  fact("9 [D]", "a URL without a signature, and one that has expired, is denied", async () => {
    const url = await object(`denied/${randomUUID()}`);
    assert.deepEqual(await outcome("GET", url, {}), [403, "AccessDenied"]);
    const { status, text } = await send("GET", await presign("GET", url, {}, 0), {});
    // It is valid until the end of its second.
    if (status !== 404) {
      assert.equal(status, 403);
      assert.match(text, /Request has expired/);
    }
  });

  fact("9 [D]", "a range is answered by 206 or 416", async () => {
    const url = await object(`range/${randomUUID()}`);
    assert.deepEqual(await outcome("PUT", await presign("PUT", url), {}, BODY), [200, undefined]);
    const get = await presign("GET", url);
    const { answer, text } = await send("GET", get, { range: "bytes=2-6" });
    assert.deepEqual([answer.status, text], [206, "photo"]);
    assert.equal(answer.headers.get("content-range"), `bytes 2-6/${BODY.length}`);
    assert.deepEqual(await outcome("GET", get, { range: "bytes=99-" }), [416, "InvalidRange"]);
    await send("DELETE", await presign("DELETE", url), {});
  });

  fact("9 [D]", "preflights are answered by the rules of the bucket", async () => {
    const url = await object("preflight");
    const preflight = (origin, method, headers) =>
      send("OPTIONS", url, {
        origin,
        "access-control-request-method": method,
        "access-control-request-headers": headers,
      });
    const { answer } = await preflight(PAGE, "PUT", "content-type,x-amz-checksum-sha256");
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get("access-control-allow-origin"), PAGE);
    assert.match(answer.headers.get("access-control-allow-methods"), /PUT/);
    assert.match(answer.headers.get("access-control-allow-headers"), /x-amz-checksum-sha256/);
    for (const refused of [
      ["https://other.example.com", "PUT", "content-type"],
      [PAGE, "DELETE", "content-type"],
      [PAGE, "PUT", "x-other"],
    ]) {
      const { status, code } = await preflight(...refused);
      assert.deepEqual([status, code], [403, "AccessForbidden"], refused.join(" "));
    }
  });
}
