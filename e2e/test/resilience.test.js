/** Processes die in mid-conversation, and nothing that was acknowledged is lost or doubled. */
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
      ["Ada", "Bob", "Carol", "Dora"].map((name) => Person.arrive(stack, name)),
    );
  });

  /** Every message that anybody was told is stored is in the log once, where he was told, and nothing else is. */
  async function assertNothingLostOrDoubled(conversation, senders) {
    const log = await people[0].log(conversation);
    assertDense(log);
    const told = senders.flatMap(({ person, acknowledged }) =>
      acknowledged.map(({ id, body, seq }) => ({ seq, id, body, sender: person })),
    );
    told.sort((a, b) => a.seq - b.seq);
    assert.equal(log.length, told.length);
    log.forEach((entry, index) => assertMessage(entry, { conversation, ...told[index] }));
    return log;
  }

  /** Kills as the kernel would, without notice. */
  function killFunctions() {
    const processes = stack.functionProcesses();
    for (const { pid } of processes) process.kill(pid, "SIGKILL");
    return processes.length;
  }

  test("a killed function process is replaced at the next message", async () => {
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
    await assertNothingLostOrDoubled(conversation, [adas]);
    await Promise.all([adas.close(), bobs.close()]);
  });

  test("200 messages of four people while function processes are killed", async () => {
    const [ada, ...others] = people;
    const conversation = await ada.start(others);
    const watcher = await ada.connect();
    await watcher.request("subscribe", { conversation });
    const senders = people.map((person) => new Sender(person, conversation));

    // The kills follow the count of acknowledged messages, not a clock, so they meet a conversation that is under way
    // on a fast machine as on a slow one.
    let acknowledged = 0;
    let killed = 0;
    const talk = async (sender) => {
      for (let n = 1; n <= 50; n += 1) {
        await sender.send(`m${n}`, `Message ${n} of fifty by ${sender.person.name}.`);
        if ((acknowledged += 1) % 25 === 0) killed += killFunctions();
      }
      await sender.close();
    };
    await Promise.all(senders.map(talk));
    assert.equal(acknowledged, 200);
    assert.ok(killed >= 8, `only ${killed} processes were killed`);
    const log = await assertNothingLostOrDoubled(conversation, senders);

    // What was pushed meanwhile may have gaps and repeats, which clients repair, but it is never anything else.
    const marker = { id: "marker", body: "Everything before this was pushed." };
    await people[1].post(`/conversations/${conversation}/messages`, marker);
    const pushed = await watcher.before(({ id }) => id === marker.id);
    for (const entry of pushed.filter(({ event }) => event === "message"))
      assert.deepEqual(entry, log[entry.seq - 1]);
    await watcher.close();
  });

  test("the whole stack stops in mid-conversation and comes back", async () => {
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
    // Whatever these two have been told by now counts: they must find it in the log, or send it again.
    await Promise.all(senders.map((sender) => sender.close()));
    await stack.resume();
    const outcomes = await Promise.all(during);
    for (const [index, sender] of senders.entries()) {
      if (outcomes[index] instanceof Error)
        await sender.send("during", "Sent while everything stopped.");
      await sender.send("after", "Sent when everything was back.");
      await sender.close();
    }
    const log = await assertNothingLostOrDoubled(conversation, senders);
    assert.equal(log.length, 10);
  });
});
