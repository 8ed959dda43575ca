import assert from "node:assert/strict";
import { test } from "node:test";
import { piecesOf } from "../views/links.js";

/** @param {string} text */
const links = (text) => piecesOf(text).flatMap(({ href }) => href ?? []);

test("web addresses become links, without the punctuation after them", () => {
  assert.deepEqual(piecesOf("See https://example.org/a?b=c#d, or (http://example.org/x_(y))!"), [
    { text: "See ", href: null },
    { text: "https://example.org/a?b=c#d", href: "https://example.org/a?b=c#d" },
    { text: ", or (", href: null },
    { text: "http://example.org/x_(y)", href: "http://example.org/x_(y)" },
    { text: ")!", href: null },
  ]);
});

test("other text does not become a link", () => {
  for (const text of [
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:x",
    "file:///etc/passwd",
    "//example.org",
    "www.example.org",
    "https://",
    "xhttps://example.org",
    "https://bank.example@evil.example/",
    "",
  ])
    assert.deepEqual(links(text), [], text);
});

test("an address ends at marks that reverse text", () => {
  assert.deepEqual(links("https://example.org/\u202egpj.exe"), ["https://example.org/"]);
  assert.deepEqual(links("\u2067https://example.org/a\u2069"), ["https://example.org/a"]);
});

test("markup ends an address, and the pieces add up to the text", () => {
  for (const text of [
    'https://example.org/"onmouseover="alert(1)',
    "https://example.org/<img src=x onerror=alert(1)>",
    "a https://example.org\nb",
  ]) {
    assert.equal(links(text).length, 1);
    assert.match(String(links(text)[0]), /^https:\/\/example\.org\/$/);
    assert.equal(
      piecesOf(text)
        .map((piece) => piece.text)
        .join(""),
      text,
    );
  }
});
