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
    "www.",
    "www.example",
    "evil.www.example.org",
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

test("addresses without a scheme become links if they begin with www.", () => {
  assert.deepEqual(piecesOf("See www.example.org/a."), [
    { text: "See ", href: null },
    { text: "www.example.org/a", href: "https://www.example.org/a" },
    { text: ".", href: null },
  ]);
});

test("Chinese and Japanese punctuation ends an address, and letters may precede it", () => {
  for (const [text, expected] of /** @type {[string, string][]} */ ([
    ["\u8bf7\u770bhttps://example.org/docs\uff0c\u8c22\u8c22", "https://example.org/docs"],
    ["\u898b\u3066 https://example.org/foo\u3002\u6b21", "https://example.org/foo"],
    ["\u5168\u89d2\uff08https://example.org/baz\uff09\u3067\u3059", "https://example.org/baz"],
    ["https://example.org/a\uff01\u771f\u7684\uff1f", "https://example.org/a"],
    ["https://example.org\uff1a\u89c1", "https://example.org/"],
    ["\u300chttps://example.org\u300d", "https://example.org/"],
    ["https://example.org/\u5b89 ok", "https://example.org/%E5%AE%89"],
  ]))
    assert.deepEqual(links(text), [expected], text);
  const two = "\u770bhttps://a.example\uff0chttps://b.example\u3002";
  assert.deepEqual(links(two), ["https://a.example/", "https://b.example/"]);
});

test("an address that leads elsewhere than it seems stays text", () => {
  for (const text of [
    // These look like slashes, but belong to the host.
    "https://bank.example\u2215login.evil.example/",
    "https://bank.example\u29f8login.evil.example/",
    "https://bank.example\u2044login.evil.example/",
    // Scripts mixed in one label.
    "https://\u0430pple.example/",
    "https://exampl\u0435.example/",
    "https://\u03bfpen.example/",
    // Invisible characters.
    "https://exam\u200bple.example/",
    "https://exam\u00adple.example/",
    "https://exam\u202eple.example/",
    "https://example\u2060.example/",
    // Numbers and letters that the browser rewrites.
    "https://0x7f.1/",
    "http://2130706433/",
    "http://017700000001/",
    "https://\uff42ank.example/",
    "https://ex%61mple.example/",
    "https:///example.example/x",
    // A user name that looks like a host.
    `https://${"bank".repeat(20)}@evil.example/`,
    "https://bank.example\\@evil.example/",
  ])
    assert.deepEqual(links(text), [], JSON.stringify(text));
});

test("a host with letters outside ASCII is shown in ASCII beside the link", () => {
  for (const [text, href, host] of /** @type {[string, string, string][]} */ ([
    [
      "https://m\u00fcnchen.example/x",
      "https://xn--mnchen-3ya.example/x",
      "xn--mnchen-3ya.example",
    ],
    ["https://\u4f8b\u3048.example", "https://xn--r8jz45g.example/", "xn--r8jz45g.example"],
    // All letters are Cyrillic.
    [
      "https://\u0430\u0440\u0440\u04cf\u0435.example",
      "https://xn--80ak6aa92e.example/",
      "xn--80ak6aa92e.example",
    ],
  ]))
    assert.deepEqual(piecesOf(text), [{ text, href, host }]);
  for (const text of ["http://192.168.0.1:80/a", "HTTPS://EXAMPLE.ORG", "https://[::1]:3000/"])
    assert.deepEqual(
      piecesOf(text).map(({ host }) => host),
      [undefined],
      text,
    );
});

test("an address that is too long stays text, and the next one is found", () => {
  const long = `https://example.org/${"a".repeat(4_096)}`;
  assert.deepEqual(links(`${long} https://example.org/b`), ["https://example.org/b"]);
});
