/**
 * Runs one schedule against one local stack: devices send messages while faults are injected, then
 * every device must settle, and the checker judges the history.
 */
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import pLimit from "p-limit";

import { Stack } from "../lib/stack.js";
import { Aftermath } from "./aftermath.js";
import { endpointsOf } from "./endpoints.js";
import { History } from "./history.js";
import { Incidents } from "./incidents.js";
import { Injections } from "./injections.js";
import { judge, noticesMissingMessages } from "./judge.js";
import { staleConnections } from "./stale_connections.js";
import { LibraryDevice } from "./library_device.js";
import { KillableDevice } from "./killable_device.js";
import { MemoryOutbox } from "./outboxes.js";
import { PlainDevice } from "./plain_device.js";
import { Progress } from "./progress.js";

/**
 * A run hangs if nothing is acknowledged for this long. It is much longer than all waits of the
 * protocol and all timeouts in a row.
 */
const HANGS_AFTER_MS = 180_000;
/**
 * The number of messages in flight. On AWS, more of them would start more functions or be
 * throttled. Here they would wait for one of the few processes, on a busy machine for longer than
 * their senders wait before they send again.
 */
const AT_ONCE = 16;
/** How often the guest of a conversation is removed and added again. */
const ROUNDS = 3;

/** @typedef {LibraryDevice | PlainDevice | KillableDevice} Device */

/**
 * @typedef {object} Outcome
 * @property {boolean} isGood
 * @property {number} acknowledged
 * @property {number} seconds until all messages were sent
 * @property {number} settleSeconds
 * @property {Map<string, number>} injected
 * @property {Map<string, number>} incidents how often each incident occurred
 * @property {string} verdict the checker's report
 * @property {string[]} complaints other deviations
 * @property {{rows: number, connections: number}} stale what is left of ended connections
 */

/**
 * @param {import('./schedule.js').Schedule} schedule
 * @param {{messages: number, folder: string, about: string}} options `folder` belongs to this run
 *   alone and is emptied first
 * @returns {Promise<Outcome>}
 */
export async function run(schedule, { messages, folder, about }) {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "schedule.json"), JSON.stringify(schedule, null, 1));
  const history = new History(join(folder, "history.jsonl"));
  const stack = new Stack();
  await stack.start();
  const storm = new Storm(schedule, { stack, history, messages, folder, about });
  try {
    return await storm.run();
  } catch (error) {
    // The first error is the one to report; a further one from stopping would hide it.
    storm.stop();
    await stack.stop().catch(() => {});
    throw error;
  } finally {
    storm.stop();
    await stack.stop();
  }
}

class Storm {
  #schedule;
  #stack;
  #history;
  #messages;
  #folder;
  #about;
  #injections;
  #progress = new Progress();
  #limit = pLimit(AT_ONCE);
  #incidentCounts = new Map();
  /**
   * Every device with the conversations of its user.
   *
   * @type {{device: Device, rooms: string[]}[]}
   */
  #devices = [];
  /**
   * Creates the conversations, removes and adds guests, and reads the logs at the end.
   *
   * @type {PlainDevice}
   */
  #keeper;
  #isOver = false;
  /** Guests that are currently removed. @type {Set<string>} */ #out = new Set();

  constructor(schedule, { stack, history, messages, folder, about }) {
    this.#schedule = schedule;
    this.#stack = stack;
    this.#history = history;
    this.#messages = messages;
    this.#folder = folder;
    this.#about = about;
    this.#injections = new Injections(stack, { seed: schedule.seed, faults: schedule.faults });
  }

