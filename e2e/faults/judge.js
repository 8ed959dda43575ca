/** Runs the checker on a history and keeps its report beside the history. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { open, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { TARGET } from "../lib/stack.js";

/** @param {string} path of a history @returns {Promise<{isValid: boolean, report: string}>} */
export async function judge(path) {
  const verdict = `${path}.verdict`;
  const output = await open(verdict, "w");
  const checker = spawn(join(TARGET, "debug", "checker"), [path], {
    stdio: ["ignore", output.fd, output.fd],
  });
  const [code] = await once(checker, "exit");
  await output.close();
  return { isValid: code === 0, report: (await readFile(verdict, "utf8")).trim() };
}

/**
 * Returns whether the checker notices missing messages. Takes the last message out of each log of a
 * history and runs the checker again, to show that it would have found them.
 *
 * @param {string} path of a history
 */
export async function noticesMissingMessages(path) {
  const altered = `${path}.altered`;
  const lines = (await readFile(path, "utf8")).split("\n").map((line) => {
    if (!line.startsWith('{"type":"log"')) return line;
    const { events, ...log } = JSON.parse(line);
    const last = events.findLastIndex(({ event }) => event === "message");
    return JSON.stringify({ ...log, events: events.slice(0, Math.max(last, 0)) });
  });
  await writeFile(altered, lines.join("\n"));
  const { isValid, report } = await judge(altered);
  return !isValid && report.includes("broken: acknowledged");
}
