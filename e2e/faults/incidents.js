/**
 * Incidents: what happens to processes and connections in addition to the harness's own faults.
 * Each method returns how many it affected.
 */
import { KillableDevice } from "./killable_device.js";

/** Longer than the two hours that a connection may last. */
const AGE_MS = 2 * 60 * 60_000 + 1;

export class Incidents {
  #stack;
  #injections;
  #devices;

  /**
   * @param {import('../lib/stack.js').Stack} stack
   * @param {import('./injections.js').Injections} injections
   * @param {import('./run.js').Device[]} devices
   */
  constructor(stack, injections, devices) {
    this.#stack = stack;
    this.#injections = injections;
    this.#devices = devices;
  }

  /** Makes every connection two hours older. */
  async age() {
    const clock = `${this.#stack.http}/.local/clock`;
    const { aheadMs } = await (await fetch(clock)).json();
    await fetch(clock, { method: "PUT", body: JSON.stringify({ aheadMs: aheadMs + AGE_MS }) });
    return 1;
  }

  /** Kills all function processes that are running. */
  async killFunctions() {
    return this.#stack.functionProcesses().filter(({ pid }) => killed(pid)).length;
  }

  /** Kills the harness and starts it again on its data. */
  async killHarness() {
    await this.#injections.remember();
    await this.#stack.kill();
    await this.#stack.resume();
    await this.#injections.begin();
    return 1;
  }

  /** Kills the devices that run in their own process; they start again from what they saved. */
  async killClients() {
    const killables = this.#devices.filter((device) => device instanceof KillableDevice);
    await Promise.all(killables.map((device) => device.kill()));
    return killables.length;
  }

  /** Reports to every device that the network may have changed. */
  async networkChanged() {
    for (const device of this.#devices) device.networkChanged();
    return 1;
  }
}

/** Kills a process. Returns false if it had already ended. */
function killed(pid) {
  try {
    return process.kill(pid, "SIGKILL");
  } catch (error) {
    if (error.code === "ESRCH") return false;
    throw error;
  }
}
