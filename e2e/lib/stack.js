/**
 * The stack under test: a local harness or a deployed stack.
 *
 * - If CONFAB_HTTP and CONFAB_WS are set, the suites use that stack and start nothing. Tokens come
 *   from CONFAB_SECRET_FILE or CONFAB_LOGIN, as for the smoke test (smoke/tokens.js). The suites
 *   send faster than people do, so it must be deployed with {@link WIDE_LIMITS}.
 * - Otherwise each suite starts a harness on free ports and stops it at the end. CONFAB_DYNAMODB
 *   names the DynamoDB engine. Run `cargo build --package harness` first.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync } from "node:fs";
import { mkdtemp, readFile, rm, watch } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { tokenSource } from "../../smoke/tokens.js";
import { allEnded, processesOf } from "./processes.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
export const TARGET = process.env.CARGO_TARGET_DIR ?? join(ROOT, "target");
const HARNESS = join(TARGET, "debug", "harness");
const READY = "ready.json";
/** The services with an address in the ready file and a `--SERVICE-port` option. */
const SERVICES = ["http", "ws", "lambda", "dynamodb"];
const FUNCTIONS = readdirSync(join(ROOT, "functions"));

/**
 * Limits that no test reaches, since the suites send faster than people do. A test of a limit
 * passes its own parameters.
 */
const WIDE_LIMITS = [
  "ThrottlingRate=100000",
  "ThrottlingBurst=100000",
  "ConnectThrottlingRate=100000",
  "ConnectThrottlingBurst=100000",
  "AuthorizerConcurrency=0",
  "UserRequestRate=100000",
  "UserRequestBurst=100000",
  "UserConnections=10000",
];

/** The harness builds the functions before it is ready, which takes minutes the first time. */
const READY_WITHIN_MS = 15 * 60_000;
/** The time from the interrupt to the end of the process. */
const ENDED_WITHIN_MS = 30_000;

// A harness is the leader of its own session, so it would outlive a test run that fails or is
// interrupted.
const running = new Set();
process.on("exit", () => {
  for (const harness of running) harness.kill("SIGTERM");
});
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));

/** A stack: its addresses once it is ready, its tokens and, if it is local, its processes. */
export class Stack {
  /** Base URL of the HTTP API; a local stack also serves the page there. @type {string} */
  http;
  /** URL of the WebSocket API with its stage. @type {string} */
  ws;
  /** The URL where `POST {user, …}` returns a token; only a local stack has it. @type {string} */
  login;

  #options = {};
  /** Of a deployed stack. @type {import("../../smoke/tokens.js").TokenSource} */
  #tokens;
  #folder;
  #harness;
  #log;
  #secrets = new Set();
  #violations = [];

  /**
   * Uses the stack that the environment names, or starts one.
   *
   * @param {Record<string, string | number | string[]>} [options] of the harness by name, in
   *   addition to the usual ones or instead of them
   */
  async start(options = {}) {
    const { CONFAB_HTTP, CONFAB_WS } = process.env;
    const tokens = tokenSource(process.env);
    if (CONFAB_HTTP || CONFAB_WS || tokens !== null) {
      assert.ok(
        CONFAB_HTTP && CONFAB_WS && tokens !== null,
        "set CONFAB_HTTP, CONFAB_WS and one of CONFAB_SECRET_FILE and CONFAB_LOGIN, or none of them",
      );
      Object.assign(this, { http: CONFAB_HTTP, ws: CONFAB_WS });
      this.#tokens = tokens;
      return;
    }
    this.#options = options;
    this.#folder = await mkdtemp(join(tmpdir(), "confab-e2e-"));
    await this.#launch(() => 0);
  }

  /**
   * Logs a user in.
   *
   * @param {string} user
   * @param {{name?: string, expiresIn?: number, audience?: string}} [options] `expiresIn` is in
   *   seconds; a negative value gives an expired token
   * @returns {Promise<string>} the token
   */
  async tokenFor(user, options = {}) {
    const tokens = this.#tokens ?? tokenSource({ CONFAB_LOGIN: this.login });
    return this.secretToken(await tokens(user, options));
  }

  /**
   * Registers a text that must not appear in the stack's output, and returns it.
   *
   * @param {string} text
   */
  secret(text) {
    // Only the beginning of a long text is searched for, so that shortened output is found too. A
    // text of a few characters would be found anywhere.
    if (text.length >= 12) this.#secrets.add(text.slice(0, 100));
    return text;
  }

  /**
   * Registers the claims and the signature of a token as secrets, and returns the token.
   *
   * @param {string} token
   */
  secretToken(token) {
    for (const part of token.split(".").slice(1)) this.secret(part);
    return token;
  }

  /**
   * Records a frame that violates the documents. {@link stop} fails if there was one.
   *
   * @param {Error} error
   */
  reportViolation(error) {
    this.#violations.push(error.message);
  }

  /** The process id of a local harness. */
  get pid() {
    return this.#harness.pid;
  }

  /**
   * Injects faults into a local stack, see harness/README.md. They replace the faults injected
   * before.
   *
   * @param {...object} faults
   */
  async injectFaults(...faults) {
    const response = await fetch(`${this.http}/.local/faults`, {
      method: "PUT",
      body: JSON.stringify({ seed: 1, faults }),
    });
    assert.equal(response.status, 200, await response.text());
  }

  /** How many faults the stack has injected since it was given them. */
  async injectedFaults() {
    const { faults } = await (await fetch(`${this.http}/.local/faults`)).json();
    return faults.reduce((/** @type {number} */ sum, { injected }) => sum + injected, 0);
  }

  /** The processes that currently run functions. */
  functionProcesses() {
    return this.#processes().filter(({ name }) => FUNCTIONS.includes(name));
  }

