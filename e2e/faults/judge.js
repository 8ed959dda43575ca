/** The checker's word on a history, which is kept beside it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { open, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { TARGET } from "../lib/stack.js";

/** @param {string} path of a history @returns {Promise<{isGood: boolean, says: string}>} */
export async function judge(path) {
  const verdict = `${path}.verdict`;
  const output = await open(verdict, "w");
  const checker = spawn(join(TARGET, "debug", "checker"), [path], {
    stdio: ["ignore", output.fd, output.fd],
  });
  const [code] = await once(checker, "exit");
  await output.close();
  return { isGood: code === 0, says: (await readFile(verdict, "utf8")).trim() };
}

/**
 * Whether the checker notices what is missing: takes the last message out of each log of a history, and asks again. So no
 * verdict is good for want of evidence.
 *
 * @param {string} path of a history
 */
export async function findsWhatIsMissing(path) {
  const altered = `${path}.altered`;
  const lines = (await readFile(path, "utf8")).split("\n").map((line) => {
    if (!line.startsWith('{"type":"log"')) return line;
    const { events, ...log } = JSON.parse(line);
    const last = events.findLastIndex(({ event }) => event === "message");
    return JSON.stringify({ ...log, events: events.slice(0, Math.max(last, 0)) });
  });
  await writeFile(altered, lines.join("\n"));
  const { isGood, says } = await judge(altered);
  return !isGood && says.includes("broken: acknowledged");
}
