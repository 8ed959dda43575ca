/** Checks the state after the faults have ended. Every deviation is a complaint, one line each. */
import { setTimeout as delay } from "node:timers/promises";

import { staleConnections } from "./stale_connections.js";

/**
 * How long functions treat a connection as one that may still be in its handshake, plus a margin.
 */
const HANDSHAKE_MS = 31_000;
/**
 * A fan-out has three seconds. On a busy machine it may not reach all connections, so it is
 * repeated.
 */
const SWEEPS = 3;

export class Aftermath {
  /** The log of each conversation. @type {Map<string, object[]>} */ logs = new Map();
  #rooms;
  #places;
  #keeper;

  /**
   * Creates the checks of one run.
   *
   * @param {object} options
   * @param {string[]} options.rooms
   * @param {{device: import('./run.js').Device, room: string}[]} options.places each device in each
   *   of its conversations
   * @param {import('./plain_device.js').PlainDevice} options.keeper a participant of every
   *   conversation
   */
  constructor({ rooms, places, keeper }) {
    this.#rooms = rooms;
    this.#places = places;
    this.#keeper = keeper;
  }

  /**
   * Waits until every device has the complete log. Returns complaints about those that do not.
   *
   * @returns {Promise<string[]>}
   */
  async settle() {
    const complaints = [];
    do {
      this.logs = await this.#readLogs();
      const settling = this.#places.map(async ({ device, room }) => {
        if (await device.settle(room, this.logs.get(room).length)) return;
        complaints.push(`did not settle: ${JSON.stringify(device.describe(room))}`);
      });
      await Promise.all(settling);
      // A message that its sender gave up may be stored only now, by a function that began long
      // ago.
    } while (complaints.length === 0 && (await this.#haveGrown()));
    return complaints;
  }

  /**
   * Sends messages until no ended connection is pushed to any more: the first push to an ended
   * connection should remove its rows from the table. Rows that have expired are not pushed to.
   *
   * @param {import('../lib/stack.js').Stack} stack
   * @param {(room: string, n: number) => string} body
   * @returns {Promise<string[]>}
   */
  async sweep(stack, body) {
    for (const room of this.#rooms) this.#keeper.follow(room);
    const pushedTo = async () =>
      (await staleConnections(stack)).filter(
        ({ conversations, expiresAt }) => conversations.length > 0 && Date.now() < expiresAt,
      );
    let left = await pushedTo();
    for (let sweep = 1; left.length > 0 && sweep <= SWEEPS; sweep += 1) {
      // Functions keep a connection that may still be in its handshake.
      const youngest = Math.max(...left.map(({ connectedAt }) => connectedAt));
      await delay(Math.max(0, youngest + HANDSHAKE_MS - Date.now()));
      const rooms = new Set(left.flatMap(({ conversations }) => conversations));
      for (const room of rooms) await this.#keeper.say(room, body(room, sweep));
      left = await pushedTo();
    }
    return left.map((connection) => `still pushed to after a sweep: ${JSON.stringify(connection)}`);
  }

  /** Compares what each page shows with the log. @returns {Promise<string[]>} */
  async pages() {
    const complaints = [];
    for (const { device, room } of this.#places) {
      const shown = await device.page(room);
      const log = this.logs.get(room);
      const place = shown?.findIndex((entry, place) => !isSame(entry, log[place])) ?? -1;
      if (shown === undefined || (shown.length === log.length && place < 0)) continue;
      const rest = JSON.stringify(shown.slice(place, place + 3));
      complaints.push(
        `${device.name} shows ${shown.length} of ${log.length} entries of ${room}; they differ from index ${place} on: ${rest}`,
      );
    }
    return complaints;
  }

  async #readLogs() {
    const logs = new Map();
    for (const room of this.#rooms) logs.set(room, await this.#keeper.log(room));
    return logs;
  }

  async #haveGrown() {
    return [...(await this.#readLogs())].some(
      ([room, log]) => log.length > this.logs.get(room).length,
    );
  }
}

function isSame(entry, stored) {
  // The text of an edit is kept by the devices that received it, and not stored once it is replaced.
  const members = ["event", "seq", "id", ...(entry.event === "messageEdited" ? [] : ["body"])];
  return members.every((member) => entry[member] === stored?.[member]);
}
