/**
 * Runs many clients against real function processes under faults, and prints the checker's verdict.
 *
 *     node faults/storm.js [--seed N] [--schedules N] [--messages N] [--kills] [--quiet]
 *                          [--dynamodb embedded|local] [--folder DIR]
 *
 * Runs one schedule for each seed from `--seed` on. Each has its own stack and at least
 * `--messages` messages. `--kills` kills processes during the run; `--quiet` injects nothing. The
 * histories stay in the folder, for `cargo run -p checker`.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";

import { TARGET } from "../lib/stack.js";
import { run } from "./run.js";
import { scheduleOf } from "./schedule.js";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    schedules: { type: "string", default: "1" },
    messages: { type: "string", default: "100" },
    kills: { type: "boolean", default: false },
    quiet: { type: "boolean", default: false },
    dynamodb: { type: "string", default: "embedded" },
    folder: { type: "string", default: join(TARGET, "e2e", "storm") },
  },
});
const [first, schedules, messages] = [values.seed, values.schedules, values.messages].map(Number);
// The stack reads the engine from the environment.
process.env.CONFAB_DYNAMODB = values.dynamodb;

const sums = { acknowledged: 0, bad: 0, injected: new Map(), incidents: new Map() };
const add = (map, more) => {
  for (const [key, count] of more) map.set(key, (map.get(key) ?? 0) + count);
};

for (let seed = first; seed < first + schedules; seed += 1) {
  const schedule = scheduleOf(seed, values);
  if (values.quiet) Object.assign(schedule, { faults: [], incidents: [] });
  const about = `node faults/storm.js --seed ${seed} --messages ${messages}${values.kills ? " --kills" : ""} --dynamodb ${values.dynamodb}`;
  try {
    const outcome = await run(schedule, {
      messages,
      folder: join(values.folder, String(seed)),
      about,
    });
    sums.acknowledged += outcome.acknowledged;
    add(sums.injected, outcome.injected);
    add(sums.incidents, outcome.incidents);
    const injected = [...outcome.injected.values()].reduce((sum, count) => sum + count, 0);
    const { connections, rows } = outcome.stale;
    console.log(
      `seed ${seed}: ${outcome.acknowledged} messages acknowledged in ${outcome.seconds.toFixed(0)} s, settled in ${outcome.settleSeconds.toFixed(0)} s; ` +
        `${injected} faults; ${rows} rows of ${connections} ended connections; ${outcome.verdict}`,
    );
    for (const complaint of outcome.complaints) console.log(`  ${complaint}`);
    if (!outcome.isGood) sums.bad += 1;
  } catch (error) {
    sums.bad += 1;
    console.log(`seed ${seed}: ${error.stack}`);
  }
}

console.log(
  `${sums.acknowledged} acknowledged messages, ${schedules} schedules, ${values.dynamodb}; ${sums.bad} failed`,
);
for (const [key, count] of [...sums.injected].sort()) console.log(`  ${key}: ${count}`);
for (const [key, count] of [...sums.incidents].sort()) console.log(`  ${key}: ${count}`);
process.exit(sums.bad === 0 ? 0 : 1);
