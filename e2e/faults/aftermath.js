/** How it must be when the trouble is over. What is not so is told as complaints, one a line. */
import { setTimeout as delay } from "node:timers/promises";

import { ghosts } from "./left_behind.js";

/** As long as functions take a connection for one that may be in its handshake, and a bit. */
const HANDSHAKE_MS = 31_000;
/** A fan-out has three seconds, which a busy machine may need for less than all. */
const SWEEPS = 3;

export class Aftermath {
  /** The logs as everybody has them. @type {Map<string, object[]>} */ logs = new Map();
  #rooms;
  #places;
  #keeper;

  /**
   * @param {object} options
   * @param {string[]} options.rooms
   * @param {{device: import('./run.js').Device, room: string}[]} options.places who is where
   * @param {import('./plain_device.js').PlainDevice} options.keeper a participant of every room
   */
  constructor({ rooms, places, keeper }) {
    this.#rooms = rooms;
    this.#places = places;
    this.#keeper = keeper;
  }

  /** Everybody comes to have all. @returns {Promise<string[]>} */
  async settle() {
    const complaints = [];
    do {
      this.logs = await this.#readLogs();
      const settling = this.#places.map(async ({ device, room }) => {
        if (await device.settle(room, this.logs.get(room).length)) return;
        complaints.push(`does not settle: ${JSON.stringify(device.describe(room))}`);
      });
      await Promise.all(settling);
      // A message that was given up may be stored in this very moment, by a function that began long ago.
    } while (complaints.length === 0 && (await this.#haveGrown()));
    return complaints;
  }

  /**
   * The next message that is pushed to a connection that has ended takes its rows out of the table.
   *
   * @param {import('../lib/stack.js').Stack} stack
   * @param {(room: string, n: number) => string} body
   * @returns {Promise<string[]>}
   */
  async sweep(stack, body) {
    for (const room of this.#rooms) this.#keeper.follow(room);
    const pushedTo = async () =>
      (await ghosts(stack)).filter(({ conversations }) => conversations.length > 0);
    let left = await pushedTo();
    for (let sweep = 1; left.length > 0 && sweep <= SWEEPS; sweep += 1) {
      // Functions spare a connection that may be in its handshake.
      const youngest = Math.max(...left.map(({ connectedAt }) => connectedAt));
      await delay(Math.max(0, youngest + HANDSHAKE_MS - Date.now()));
      const rooms = new Set(left.flatMap(({ conversations }) => conversations));
      for (const room of rooms) await this.#keeper.say(room, body(room, sweep));
      left = await pushedTo();
    }
    return left.map((ghost) => `is pushed to and stays: ${JSON.stringify(ghost)}`);
  }

  /** What a page shows is the log. @returns {Promise<string[]>} */
  async pages() {
    const complaints = [];
    for (const { device, room } of this.#places) {
      const shown = await device.page(room);
      const log = this.logs.get(room);
      const place = shown?.findIndex((entry, place) => !isSame(entry, log[place])) ?? -1;
      if (shown === undefined || (shown.length === log.length && place < 0)) continue;
      const others = JSON.stringify(shown.slice(place, place + 3));
      complaints.push(
        `${device.name} shows ${shown.length} of ${log.length} in ${room}, others from ${place} on: ${others}`,
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
  return ["event", "seq", "id", "body"].every((member) => entry[member] === stored?.[member]);
}
