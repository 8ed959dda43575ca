/**
 * The process of a device that may be killed at any moment: the client library with an outbox in a
 * file. Started again with the same folder, it continues where it was and sends the messages that
 * it had not begun to send. It edits, deletes and reacts as other devices do.
 *
 * Messages from the parent: `{settle: CONVERSATION, head}` is answered with `{settled:
 * CONVERSATION, failing}`, and `{end: true}` with `{pages}`.
 */
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import pLimit from "p-limit";

import { endpointsOf } from "./endpoints.js";
import { History } from "./history.js";
import { LibraryDevice } from "./library_device.js";
import { FileOutbox } from "./outboxes.js";

const { addresses, folder, history, name, user, conversations, texts } = JSON.parse(
  process.argv[2],
);

const file = new History(history);
/** Edits and deletions, which do not count as messages. */
const revisions = new Set();
const device = new LibraryDevice({
  endpoints: endpointsOf(addresses),
  history: {
    record(record) {
      file.record(record);
      if (record.type === "send" && record.target !== undefined) revisions.add(record.id);
      // The acknowledgement of a message sent before the last kill is reported nowhere else.
      if (record.type === "sent" && !revisions.has(record.id))
        process.send({ acknowledged: record.conversation });
    },
  },
  name,
  user,
  outboxes: new FileOutbox(join(folder, "outbox")),
});

/** Concurrent messages of this process. A few such processes keep all functions busy. */
const limit = pLimit(3);

/**
 * The messages it has begun to send, one per line. The outbox does not know which message comes
 * next.
 */
const begunFile = join(folder, "begun");
const begun = new Set(existsSync(begunFile) ? readFileSync(begunFile, "utf8").split("\n") : []);

async function sayAll(conversation) {
  for (const [index, one] of texts.entries()) {
    const key = `${conversation} ${one.body}`;
    if (begun.has(key)) continue;
    await limit(() => {
      appendFileSync(begunFile, `${key}\n`);
      return device.act(conversation, index + 1, one);
    });
  }
}

process.on("message", async ({ settle, head, end }) => {
  if (settle) {
    const isSettled = await device.settle(settle, head);
    process.send({ settled: settle, failing: isSettled ? null : device.describe(settle) });
  }
  if (end) {
    const pages = {};
    for (const conversation of conversations) {
      device.end(conversation);
      pages[conversation] = await device.page(conversation);
    }
    process.send({ pages }, () => process.exit());
  }
});

// Without its parent it has nothing to do.
process.on("disconnect", () => process.exit());

await device.start();
for (const conversation of conversations) device.follow(conversation);
await Promise.all(conversations.map(sayAll));
process.send({ finished: true });
