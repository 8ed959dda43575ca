/**
 * The stack under test: a harness of our own, or a deployed one.
 *
 * With CONFAB_HTTP, CONFAB_WS and CONFAB_LOGIN in the environment the suites talk to what is there and start nothing.
 * Otherwise every suite starts a harness on free ports, with the DynamoDB engine named by CONFAB_DYNAMODB, and ends it
 * again; `cargo build --package harness` has to come first.
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

import { allEnded, processesOf } from "./processes.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
export const TARGET = process.env.CARGO_TARGET_DIR ?? join(ROOT, "target");
const HARNESS = join(TARGET, "debug", "harness");
const READY = "ready.json";
const FUNCTIONS = readdirSync(join(ROOT, "functions"));

/** The harness builds the functions before it is ready, which takes minutes when nothing has been built yet. */
const READY_WITHIN_MS = 15 * 60_000;
/** From the interrupt to the end of the process. */
const ENDED_WITHIN_MS = 30_000;

// A harness has a session of its own, so it would outlive a run that is interrupted or fails.
const running = new Set();
process.on("exit", () => running.forEach((harness) => harness.kill("SIGTERM")));
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));

/** A stack: its addresses once it is up, its tokens, and for a local one its processes. */
export class Stack {
  /** Base URL of the HTTP API, and of the page when the stack is local. @type {string} */
  http;
  /** URL of the WebSocket API with its stage. @type {string} */
  ws;
  /** Where `POST {user, …}` answers a token. @type {string} */
  login;

  #options = {};
  #folder;
  #harness;
  #log;
  #secrets = new Set();
  #breaches = [];

  /**
   * Takes the stack that the environment names, else starts one.
   *
   * @param {Record<string, string | number | string[]>} [options] of the harness, by name, for what is not to be as usual
   */
  async start(options = {}) {
    const { CONFAB_HTTP, CONFAB_WS, CONFAB_LOGIN } = process.env;
    if (CONFAB_HTTP || CONFAB_WS || CONFAB_LOGIN) {
      assert.ok(
        CONFAB_HTTP && CONFAB_WS && CONFAB_LOGIN,
        "CONFAB_HTTP, CONFAB_WS and CONFAB_LOGIN come together or not at all",
      );
      Object.assign(this, { http: CONFAB_HTTP, ws: CONFAB_WS, login: CONFAB_LOGIN });
      return;
    }
    this.#options = options;
    this.#folder = await mkdtemp(join(tmpdir(), "confab-e2e-"));
    await this.#launch({ "http-port": 0, "ws-port": 0, "lambda-port": 0, "dynamodb-port": 0 });
  }

