/**
 * The recipes of docs/recipes.md: its code blocks, run by a shell as a reader would run them, with
 * the addresses of the stack under test.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The repository's root, in which the recipes are run. */
export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/**
 * A code block.
 *
 * @typedef {object} Recipe
 * @property {string} section the heading above it
 * @property {string} language
 * @property {string} text
 */

/**
 * Returns all code blocks of a file, in order.
 *
 * @param {string} file relative to the root
 * @returns {Recipe[]}
 */
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

/**
 * Returns a function that replaces the usual addresses in a text with those of a stack.
 *
 * @param {import('../lib/stack.js').Stack} stack
 */
export function replacements(stack, lambdaWatch = 9001) {
  const port = (url) => new URL(url).port;
  return (text) =>
    text
      .replaceAll(/\b(localhost|127\.0\.0\.1|\[::1\]):3000\b/g, `$1:${port(stack.http)}`)
      .replaceAll(/\b(localhost|127\.0\.0\.1):3001\b/g, `$1:${port(stack.ws)}`)
      .replaceAll(/\b127\.0\.0\.1:8000\b/g, `127.0.0.1:${port(stack.dynamodb)}`)
      .replaceAll(/\b127\.0\.0\.1:9000\b/g, `127.0.0.1:${port(stack.lambda)}`)
      .replaceAll("-P 9001", `-P ${lambdaWatch}`)
      // Without a port, cargo lambda uses the default one.
      .replaceAll(/cargo lambda invoke (?!-P)/g, `cargo lambda invoke -P ${port(stack.lambda)} `);
}

/** Programs to stop when the test run ends. @type {Set<Program>} */
const running = new Set();
process.on("exit", () => {
  for (const program of running) program.stop();
});

/** A running program and its output. */
export class Program {
  #text = "";
  #heard = () => {};

  /**
   * @param {string} command
   * @param {string[]} args
   * @param {Record<string, string>} [environment]
   */
  constructor(command, args, environment = {}) {
    this.child = spawn(command, args, {
      cwd: ROOT,
      // In its own process group, so that its children end with it.
      detached: true,
      env: { ...process.env, ...environment },
    });
    for (const output of [this.child.stdout, this.child.stderr]) {
      output.setEncoding("utf8").on("data", (text) => {
        this.#text += text;
        this.#heard();
      });
    }
    /** Resolves with the exit code or the signal. */
    this.ended = once(this.child, "close").then(([code, signal]) => {
      this.code = signal ?? code;
      running.delete(this);
      this.#heard();
      return this.code;
    });
    running.add(this);
  }

  get output() {
    return this.#text;
  }

  /** Waits until the output matches. @param {RegExp} pattern */
  says(pattern) {
    return this.until(() => pattern.test(this.#text), pattern);
  }

  /**
   * Waits until the output meets a condition. Only one wait at a time.
   *
   * @param {() => boolean} fits called after each output
   * @param {unknown} [what] describes the condition in the error
   */
  async until(fits, what = fits) {
    while (!fits()) {
      if (this.code !== undefined)
        throw new Error(`it ended with ${this.code} before it printed ${what}:\n${this.#text}`);
      await new Promise((resolve) => (this.#heard = resolve));
    }
  }

  /** Sends a line to standard input. @param {string} line */
  types(line) {
    this.child.stdin.write(`${line}\n`);
  }

  /** Stops the program with its children and waits for its end. */
  async stop() {
    if (this.code === undefined) {
      try {
        process.kill(-this.child.pid, "SIGTERM");
      } catch (error) {
        // It has already ended.
        if (error.code !== "ESRCH") throw error;
      }
    }
    await this.ended;
  }
}

/** Runs a program to its end and returns its output. Fails if the exit code is not 0. */
export async function run(command, args, environment) {
  const program = new Program(command, args, environment);
  program.child.stdin.end();
  const code = await program.ended;
  if (code !== 0) throw new Error(`${command} ended with ${code}:\n${program.output}`);
  return program.output;
}

/** Returns a free port, for programs that do not accept port 0. */
export async function freePort() {
  const { createServer } = await import("node:net");
  const server = createServer().listen(0, "::1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}
