import assert from "node:assert/strict";
import { test } from "node:test";
import { cleanBody, encodedBytes, parseFrame, parseProblem } from "../client/protocol.js";

test("frames of other protocols and incomplete frames are ignored", () => {
  const texts = [
    "",
    "no json",
    "[]",
    "null",
    "7",
    new ArrayBuffer(2),
    undefined,
    '{"message":"Internal server error","connectionId":"c","requestId":"r"}',
    '{"event":7}',
    '{"event":"sent","conversation":"c","id":"i"}',
    '{"event":"sent","conversation":"c","id":"i","seq":0}',
    '{"event":"subscribed","conversation":"c","head":-1,"events":[]}',
    '{"event":"subscribed","conversation":"c","head":1.5,"events":[]}',
    '{"event":"message","conversation":"c","seq":"4"}',
    '{"event":"reactionAdded","conversation":"c"}',
    '{"event":"added","title":"t"}',
  ];
  for (const text of texts) assert.equal(parseFrame(text), null, String(text));
});

test("an unknown kind of entry keeps its place in the log", () => {
  assert.deepEqual(parseFrame('{"event":"reactionAdded","conversation":"c","seq":4,"emoji":"x"}'), {
    event: "entry",
    entry: { event: "reactionAdded", conversation: "c", seq: 4 },
  });
});

test("a pong keeps only heads that are positions", () => {
  const frame = parseFrame('{"event":"pong","ref":"1","heads":{"c":4,"d":-1,"e":"5","f":0.5}}');
  assert.deepEqual(frame, { event: "pong", ref: "1", heads: new Map([["c", 4]]) });
});

test("unknown advice is read as `never`", () => {
  assert.equal(parseProblem({ code: "x", message: "y", retry: "sometimes" }).retry, "never");
  assert.equal(
    parseProblem({ code: "x", message: "y", retry: "later", retryAfterMs: 20 }).retryAfterMs,
    20,
  );
});

test("a body is counted as JSON encodes it, in UTF-8", () => {
  for (const [text, bytes] of /** @type {[string, number][]} */ ([
    ["abc", 3],
    ["é", 2],
    ["🙂", 4],
    ["\n", 2],
    ['"', 2],
  ])) {
    assert.equal(encodedBytes(text), bytes, text);
  }
});

test("invisible characters that the server refuses are removed from a body", () => {
  for (const [typed, sent] of [
    ["  hi \r\nthere\r ", "  hi \nthere"],
    ["\tif x:\n\t\ty()\n", "\tif x:\n\t\ty()"],
    ["\u3000indented", "\u3000indented"],
    ["\n \t\n\r\n    first\n\n  last  \n", "    first\n\n  last"],
    ["a\u0000b\u001bc\u0085d\te", "abcd\te"],
    ["half \ud83d", "half \ufffd"],
    ["\n \t", ""],
  ]) {
    assert.equal(cleanBody(String(typed)), sent);
  }
});

test("a message that shows nothing is empty", () => {
  for (const nothing of [
    "\u200b",
    "\u3164",
    "\u2800",
    "\u00ad",
    "\u2060\ufe0f \n\u2800",
    "\u{e0020}",
  ])
    assert.equal(cleanBody(nothing), "", JSON.stringify(nothing));
  for (const something of ["\u200b.", "\u{1f469}\u200d\u{1f467}", "\u0301"])
    assert.equal(cleanBody(something), something, JSON.stringify(something));
});