  /** @returns {Promise<Outcome>} */
  async run() {
    const { conversations, seed } = this.#schedule;
    this.#history.record({ type: "seed", seed, about: this.#about });
    this.#keeper = new PlainDevice({
      endpoints: this.#endpoints,
      history: this.#history,
      name: "keeper",
      user: "keeper",
    });
    await this.#keeper.start();
    for (const { id, members } of conversations) await this.#keeper.create(id, members);

    await this.#injections.begin();
    const began = performance.now();
    await this.#arrive();
    await this.#orHang(this.#talk());
    const seconds = (performance.now() - began) / 1000;
    await this.#injections.end();

    this.#actAsUsers();
    const places = this.#devices.flatMap(({ device, rooms }) =>
      rooms.map((room) => ({ device, room })),
    );
    const aftermath = new Aftermath({
      rooms: conversations.map(({ id }) => id),
      places,
      keeper: this.#keeper,
    });
    const complaints = await aftermath.settle();
    const settleSeconds = (performance.now() - began) / 1000 - seconds;
    const left = await staleConnections(this.#stack);
    if (complaints.length === 0) {
      complaints.push(
        ...(await aftermath.sweep(this.#stack, (room, n) =>
          this.#body("keeper", room, `sweep ${n}`),
        )),
      );
      complaints.push(...(await aftermath.settle()));
    }
    for (const { device, room } of places) await device.end(room);
    for (const [conversation, events] of aftermath.logs)
      this.#history.record({
        type: "log",
        conversation,
        events,
        reactions: await this.#keeper.reactions(conversation),
      });
    complaints.push(...(await aftermath.pages()));
    this.#history.close();
    const { isValid, report } = await judge(this.#history.path);
    if (!(await noticesMissingMessages(this.#history.path)))
      complaints.push("the checker did not notice a message that was taken out of a log");
    return {
      isGood: isValid && complaints.length === 0,
      acknowledged: this.#progress.total,
      seconds,
      settleSeconds,
      injected: this.#injections.counts,
      incidents: this.#incidentCounts,
      verdict: report,
      complaints,
      stale: {
        connections: left.length,
        rows: left.reduce((sum, one) => sum + one.conversations.length + one.isListed, 0),
      },
    };
  }

  stop() {
    for (const { device } of this.#devices) device.stop();
    this.#keeper?.stop();
  }

  get #endpoints() {
    const endpoints = endpointsOf(this.#stack);
    return {
      ...endpoints,
      token: async (...whose) => this.#stack.secretToken(await endpoints.token(...whose)),
    };
  }

  /**
   * Returns the body of a message. It contains a secret, so that the stack's log is searched for
   * it.
   */
  #body(device, conversation, n) {
    return `${this.#stack.secret(`storm of seed ${this.#schedule.seed}`)}: ${device} says ${n} in ${conversation}`;
  }

  /** Returns the text of a message, and what it becomes if it is edited. */
  #texts(device, conversation, n) {
    return {
      body: this.#body(device, conversation, n),
      edited: this.#body(device, conversation, `${n} again`),
    };
  }

  async #arrive() {
    const { people } = this.#schedule;
    for (const { user, devices } of people) {
      const rooms = this.#schedule.conversations
        .filter(({ members }) => members.includes(user))
        .map(({ id }) => id);
      for (const { name, kind, tokenSeconds } of devices) {
        const described = { endpoints: this.#endpoints, history: this.#history, name, user };
        this.#devices.push({ device: this.#device(kind, described, tokenSeconds, rooms), rooms });
      }
    }
    for (const { device, rooms } of this.#devices) {
      await device.start();
      if (!(device instanceof KillableDevice)) for (const room of rooms) device.follow(room);
    }
  }

  #device(kind, described, tokenSeconds, rooms) {
    if (kind === "plain") return new PlainDevice(described);
    if (kind === "killable") {
      const { http, ws, login } = this.#stack;
      return new KillableDevice({
        addresses: { http, ws, login },
        folder: join(this.#folder, described.name),
        history: this.#history.path,
        name: described.name,
        user: described.user,
        conversations: rooms,
        texts: Array.from({ length: this.#quota }, (_, n) =>
          this.#texts(described.name, "a room", n + 1),
        ),
        onAcknowledged: (conversation) => this.#progress.count(conversation),
      });
    }
    return new LibraryDevice({
      ...described,
      outboxes: new MemoryOutbox(),
      isBlocked: kind === "blocked",
      tokenSeconds,
    });
  }

  /** The number of messages that each device sends in each of its conversations. */
  get #quota() {
    const { people, conversations } = this.#schedule;
    const devicesOf = new Map(people.map(({ user, devices }) => [user, devices.length]));
    const lanes = conversations.flatMap(({ members }) =>
      members.map((user) => devicesOf.get(user)),
    );
    return Math.ceil(this.#messages / lanes.reduce((sum, count) => sum + count, 0));
  }

  async #talk() {
    const talks = this.#schedule.conversations.map(async ({ id, guest, burst }) => {
      const present = this.#devices
        .filter(({ rooms }) => rooms.includes(id))
        .map(({ device }) => device);
      const hosts = present.filter(({ user }) => user !== guest);
      const guests = present.filter(({ user }) => user === guest);
      const talkOf = (device) =>
        device instanceof KillableDevice ? device.finished : this.#sayAll(device, id, burst);
      const hosting = Promise.all(hosts.map(talkOf)).then(() => this.#progress.end(id));
      await Promise.all([
        hosting,
        ...guests.map(talkOf),
        ...(guest ? [this.#change(id, guest, hosts.length * this.#quota)] : []),
      ]);
    });
    const isSaid = Promise.all(talks).then(() => {
      this.#isOver = true;
      this.#progress.changed();
    });
    await Promise.all([isSaid, this.#runIncidents()]);
  }

  /** Sends all messages of one device in one conversation, a few at a time. */
  async #sayAll(device, conversation, burst) {
    let next = 1;
    const lane = async () => {
      while (next <= this.#quota) {
        const n = next;
        next += 1;
        const texts = this.#texts(device.name, conversation, n);
        const { rejected } = await this.#limit(() => device.act(conversation, n, texts));
        if (rejected === undefined) this.#progress.count(conversation);
        else if (rejected === "not_found")
          await this.#progress.until(() => !this.#out.has(`${conversation} ${device.user}`));
        else throw new Error(`${device.name} was rejected in ${conversation}: ${rejected}`);
      }
    };
    await Promise.all(Array.from({ length: burst }, lane));
  }

  /** Removes a guest and adds them again while the others send messages. */
  async #change(conversation, guest, expected) {
    const first = this.#progress.in(conversation);
    const step = Math.max(1, Math.floor(expected / (2 * ROUNDS + 1)));
    const past = (n) =>
      this.#progress.until(
        () =>
          this.#progress.in(conversation) >= first + n * step ||
          this.#progress.isOver(conversation),
      );
    for (let round = 0; round < ROUNDS; round += 1) {
      await past(2 * round + 1);
      this.#out.add(`${conversation} ${guest}`);
      await this.#keeper.remove(conversation, guest);
      await past(2 * round + 2);
      await this.#keeper.add(conversation, guest);
      this.#out.delete(`${conversation} ${guest}`);
      this.#progress.changed();
    }
  }

  async #runIncidents() {
    const incidents = new Incidents(
      this.#stack,
      this.#injections,
      this.#devices.map(({ device }) => device),
    );
    for (const { after, what } of this.#schedule.incidents) {
      await this.#progress.until(
        () => this.#isOver || this.#progress.total >= after * this.#messages,
      );
      if (this.#isOver) return;
      this.#incidentCounts.set(
        what,
        (this.#incidentCounts.get(what) ?? 0) + (await incidents[what]()),
      );
    }
  }

  /** Does what users do after an outage. In a patient schedule it is left to the library. */
  #actAsUsers() {
    const { conversations, isPatient } = this.#schedule;
    for (const { device } of this.#devices) {
      // The notice that the guest was added again may be lost, so the guest opens the conversation.
      for (const { id, guest } of conversations) if (device.user === guest) device.open(id);
      if (!isPatient) device.networkChanged();
    }
  }

  /** Returns the result of `work`. Fails if nothing is acknowledged for too long. */
  async #orHang(work) {
    let timer;
    const hang = new Promise((_, reject) => {
      timer = setInterval(() => {
        if (performance.now() - this.#progress.lastAt < HANGS_AFTER_MS) return;
        const devices = this.#devices.flatMap(({ device, rooms }) =>
          rooms.map((room) => JSON.stringify(device.describe(room))),
        );
        reject(
          new Error(
            `nothing was acknowledged for ${HANGS_AFTER_MS / 1000} s after ${this.#progress.total}:\n${devices.join("\n")}`,
          ),
        );
      }, 1_000);
    });
    try {
      return await Promise.race([work, hang]);
    } finally {
      clearInterval(timer);
    }
  }
}
