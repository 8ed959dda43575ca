/** Runs the command `bin/smoke`. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const COMMAND = fileURLToPath(new URL("../../bin/smoke", import.meta.url));

/**
 * @param {string[]} given the arguments
 * @param {Record<string, string>} [variables]
 * @returns {Promise<{status: number, lines: string[], output: string}>} the lines of the checks;
 *   all output
 */
export async function runSmoke(given, variables = {}) {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("CONFAB_"));
  const env = { ...Object.fromEntries(inherited), ...variables };
  const child = spawn(COMMAND, given, { env, stdio: ["ignore", "pipe", "pipe"] });
  const closed = once(child, "close");
  const [printed, complaints] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [status] = await closed;
  return {
    status,
    lines: printed.split("\n").filter((line) => line !== ""),
    output: printed + complaints,
  };
}

/** @param {import('node:stream').Readable} stream */
async function text(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
