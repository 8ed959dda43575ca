/**
 * The command `bin/user-data`: exports or erases a user by invoking the stack's function
 * `user_data` step by step, with the AWS CLI and its credentials.
 */
import { execFile } from "node:child_process";
import { appendFile, mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { parseArgs, promisify } from "node:util";

const HELP = `bin/user-data export USER --output FILE [OPTIONS] [-- OPTIONS OF THE AWS CLI]
bin/user-data erase USER [OPTIONS] [-- OPTIONS OF THE AWS CLI]

USER is the id of the user, the "sub" of their tokens.

export writes everything that is stored of the user to FILE, one JSON object on each line.
erase removes the user from all conversations, deletes their messages, removes their name and deletes
their other rows. It cannot be undone. Disable the user's login first, and wait until their last
token has expired. docs/operations.md says what stays.

Both read the whole table. They may be interrupted and started again at any time.

  --stack STACK      the chat's stack (confab)
  --function NAME    or the name of the function, the stack's output UserDataFunctionName
  --from PLACE       goes on with the pass that printed this place
  --yes              erases without asking

Exit status: 0 done, 1 a step failed, 2 the command is incomplete.`;

/** An erasure is complete when a pass finds nothing. More passes than this need a reason. */
const MOST_PASSES = 5;

class UsageError extends Error {}

const execute = promisify(execFile);

/** @returns {Promise<number>} the exit status */
async function main() {
  const { values, positionals, rest } = readArguments();
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const [action, user, ...others] = positionals;
  if (!["export", "erase"].includes(action) || !user || others.length > 0)
    throw new UsageError("give an action, export or erase, and one user");
  if (action === "export" && !values.output) throw new UsageError("give --output FILE");
  const folder = await mkdtemp(join(tmpdir(), "confab-user-data-"));
  try {
    const name = values.function ?? (await functionOf(values.stack ?? "confab", rest));
    const step = (/** @type {string | null} */ next) =>
      invoke({ folder, name, rest, event: { action, user, next } });
    const from = values.from ?? null;
    if (action === "export") await exportUser({ step, from, file: String(values.output) });
    else await eraseUser({ step, from, user, sure: values.yes ?? false });
  } finally {
    await rm(folder, { recursive: true });
  }
  return 0;
}

function readArguments() {
  const end = process.argv.indexOf("--");
  const args = process.argv.slice(2, end === -1 ? undefined : end);
  const rest = end === -1 ? [] : process.argv.slice(end + 1);
  const text = /** @type {const} */ ({ type: "string" });
  const flag = /** @type {const} */ ({ type: "boolean" });
  const options = {
    stack: text,
    function: text,
    output: text,
    from: text,
    yes: flag,
    help: flag,
  };
  try {
    return { ...parseArgs({ args, options, allowPositionals: true }), rest };
  } catch (error) {
    throw new UsageError(/** @type {Error} */ (error).message);
  }
}

/** Runs the AWS CLI, and returns its output. @param {string[]} args */
async function aws(...args) {
  try {
    return (await execute("aws", args, { maxBuffer: 16 * 1024 * 1024 })).stdout;
  } catch (error) {
    const { code, stderr } = /** @type {{code?: string, stderr?: string}} */ (error);
    if (code === "ENOENT") throw new Error("the AWS CLI is required: pip install awscli");
    throw new Error(`aws ${args.slice(0, 2).join(" ")} failed: ${stderr?.trim()}`);
  }
}

/** @param {string} stack @param {string[]} rest */
async function functionOf(stack, rest) {
  const query = "Stacks[0].Outputs[?OutputKey=='UserDataFunctionName'].OutputValue";
  const named = ["--stack-name", stack, "--query", query, "--output", "text"];
  const name = (await aws("cloudformation", "describe-stacks", ...named, ...rest)).trim();
  if (!name) throw new Error(`the stack ${stack} has no output UserDataFunctionName`);
  return name;
}

/**
 * One step of the function.
 *
 * @param {{folder: string, name: string, rest: string[], event: object}} invocation
 * @returns {Promise<{done: boolean, next: string | null, records?: object[], erased?: Record<string, number>}>}
 */
async function invoke({ folder, name, rest, event }) {
  const [payload, result] = [join(folder, "event.json"), join(folder, "result.json")];
  await writeFile(payload, JSON.stringify(event), { mode: 0o600 });
  // The second version of the AWS CLI takes a text as base64, and a file as it is.
  const options = ["--function-name", name, "--payload", `fileb://${payload}`, "--output", "json"];
  const answer = JSON.parse(await aws("lambda", "invoke", ...options, ...rest, result));
  const output = JSON.parse(await readFile(result, "utf8"));
  if (answer.FunctionError) throw new Error(`the function failed: ${output.errorMessage}`);
  return output;
}

/** @typedef {(next: string | null) => ReturnType<typeof invoke>} Step */

/** @param {{step: Step, from: string | null, file: string}} order */
async function exportUser({ step, from, file }) {
  // Not over an earlier export, and readable by nobody else.
  if (from === null) await (await open(file, "wx", 0o600)).close();
  let records = 0;
  for await (const { records: some } of pass(step, from)) {
    await appendFile(file, (some ?? []).map((record) => `${JSON.stringify(record)}\n`).join(""));
    records += some?.length ?? 0;
  }
  console.log(`${records} records are in ${file}`);
}

/** @param {{step: Step, from: string | null, user: string, sure: boolean}} order */
async function eraseUser({ step, from, user, sure }) {
  if (!sure && !(await isSure(user))) throw new UsageError("the user was not erased");
  let start = from;
  for (let number = 1; number <= MOST_PASSES; number += 1) {
    /** @type {Record<string, number>} */
    const all = {};
    for await (const { erased } of pass(step, start))
      for (const [what, count] of Object.entries(erased ?? {}))
        all[what] = (all[what] ?? 0) + count;
    const counts = Object.entries(all).map(([what, count]) => `${count} ${what}`);
    console.log(`pass ${number}: ${counts.join(", ")}`);
    const nothing = Object.values(all).every((count) => count === 0);
    // A pass that began in the middle says nothing of what is before.
    if (nothing && start === null) {
      console.log(`nothing of ${user} is left but the id, where docs/operations.md says`);
      return;
    }
    start = null;
  }
  throw new Error(`${user} is still writing: disable their login, and start again`);
}

/** Runs steps to the end of the table. @param {Step} step @param {string | null} from */
async function* pass(step, from) {
  let next = from;
  for (;;) {
    const answer = await step(next);
    yield answer;
    if (answer.done) return;
    next = answer.next;
    if (next !== null) console.error(`read on to --from ${next}`);
  }
}

/** Asks the person at the terminal for the id. @param {string} user */
async function isSure(user) {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question("This cannot be undone. Repeat the id of the user: ");
  terminal.close();
  return answer === user;
}

try {
  process.exitCode = await main();
} catch (error) {
  const { message } = /** @type {Error} */ (error);
  console.error(`user-data: ${message}`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
