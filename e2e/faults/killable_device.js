/** A device in its own process, which can be killed. */
import { fork } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("killable.js", import.meta.url));

export class KillableDevice {
  #options;
  #process;
  #events = new EventEmitter();
  #pages;
  #failing;

  /**
   * @param {object} options
   * @param {{http: string, ws: string, login: string}} options.addresses
   * @param {string} options.folder where its files are kept across kills; each device has its own
   * @param {string} options.history path
   * @param {string} options.name
   * @param {string} options.user
   * @param {string[]} options.conversations
   * @param {{body: string, edited: string}[]} options.texts what it sends in each conversation
   * @param {(conversation: string) => void} options.onAcknowledged
   */
  constructor(options) {
    this.#options = options;
    /** Resolves when all messages are acknowledged. */
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

  /** Kills the process and starts it again. */
  async kill() {
    const ended = once(this.#process, "exit");
    this.#process.kill("SIGKILL");
    await ended;
    await this.start();
  }

  /** Waits until everything is read and sent. Returns false after a timeout of the process. */
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

  networkChanged() {}

  open() {}

  /** Records the final state of all its conversations, once. */
  async end() {
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
