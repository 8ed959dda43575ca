/**
 * The processes of a stack, read from /proc.
 *
 * Each stack is started as the leader of a session. Child processes inherit the session, whatever
 * happens to their parent, so orphans are found too.
 */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { basename } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

/** The interval between two checks. Linux reports the end of a process only to its parent. */
const POLL_INTERVAL_MS = 20;

/**
 * @typedef {object} Process
 * @property {number} pid
 * @property {string} name the executable's file name
 */

/**
 * Returns all running processes of a session, including its leader. Zombies do not count.
 *
 * @param {number} session the leader's process id
 * @returns {Process[]}
 */
export function processesOf(session) {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .map((entry) => describe(Number(entry)))
    .filter((found) => found !== undefined && found.session === session && found.state !== "Z")
    .map(({ pid, name }) => ({ pid, name }));
}

/**
 * Resolves when all processes of a session have ended.
 *
 * @param {number} session the leader's process id
 */
export async function allEnded(session) {
  while (processesOf(session).length > 0) await delay(POLL_INTERVAL_MS);
}

/** Returns undefined if the process has ended in the meantime. */
function describe(pid) {
  try {
    // "pid (name) state ppid pgrp session …", where the name may contain spaces and parentheses.
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [state, , , session] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return {
      pid,
      state,
      session: Number(session),
      name: executable(pid) ?? stat.slice(stat.indexOf("(") + 1, stat.lastIndexOf(")")),
    };
  } catch (error) {
    if (error.code === "ENOENT" || error.code === "ESRCH") return undefined;
    throw error;
  }
}

function executable(pid) {
  try {
    // A binary that was rebuilt while it runs is shown as "path (deleted)".
    return basename(readlinkSync(`/proc/${pid}/exe`)).replace(/ \(deleted\)$/, "");
  } catch {
    return undefined;
  }
}
