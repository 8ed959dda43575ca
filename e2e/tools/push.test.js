/** The push service of the harness, sent to by npm's web-push, which knows real services. */
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import webpush from "web-push";

import { Program, ROOT } from "./recipes.js";

const PORTS = ["http", "ws", "lambda", "dynamodb"].map((service) => `--${service}-port=0`);

test("messages of web-push are accepted and decrypted, and only with the key of the subscription", async () => {
  const folder = await mkdtemp(join(tmpdir(), "push-"));
  const ready = join(folder, "ready.json");
  const target = process.env.CARGO_TARGET_DIR ?? join(ROOT, "target");
  const options = ["--template", "e2e/tools/queues.yaml", "--ready-file", ready, ...PORTS];
  const harness = new Program(join(target, "debug", "harness"), options);
  try {
    await harness.says(/Ready after/);
    const { http } = JSON.parse(await readFile(ready, "utf8"));
    const own = webpush.generateVAPIDKeys();
    const made = await fetch(`${http}/.local/push/subscriptions`, {
      method: "POST",
      body: JSON.stringify({ applicationServerKey: own.publicKey }),
    });
    assert.equal(made.status, 201);
    const subscription = await made.json();
    const send = async (content, keys = own) => {
      const vapidDetails = { subject: "mailto:ops@chat.example", ...keys };
      const request = webpush.generateRequestDetails(subscription, content, {
        TTL: 3600,
        topic: "chat",
        urgency: "high",
        contentEncoding: "aes128gcm",
        vapidDetails,
      });
      const { endpoint, method, headers, body } = request;
      delete headers["Content-Length"];
      return (await fetch(endpoint, { method, headers, body })).status;
    };
    assert.equal(await send("older"), 201);
    assert.equal(await send(JSON.stringify({ title: "Grüße 👋", unread: 5 })), 201);
    assert.equal(await send("foreign", webpush.generateVAPIDKeys()), 403);
    const shown = await fetch(`${http}/.local/push/subscriptions/${subscription.id}?accepted=2`);
    const [message, ...others] = (await shown.json()).messages;
    assert.deepEqual(others, []);
    assert.deepEqual(message.json, { title: "Grüße 👋", unread: 5 });
    const { ttl, topic, urgency, subject, error } = message;
    assert.deepEqual(
      { ttl, topic, urgency, subject, error },
      {
        ttl: 3600,
        topic: "chat",
        urgency: "high",
        subject: "mailto:ops@chat.example",
        error: null,
      },
    );
  } finally {
    await harness.stop();
    await rm(folder, { recursive: true });
  }
});
