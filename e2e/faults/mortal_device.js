/** A device in a process of its own, to be killed. */
import { fork } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("mortal.js", import.meta.url));

export class MortalDevice {
  #options;
  #process;
  #events = new EventEmitter();
  #pages;
  #failing;

  /**
   * @param {object} options
   * @param {{http: string, ws: string, login: string}} options.addresses
   * @param {string} options.folder where what outlives the process is kept, one for each device
   * @param {string} options.history path
   * @param {string} options.name
   * @param {string} options.user
   * @param {string[]} options.conversations
   * @param {string[]} options.bodies what it says in each of them
   * @param {(conversation: string) => void} options.onAcknowledged
   */
  constructor(options) {
    this.#options = options;
    /** All is said and acknowledged. */
    this.finished = once(this.#events, "finished");
  }

  get name() {
    return this.#options.name;
  }

  get user() {
    return this.#options.user;
  }

  async start() {
    await mkdir(this.#options.folder, { recursive: true });
    const { onAcknowledged, ...described } = this.#options;
    this.#process = fork(PROGRAM, [JSON.stringify(described)], { stdio: "inherit" });
    this.#process.on("message", ({ acknowledged, settled, failing, finished, pages }) => {
      if (acknowledged) onAcknowledged(acknowledged);
      else if (settled) this.#events.emit(`settled ${settled}`, failing);
      else if (finished) this.#events.emit("finished");
      else this.#events.emit("pages", pages);
    });
    this.#process.on("exit", (code, signal) => {
      if (code) this.#events.emit("error", new Error(`${this.name} ended with ${code}`));
      this.#events.emit("exit", signal);
    });
  }

  /** Kills it in the middle of whatever it does, and starts it again. */
  async kill() {
    const ended = once(this.#process, "exit");
    this.#process.kill("SIGKILL");
    await ended;
    await this.start();
  }

  /** Whether it comes to have seen and sent all. */
  async settle(conversation, head) {
    const settled = once(this.#events, `settled ${conversation}`);
    this.#process.send({ settle: conversation, head });
    const [failing] = await settled;
    this.#failing = failing;
    return failing === null;
  }

  describe() {
    return this.#failing;
  }

  doubt() {}

  look() {}

  /** Writes how it ends in all its conversations, once. */
  async end(conversation) {
    this.#pages ??= this.#ended();
    await this.#pages;
  }

  async #ended() {
    const answered = once(this.#events, "pages");
    this.#process.send({ end: true });
    const [pages] = await answered;
    return pages;
  }

  async page(conversation) {
    return (await this.#pages)[conversation];
  }

  stop() {
    this.#process?.kill();
  }
}
