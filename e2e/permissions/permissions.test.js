/**
 * Every permission of the template is needed, and who takes one away is told which: for each there is a stack without it, in
 * which people do all that can be done, and whose end names the function, the action and the resource that are missing.
 */
import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { Person } from "../lib/people.js";
import { Stack } from "../lib/stack.js";
import { addGhost } from "../lib/table.js";
import { permissions, writeWithout } from "./template.js";

/** What cannot be done for lack of a permission is not what is asked here: the log says what was missing. */
const attempt = async (doing) => {
  try {
    return await doing();
  } catch {
    return undefined;
  }
};

/** All that people can do by every route, as far as they are let. */
async function everything(stack) {
  const [ada, bob] = await Promise.all(["Ada", "Bob"].map((name) => Person.arrive(stack, name)));
  const conversation = randomUUID();
  const at = (rest = "") => `/conversations/${conversation}${rest}`;
  const message = () => ({ id: randomUUID(), body: "As far as we are let." });
  // Somebody who left without a word, half an hour ago: whoever pushes finds it out, and clears up.
  const ghost = () =>
    addGhost(stack, conversation, ada, `${randomBytes(11).toString("base64url")}=`);

  await attempt(() => ada.post("/conversations", { id: conversation, participants: [bob.user] }));
  const sockets = await Promise.all([ada, bob].map((person) => attempt(() => person.connect())));
  for (const socket of sockets) {
    for (const action of ["subscribe", "unsubscribe", "subscribe"]) {
      await attempt(() => socket.request(action, { conversation, after: 0 }));
    }
    await attempt(() => socket.request("ping", { positions: { [conversation]: 0 } }));
  }
  await ghost();
  await attempt(() => sockets[0].request("sendMessage", { conversation, ...message() }));
  await ghost();
  await attempt(() => ada.post(at("/messages"), message()));
  for (const path of ["/conversations", at(), at("/events?after=0"), at("/messages")])
    await attempt(() => ada.get(path));
  for (const method of ["delete", "put", "delete"])
    await attempt(() => ada[method](at(`/participants/${bob.user}`)));
  // Whoever is no participant any more is not subscribed either.
  await attempt(() => sockets[1].request("subscribe", { conversation }));
  for (const socket of sockets) await attempt(() => socket.close());
}

/** What the log names, in the words of a template. */
const named = ({ function: name, action }) => `function=${name} action=${action} `;
const lines = (output) => [...new Set(output.match(/access denied: .*/g) ?? [])];

const all = permissions();
let folder;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "confab-permissions-"));
});
after(() => rm(folder, { recursive: true }));

/** A stack on the template at `path`, in which everything has been done, and the error of its end. */
async function lived(path) {
  const stack = new Stack();
  await stack.start({ template: path, dynamodb: "embedded" });
  await everything(stack);
  const end = await stack.stop().then(
    () => undefined,
    (error) => error,
  );
  return { output: stack.output(), end };
}

test("with all permissions nothing is denied", async () => {
  const path = join(folder, "whole.yaml");
  await writeWithout(path, { ...all[0], action: "none:None" });
  const { end } = await lived(path);
  assert.equal(end, undefined);
});

for (const [index, lacking] of all.entries()) {
  const { resource } = lacking;
  const on = JSON.stringify(resource).includes("/index/") ? " of the index" : "";
  test(`${lacking.function} without ${lacking.action}${on}: the end of the stack names it`, async () => {
    const path = join(folder, `${index}.yaml`);
    await writeWithout(path, lacking);
    const { output, end } = await lived(path);
    const denied = lines(output);
    const expected = denied.filter(
      (line) => line.includes(named(lacking)) && line.includes("/index/") === (on !== ""),
    );
    assert.notDeepEqual(expected, [], "nobody missed it: it is superfluous, or no test needs it");
    assert.deepEqual(denied, expected, "something else was missed");
    assert.match(end?.message ?? "", /permissions are missing in the template/);
    for (const line of expected) assert.ok(end.message.includes(line), end.message);
  });
}
