/** What befalls processes and connections beside the harness's own faults. Each answers how many it has struck. */
import { MortalDevice } from "./mortal_device.js";

/** Past the two hours of a connection. */
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

  /** Every connection is two hours old. */
  async age() {
    const clock = `${this.#stack.http}/.local/clock`;
    const { aheadMs } = await (await fetch(clock)).json();
    await fetch(clock, { method: "PUT", body: JSON.stringify({ aheadMs: aheadMs + AGE_MS }) });
    return 1;
  }

  /** All function processes of the moment are killed. */
  async killFunctions() {
    return this.#stack.functionProcesses().filter(({ pid }) => killed(pid)).length;
  }

  /** The harness is killed, and starts again on its data. */
  async killHarness() {
    await this.#injections.remember();
    await this.#stack.kill();
    await this.#stack.resume();
    await this.#injections.begin();
    return 1;
  }

  /** Devices are killed, and start again with what they kept. */
  async killClients() {
    const mortals = this.#devices.filter((device) => device instanceof MortalDevice);
    await Promise.all(mortals.map((device) => device.kill()));
    return mortals.length;
  }

  /** The network seems to change. */
  async doubt() {
    for (const device of this.#devices) device.doubt();
    return 1;
  }
}

/** Whether a process was there to be killed: it may end by itself in this very moment. */
function killed(pid) {
  try {
    return process.kill(pid, "SIGKILL");
  } catch (error) {
    if (error.code === "ESRCH") return false;
    throw error;
  }
}