  /** Stops a local stack as Ctrl-C does, and asserts that no process is left. */
  async interrupt() {
    const harness = this.#harness;
    assert.equal(
      harness.exitCode ?? harness.signalCode,
      null,
      `the harness has already ended, see ${this.#log}`,
    );
    const ended = once(harness, "exit");
    const late = setTimeout(() => harness.kill("SIGKILL"), ENDED_WITHIN_MS);
    harness.kill("SIGINT");
    const [code, signal] = await ended;
    clearTimeout(late);
    assert.equal(
      signal ?? code,
      0,
      `the exit status of the harness after Ctrl-C, see ${this.#log}`,
    );
    assert.deepEqual(processesOf(harness.pid), [], "the harness left processes behind");
  }

  /**
   * Kills the harness of a local stack without notice. Its watchdog ends the processes it leaves.
   */
  async kill() {
    const ended = once(this.#harness, "exit");
    this.#harness.kill("SIGKILL");
    await ended;
    await allEnded(this.#harness.pid);
  }

  /** Starts the harness again on the same ports and data. */
  async resume() {
    await this.#launch((service) => new URL(this[service]).port);
  }

  /**
   * Stops a local stack and asserts that
   *
   * - no process is left,
   * - the ready file is gone,
   * - the output contains no secret, and
   * - no function lacked a permission.
   *
   * A deployed stack is left running. For both, every frame must have matched the documents.
   */
  async stop() {
    assert.deepEqual(this.#violations.splice(0), [], "frames that violate the protocol documents");
    const folder = this.#folder;
    if (folder === undefined) return;
    this.#folder = undefined;
    try {
      await this.interrupt();
      assert.ok(!existsSync(join(folder, READY)), "the ready file is still there");
      this.#assertNoSecretPrinted();
      this.#assertNothingDenied();
    } finally {
      await rm(folder, { recursive: true });
    }
  }

  #processes() {
    assert.ok(this.#harness, "the processes of a deployed stack are not on this machine");
    return processesOf(this.#harness.pid);
  }

  /** @param {(service: string) => number | string} port */
  async #launch(port) {
    assert.ok(existsSync(HARNESS), `${HARNESS} is missing: run \`cargo build -p harness\` first`);
    const ready = join(this.#folder, READY);
    const options = {
      ...Object.fromEntries(SERVICES.map((service) => [`${service}-port`, port(service)])),
      dynamodb: process.env.CONFAB_DYNAMODB ?? "embedded",
      data: join(this.#folder, "data"),
      "ready-file": ready,
      ...this.#options,
      // If a parameter is given twice, the last value applies.
      "parameter-overrides": [
        ...WIDE_LIMITS,
        ...[this.#options["parameter-overrides"] ?? []].flat(),
      ],
    };
    await rm(ready, { force: true });
    const output = this.#openLog();
    this.#harness = spawn(
      HARNESS,
      Object.entries(options).flatMap(([name, value]) => [
        `--${name}`,
        ...[value].flat().map(String),
      ]),
      {
        cwd: ROOT,
        detached: true,
        stdio: ["ignore", output, output],
      },
    );
    closeSync(output);
    const harness = this.#harness;
    running.add(harness);
    harness.once("exit", () => running.delete(harness));
    Object.assign(this, await this.#readyFile(ready));
  }

  /** Opens the log file of this stack. It holds all its runs and is kept for debugging. */
  #openLog() {
    const folder = join(TARGET, "e2e");
    mkdirSync(folder, { recursive: true });
    const suite = basename(process.argv[1] ?? "stack", ".js").replace(".test", "");
    this.#log ??= join(folder, `${suite}-${randomUUID().slice(0, 8)}.log`);
    return openSync(this.#log, "a");
  }

  async #readyFile(path) {
    const given = new AbortController();
    const giveUp = setTimeout(
      () =>
        given.abort(
          new Error(`not ready after ${READY_WITHIN_MS / 60_000} minutes, see ${this.#log}`),
        ),
      READY_WITHIN_MS,
    );
    const ended = (code, signal) =>
      given.abort(
        new Error(
          `the harness ended by ${signal ?? code} before it was ready:\n${this.output().slice(-4000)}`,
        ),
      );
    this.#harness.once("exit", ended);
    try {
      const changes = watch(dirname(path), { signal: given.signal });
      // The watch starts with the first call of `next`, which precedes each check, so no change is
      // missed.
      for (;;) {
        const change = changes.next();
        change.catch(() => {});
        if (existsSync(path)) return JSON.parse(await readFile(path, "utf8"));
        await change;
      }
    } catch (error) {
      throw given.signal.aborted ? given.signal.reason : error;
    } finally {
      clearTimeout(giveUp);
      this.#harness.off("exit", ended);
      given.abort();
    }
  }

  /** The output of a local stack so far, including its functions. */
  output() {
    return readFileSync(this.#log, "utf8");
  }

  #assertNoSecretPrinted() {
    const output = this.output();
    assert.notEqual(
      output,
      "",
      `${this.#log} is empty, so the check for secrets would prove nothing`,
    );
    const printed = [...this.#secrets].filter(
      (text) => output.includes(text) || output.includes(JSON.stringify(text).slice(1, -1)),
    );
    assert.deepEqual(printed, [], `tokens or message bodies appear in ${this.#log}`);
  }

  /** Clients do not learn which permission a function lacks, but the harness logs it. */
  #assertNothingDenied() {
    const denied = [...new Set(this.output().match(/access denied: .*/g) ?? [])];
    assert.deepEqual(denied, [], ["the template lacks permissions", ...denied].join("\n"));
  }
}
