/** Processes are killed while messages are sent; no acknowledged message is lost or duplicated. */
import assert from "node:assert/strict";
import { before, test } from "node:test";

import { Person } from "../lib/people.js";
import { assertDense, assertMessage } from "../lib/protocol.js";
import { Sender } from "../lib/sender.js";
import { suite } from "../lib/suite.js";

suite("resilience", (stack) => {
  /** @type {Person[]} */ let people;

  before(async () => {
    people = await Promise.all(
      ["Ada", "Bob", "Carol", "Dora"].map((name) => Person.create(stack, name)),
    );
  });

  /** Asserts that the log consists of the acknowledged messages, each once and at its position. */
  async function assertLogIsAcknowledged(conversation, senders) {
    const log = await people[0].log(conversation);
    assertDense(log);
    const acknowledged = senders.flatMap(({ person, acknowledged: messages }) =>
      messages.map(({ id, body, seq }) => ({ seq, id, body, sender: person })),
    );
    acknowledged.sort((a, b) => a.seq - b.seq);
    assert.equal(log.length, acknowledged.length);
    for (const [index, entry] of log.entries())
      assertMessage(entry, { conversation, ...acknowledged[index] });
    return log;
  }

  /** Kills all function processes without notice. */
  function killFunctions() {
    const processes = stack.functionProcesses();
    for (const { pid } of processes) process.kill(pid, "SIGKILL");
    return processes.length;
  }

  test("a killed function process is replaced for the next message", async () => {
    const [ada, bob] = people;
    const conversation = await ada.start([bob]);
    const bobs = await bob.connect();
    await bobs.request("subscribe", { conversation });
    const adas = new Sender(ada, conversation);
    for (const n of [1, 2, 3]) {
      const body = `Message ${n}, each by a new process.`;
      await adas.send(`m${n}`, body);
      const pushed = await bobs.next(({ event, seq }) => event === "message" && seq === n);
      assertMessage(pushed, { conversation, seq: n, id: `m${n}`, sender: ada, body });
      assert.ok(killFunctions() > 0);
    }
    await assertLogIsAcknowledged(conversation, [adas]);
    await Promise.all([adas.close(), bobs.close()]);
  });

  test("200 messages of four people are stored while function processes are killed", async () => {
    const [ada, ...others] = people;
    const conversation = await ada.start(others);
    const watcher = await ada.connect();
    await watcher.request("subscribe", { conversation });
    const senders = people.map((person) => new Sender(person, conversation));

    // The kills follow the number of acknowledged messages and not a clock, so they hit a running
    // conversation on fast and slow machines.
    let acknowledged = 0;
    let killed = 0;
    const talk = async (sender) => {
      for (let n = 1; n <= 50; n += 1) {
        await sender.send(`m${n}`, `Message ${n} of fifty by ${sender.person.name}.`);
        acknowledged += 1;
        if (acknowledged % 25 === 0) killed += killFunctions();
      }
      await sender.close();
    };
    await Promise.all(senders.map(talk));
    assert.equal(acknowledged, 200);
    assert.ok(killed >= 8, `only ${killed} processes were killed`);
    const log = await assertLogIsAcknowledged(conversation, senders);

    // Pushes may have gaps and repetitions, which clients repair, but every push must match the
    // log.
    const marker = { id: "marker", body: "Everything before this was pushed." };
    await people[1].post(`/conversations/${conversation}/messages`, marker);
    const pushed = await watcher.before(({ id }) => id === marker.id);
    for (const entry of pushed.filter(({ event }) => event === "message"))
      assert.deepEqual(entry, log[entry.seq - 1]);
    await watcher.close();
  });

  test("acknowledged messages survive a restart of the whole stack", async () => {
    const [ada, bob] = people;
    const conversation = await ada.start([bob]);
    const senders = [ada, bob].map((person) => new Sender(person, conversation));
    for (const n of [1, 2, 3])
      for (const sender of senders)
        await sender.send(`before-${n}`, `Message ${n} before the stop.`);

    const stopping = stack.interrupt();
    const during = senders.map((sender) =>
      sender.send("during", "Sent while everything stopped.").catch((error) => error),
    );
    await stopping;
    // Everything acknowledged by now counts. The senders must find the rest in the log or send it
    // again.
    await Promise.all(senders.map((sender) => sender.close()));
    await stack.resume();
    const outcomes = await Promise.all(during);
    for (const [index, sender] of senders.entries()) {
      if (outcomes[index] instanceof Error)
        await sender.send("during", "Sent while everything stopped.");
      await sender.send("after", "Sent when everything was back.");
      await sender.close();
    }
    const log = await assertLogIsAcknowledged(conversation, senders);
    assert.equal(log.length, 10);
  });
});
