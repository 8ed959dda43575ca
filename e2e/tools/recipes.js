/**
 * The README's recipes: its fenced blocks, with the addresses of a stack under test in the place of the usual ones, run
 * by a shell as a reader would run them.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The folder that the recipes are written for. */
export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/**
 * A fenced block.
 *
 * @typedef {object} Recipe
 * @property {string} section the heading above it
 * @property {string} language
 * @property {string} text
 */

/** All blocks of a file, in their order. @param {string} file below the root @returns {Recipe[]} */
export function recipesOf(file) {
  const recipes = [];
  let section = "";
  let open;
  for (const line of readFileSync(`${ROOT}/${file}`, "utf8").split("\n")) {
    const fence = /^```(.*)$/.exec(line);
    if (fence && open) {
      recipes.push({ ...open, text: open.lines.join("\n") });
      open = undefined;
    } else if (fence) {
      open = { section, language: fence[1], lines: [] };
    } else if (open) {
      open.lines.push(line);
    } else if (line.startsWith("#")) {
      section = line.replace(/^#+ /, "");
    }
  }
  return recipes;
}

/** What the stack's addresses are called in recipes and environment files. @param {import('../lib/stack.js').Stack} stack */
export function replacements(stack, lambdaWatch = 9001) {
  const port = (url) => new URL(url).port;
  return (text) =>
    text
      .replaceAll(/\b(localhost|127\.0\.0\.1|\[::1\]):3000\b/g, `$1:${port(stack.http)}`)
      .replaceAll(/\b(localhost|127\.0\.0\.1):3001\b/g, `$1:${port(stack.ws)}`)
      .replaceAll(/\b127\.0\.0\.1:8000\b/g, `127.0.0.1:${port(stack.dynamodb)}`)
      .replaceAll(/\b127\.0\.0\.1:9000\b/g, `127.0.0.1:${port(stack.lambda)}`)
      .replaceAll("-P 9001", `-P ${lambdaWatch}`)
      // Without a port it means the usual one.
      .replaceAll(/cargo lambda invoke (?!-P)/g, `cargo lambda invoke -P ${port(stack.lambda)} `);
}

/** Whatever the reason of a test run's end, nothing that it has started goes on. @type {Set<Program>} */
const running = new Set();
process.on("exit", () => running.forEach((program) => program.stop()));

/** A program that has been started, and what it says. */
export class Program {
  #said = "";
  #heard = () => {};

  /** @param {string} command @param {string[]} args @param {Record<string, string>} [environment] */
  constructor(command, args, environment = {}) {
    this.child = spawn(command, args, {
      cwd: ROOT,
      // A group of its own, so that its children end with it.
      detached: true,
      env: { ...process.env, ...environment },
    });
    for (const output of [this.child.stdout, this.child.stderr]) {
      output.setEncoding("utf8").on("data", (text) => {
        this.#said += text;
        this.#heard();
      });
    }
    /** Resolves with the exit code. */
    this.ended = once(this.child, "close").then(([code, signal]) => {
      this.code = signal ?? code;
      running.delete(this);
      this.#heard();
      return this.code;
    });
    running.add(this);
  }

  get said() {
    return this.#said;
  }

  /** Waits until it has said something that matches. @param {RegExp} pattern */
  says(pattern) {
    return this.until(() => pattern.test(this.#said), pattern);
  }

  /**
   * Waits until what it has said fits. One wait at a time.
   *
   * @param {() => boolean} fits asked again whenever it has said more
   * @param {unknown} [what] is waited for, as the failure shall call it
   */
  async until(fits, what = fits) {
    while (!fits()) {
      if (this.code !== undefined)
        throw new Error(`it ended with ${this.code} without ${what}:\n${this.#said}`);
      await new Promise((resolve) => (this.#heard = resolve));
    }
  }

  /** Types a line. @param {string} line */
  types(line) {
    this.child.stdin.write(`${line}\n`);
  }

  /** Ends it with all that it has started, and waits for that. */
  async stop() {
    if (this.code === undefined) {
      try {
        process.kill(-this.child.pid, "SIGTERM");
      } catch (error) {
        // It is gone already.
        if (error.code !== "ESRCH") throw error;
      }
    }
    await this.ended;
  }
}

/** Runs a program to its end and returns what it said; a failure is an error. */
export async function run(command, args, environment) {
  const program = new Program(command, args, environment);
  program.child.stdin.end();
  const code = await program.ended;
  if (code !== 0) throw new Error(`${command} ended with ${code}:\n${program.said}`);
  return program.said;
}

/** A port that nobody listens on just now, for programs that take no 0. */
export async function freePort() {
  const { createServer } = await import("node:net");
  const server = createServer().listen(0, "::1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}
