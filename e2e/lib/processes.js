/**
 * Processes as Linux shows them under /proc: who belongs to a stack, and which of them runs a function.
 *
 * A stack is started as the leader of a session of its own. Children inherit the session whatever becomes of their
 * parent, so an orphan is found as surely as a child.
 */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { basename } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

/** Linux tells nobody but the parent that a process has ended: whoever else waits for it has to look, this often. */
const LOOK_EVERY_MS = 20;

/**
 * @typedef {object} Process
 * @property {number} pid
 * @property {string} name the executable's file name
 */

/**
 * All living processes of a session, its leader included. Zombies do not count: nothing of them runs any more.
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

/** Resolves when none of a session is left. @param {number} session the leader's process id */
export async function allEnded(session) {
  while (processesOf(session).length > 0) await delay(LOOK_EVERY_MS);
}

/** Undefined when the process has ended meanwhile. */
function describe(pid) {
  try {
    // "pid (name) state ppid pgrp session …", where the name may itself hold spaces and parentheses.
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
    // A binary that has been rebuilt while it runs shows as "path (deleted)".
    return basename(readlinkSync(`/proc/${pid}/exe`)).replace(/ \(deleted\)$/, "");
  } catch {
    return undefined;
  }
}