  /**
   * Logs somebody in.
   *
   * @param {string} user
   * @param {{name?: string, expiresIn?: number, audience?: string}} [options] `expiresIn` in seconds; negative: a token of the past
   * @returns {Promise<string>} the token
   */
  async tokenFor(user, options = {}) {
    const response = await fetch(this.login, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ user, ...options }),
    });
    assert.equal(response.status, 200, `login answered ${response.status}`);
    const { token } = await response.json();
    return this.secretToken(token);
  }

  /**
   * Remembers a text that must not show in the stack's output, and returns it.
   *
   * @param {string} text
   */
  secret(text) {
    // Long texts are searched for by their beginning, so that a shortened print is found too. Texts of a few
    // characters would be found in anything.
    if (text.length >= 12) this.#secrets.add(text.slice(0, 100));
    return text;
  }

  /** The same for a token, of which neither claims nor signature may show, and returns it. @param {string} token */
  secretToken(token) {
    token
      .split(".")
      .slice(1)
      .forEach((part) => this.secret(part));
    return token;
  }

  /** Remembers a frame from the server that is not as the documents say; the end of the stack tells of it. @param {Error} error */
  breach(error) {
    this.#breaches.push(error.message);
  }

  /** The process of a local harness. */
  get pid() {
    return this.#harness.pid;
  }

  /**
   * Lets things go wrong in a local stack, as harness/README.md tells; what went wrong before does so no more.
   *
   * @param {...object} faults
   */
  async goWrong(...faults) {
    const response = await fetch(`${this.http}/.local/faults`, {
      method: "PUT",
      body: JSON.stringify({ seed: 1, faults }),
    });
    assert.equal(response.status, 200, await response.text());
  }

  /** The processes that run functions just now. */
  functionProcesses() {
    return this.#processes().filter(({ name }) => FUNCTIONS.includes(name));
  }

  /** Stops a local stack as Ctrl-C does, and holds it to leaving no process behind. */
  async interrupt() {
    const harness = this.#harness;
    assert.equal(
      harness.exitCode ?? harness.signalCode,
      null,
      `the harness had ended before, see ${this.#log}`,
    );
    const ended = once(harness, "exit");
    const late = setTimeout(() => harness.kill("SIGKILL"), ENDED_WITHIN_MS);
    harness.kill("SIGINT");
    const [code, signal] = await ended;
    clearTimeout(late);
    assert.equal(signal ?? code, 0, `how the harness ended on Ctrl-C, see ${this.#log}`);
    assert.deepEqual(processesOf(harness.pid), [], "the harness left processes behind");
  }

  /** Ends the harness of a local stack as the kernel would, without notice; its watchdog ends whatever it leaves. */
  async kill() {
    const ended = once(this.#harness, "exit");
    this.#harness.kill("SIGKILL");
    await ended;
    await allEnded(this.#harness.pid);
  }

  /** Starts it again on the same ports and data. */
  async resume() {
    const port = (url) => new URL(url).port;
    await this.#launch({
      "http-port": port(this.http),
      "ws-port": port(this.ws),
      "lambda-port": port(this.lambda),
      "dynamodb-port": port(this.dynamodb),
    });
  }

  /**
   * Ends a local stack, and holds it to three things: it leaves no process behind, it takes its ready file away, and it
   * told no secret. A deployed one is left alone. Of either, no frame may have been other than documented.
   */
  async stop() {
    assert.deepEqual(this.#breaches.splice(0), [], "frames that are not as the documents say");
    const folder = this.#folder;
    if (folder === undefined) return;
    this.#folder = undefined;
    try {
      await this.interrupt();
      assert.ok(!existsSync(join(folder, READY)), "the ready file is still there");
      this.#assertNothingTold();
      this.#assertNothingDenied();
    } finally {
      await rm(folder, { recursive: true });
    }
  }

  #processes() {
    assert.ok(this.#harness, "a deployed stack has no processes here");
    return processesOf(this.#harness.pid);
  }

  async #launch(ports) {
    assert.ok(existsSync(HARNESS), `${HARNESS} is missing: run \`cargo build -p harness\` first`);
    const ready = join(this.#folder, READY);
    const options = {
      ...ports,
      dynamodb: process.env.CONFAB_DYNAMODB ?? "embedded",
      data: join(this.#folder, "data"),
      "ready-file": ready,
      ...this.#options,
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

  /** One file for all runs of this stack, kept for whoever has to find out why a test failed. */
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
      // The watch begins with its first step, which is taken before each look: no change can fall in between.
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

  /** What a local stack has printed so far, its functions included. */
  output() {
    return readFileSync(this.#log, "utf8");
  }

  #assertNothingTold() {
    const output = this.output();
    assert.notEqual(
      output,
      "",
      `nothing in ${this.#log}: the check for secrets would prove nothing`,
    );
    const told = [...this.#secrets].filter(
      (text) => output.includes(text) || output.includes(JSON.stringify(text).slice(1, -1)),
    );
    assert.deepEqual(told, [], `tokens or message bodies are in ${this.#log}`);
  }

  /** Clients are not told which permission a function lacks, but the harness's log is. */
  #assertNothingDenied() {
    const denied = [...new Set(this.output().match(/access denied: .*/g) ?? [])];
    assert.deepEqual(denied, [], ["permissions are missing in the template", ...denied].join("\n"));
  }
}
