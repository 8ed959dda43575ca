/**
 * Every permission of the template is needed, and a missing one is reported. For each permission
 * there is a stack without it, in which users do everything that is possible. When that stack
 * stops, it names the function, the action and the resource.
 */
import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";

import { invoke } from "../lib/functions.js";
import { Person } from "../lib/people.js";
import { Stack } from "../lib/stack.js";
import { addStaleConnection } from "../lib/table.js";
import { permissions, writeWithout } from "./template.js";

const DENIED = "access denied: ";
const POLL_INTERVAL_MS = 20;

/** Failures are expected here; the log says which permission was missing. */
const attempt = async (doing) => {
  try {
    return await doing();
  } catch {
    return undefined;
  }
};

/** Waits for a push. Without a permission it may never come; then a denial is in the log. */
async function arrivesOrIsDenied(stack, socket, name) {
  let hasArrived = false;
  const arrived = socket
    .next(({ event }) => event === name)
    .finally(() => {
      hasArrived = true;
    });
  const denied = async () => {
    while (!hasArrived && !stack.output().includes(DENIED)) await delay(POLL_INTERVAL_MS);
  };
  await Promise.race([arrived, denied()]);
}

/** Uses every route, as far as the permissions allow it. */
async function everything(stack) {
  const [ada, bob] = await Promise.all(["Ada", "Bob"].map((name) => Person.create(stack, name)));
  const conversation = randomUUID();
  const at = (rest = "") => `/conversations/${conversation}${rest}`;
  const message = () => ({ id: randomUUID(), body: "As far as permitted." });
  // A connection that ended half an hour ago without a disconnect. The next push to it removes its
  // rows.
  const addStale = () =>
    addStaleConnection(stack, conversation, ada, `${randomBytes(11).toString("base64url")}=`);

  await attempt(() => ada.post("/conversations", { id: conversation, participants: [bob.user] }));
  const sockets = await Promise.all([ada, bob].map((person) => attempt(() => person.connect())));
  // This stack allows one connection per user, so `$connect` refuses this one and deletes its row.
  await attempt(() => ada.connect());
  for (const socket of sockets) {
    for (const action of ["subscribe", "unsubscribe", "subscribe", "catchUp"]) {
      await attempt(() => socket.request(action, { conversation, after: 0 }));
    }
    await attempt(() => socket.request("subscribe", { conversations: [{ conversation }] }));
    await attempt(() => socket.request("ping", { positions: { [conversation]: 0 } }));
    await attempt(() => socket.request("ping", { presence: "active", watch: [conversation] }));
  }
  await addStale();
  await attempt(() => sockets[0].request("sendMessage", { conversation, ...message() }));
  await addStale();
  await attempt(() => sockets[0].request("editMessage", { conversation, target: 1, ...message() }));
  await attempt(() => sockets[0].request("subscribe", { conversation, after: 1 }));
  for (const on of [true, false])
    await attempt(() => sockets[0].request("react", { conversation, target: 1, emoji: "👍", on }));
  await attempt(() => ada.patch(at("/messages/1"), message()));
  await attempt(() => ada.delete(at(`/messages/1?id=${randomUUID()}`)));
  await addStale();
  // Frames without an answer: the next one is sent when they have been handled.
  await attempt(() => sockets[1].send({ action: "receipt", conversation, read: 1 }));
  await attempt(() => arrivesOrIsDenied(stack, sockets[0], "read"));
  await attempt(() => sockets[1].send({ action: "typing", conversation, after: 0 }));
  await attempt(() => arrivesOrIsDenied(stack, sockets[0], "typing"));
  await addStale();
  await attempt(() => ada.post(at("/messages"), message()));
  for (const path of ["/conversations", at(), at("/events?after=0"), at("/messages")])
    await attempt(() => ada.get(path));
  for (const method of ["delete", "put", "delete"])
    await attempt(() => ada[method](at(`/participants/${bob.user}`)));
  await attempt(() => ada.put(at(`/participants/${bob.user}`)));
  await attempt(() => ada.post(at("/removals"), { users: [bob.user] }));
  // A user who is no longer a participant loses the subscription.
  await attempt(() => sockets[1].request("subscribe", { conversation }));
  for (const action of ["export", "erase"])
    await attempt(() => invoke(stack, "user_data", { action, user: ada.user }));
  for (const socket of sockets) await attempt(() => socket.close());
}

/** Part of the log line that names a missing permission. */
const logged = ({ function: name, action }) => `function=${name} action=${action} `;
const lines = (output) => [...new Set(output.match(/access denied: .*/g) ?? [])];

const all = permissions();
let folder;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "confab-permissions-"));
});
after(() => rm(folder, { recursive: true }));

/**
 * Runs a stack on the template at `path`, uses every route, and returns its output and the error of
 * its end.
 */
async function runStack(path) {
  const stack = new Stack();
  await stack.start({
    template: path,
    dynamodb: "embedded",
    "parameter-overrides": "UserConnections=1",
  });
  await everything(stack);
  const end = await stack.stop().then(
    () => undefined,
    (error) => error,
  );
  return { output: stack.output(), end };
}

// A stack mostly waits: for its functions to start, and for what must not arrive.
describe("permissions", { concurrency: 3 }, () => {
  test("nothing is denied with all permissions", async () => {
    const path = join(folder, "whole.yaml");
    await writeWithout(path, { ...all[0], action: "none:None" });
    const { end } = await runStack(path);
    assert.equal(end, undefined);
  });

  for (const [index, lacking] of all.entries()) {
    const { resource } = lacking;
    const on = JSON.stringify(resource).includes("/index/") ? " of the index" : "";
    test(`the stack reports that ${lacking.function} lacks ${lacking.action}${on}`, async () => {
      const path = join(folder, `${index}.yaml`);
      await writeWithout(path, lacking);
      const { output, end } = await runStack(path);
      const denied = lines(output);
      const expected = denied.filter(
        (line) => line.includes(logged(lacking)) && line.includes("/index/") === (on !== ""),
      );
      assert.notDeepEqual(
        expected,
        [],
        "nothing used this permission: it is superfluous, or no route of this test needs it",
      );
      assert.deepEqual(denied, expected, "no other permission is missing");
      assert.match(end?.message ?? "", /the template lacks permissions/);
      for (const line of expected) assert.ok(end.message.includes(line), end.message);
    });
  }
});
