/** One schedule against one local stack: everybody talks while things go wrong, then all must come right, and a checker judges. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { Stack } from '../stack.js';
import { endpointsOf } from './endpoints.js';
import { History } from './history.js';
import { Injections } from './injections.js';
import { judge, findsWhatIsMissing } from './judge.js';
import { ghosts } from './left_behind.js';
import { LibraryDevice } from './library_device.js';
import { MortalDevice } from './mortal_device.js';
import { MemoryOutbox } from './outboxes.js';
import { PlainDevice } from './plain_device.js';
import { Progress } from './progress.js';

/** Who gets nothing acknowledged for so long hangs: much longer than all waits of the protocol and all timeouts in a row. */
const HANGS_AFTER_MS = 180_000;
/** How far an `age` sets the gateway's clock ahead: past the two hours of a connection. */
const AGE_MS = 2 * 60 * 60_000 + 1;
/** As long as functions take a connection for one that may be in its handshake, and a bit. */
const HANDSHAKE_MS = 31_000;
/** A fan-out has three seconds, which a busy machine may need for less than all. */
const SWEEPS = 3;
/** A conversation's guest is removed and added again so often. */
const ROUNDS = 3;

/**
 * @typedef {object} Outcome
 * @property {boolean} isGood
 * @property {number} acknowledged
 * @property {number} seconds of talk
 * @property {number} settleSeconds
 * @property {Map<string, number>} injected
 * @property {Map<string, number>} befell how often each incident came
 * @property {string} verdict what the checker says
 * @property {string[]} complaints what else is not as it should be
 * @property {{rows: number, connections: number}} ghosts what is left of connections that have ended
 */

/**
 * @param {import('./schedule.js').Schedule} schedule
 * @param {{messages: number, folder: string, about: string}} options `folder`: of this run alone, emptied first
 * @returns {Promise<Outcome>}
 */
export async function run(schedule, { messages, folder, about }) {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'schedule.json'), JSON.stringify(schedule, null, 1));
  const history = new History(join(folder, 'history.jsonl'));
  const stack = new Stack();
  await stack.start();
  const storm = new Storm(schedule, { stack, history, messages, folder, about });
  try {
    return await storm.run();
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
  #befell = new Map();
  /** Every one, with the conversations that its user is in. @type {{device: LibraryDevice | PlainDevice | MortalDevice, rooms: string[]}[]} */
  #devices = [];
  /** Creates the conversations, removes and adds guests, and reads the logs in the end. @type {PlainDevice} */
  #keeper;
  #isOver = false;
  /** Guests that are out. @type {Set<string>} */ #out = new Set();

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
    this.#history.record({ type: 'seed', seed, about: this.#about });
    this.#keeper = new PlainDevice({ endpoints: this.#endpoints, history: this.#history, name: 'keeper', user: 'keeper' });
    await this.#keeper.start();
    for (const { id, members } of conversations) await this.#keeper.create(id, members);

    await this.#injections.begin();
    const began = performance.now();
    await this.#arrive();
    await this.#orHang(this.#talk());
    const seconds = (performance.now() - began) / 1000;
    await this.#injections.end();

    await this.#nudge();
    const complaints = await this.#settle();
    const settleSeconds = (performance.now() - began) / 1000 - seconds;
    const left = await ghosts(this.#stack);
    if (complaints.length === 0) complaints.push(...(await this.#sweep()), ...(await this.#settle()));
    await this.#end();
    complaints.push(...(await this.#pages()));
    this.#history.close();
    const { isGood, says } = await judge(this.#history.path);
    if (!(await findsWhatIsMissing(this.#history.path))) complaints.push('the checker does not miss a message that was taken out of a log');
    return {
      isGood: isGood && complaints.length === 0,
      acknowledged: this.#progress.total,
      seconds,
      settleSeconds,
      injected: this.#injections.counts,
      befell: this.#befell,
      verdict: says,
      complaints,
      ghosts: { connections: left.length, rows: left.reduce((sum, ghost) => sum + ghost.conversations.length + ghost.isListed, 0) },
    };
  }

  stop() {
    for (const { device } of this.#devices) device.stop();
    this.#keeper?.stop();
  }

  get #endpoints() {
    const endpoints = endpointsOf(this.#stack);
    return { ...endpoints, token: async (...whose) => this.#stack.secretToken(await endpoints.token(...whose)) };
  }

  /** What is said is a secret, so that the stack's log is searched for it. */
  #body(device, conversation, n) {
    return `${this.#stack.secret(`storm of seed ${this.#schedule.seed}`)}: ${device} says ${n} in ${conversation}`;
  }

  async #arrive() {
    const { people } = this.#schedule;
    for (const { user, devices } of people) {
      const rooms = this.#schedule.conversations.filter(({ members }) => members.includes(user)).map(({ id }) => id);
      for (const { name, kind, tokenSeconds } of devices) {
        const described = { endpoints: this.#endpoints, history: this.#history, name, user };
        this.#devices.push({ device: this.#device(kind, described, tokenSeconds, rooms), rooms });
      }
    }
    for (const { device, rooms } of this.#devices) {
      await device.start();
      if (!(device instanceof MortalDevice)) for (const room of rooms) device.follow(room);
    }
  }

  #device(kind, described, tokenSeconds, rooms) {
    if (kind === 'plain') return new PlainDevice(described);
    if (kind === 'mortal') {
      const { http, ws, login } = this.#stack;
      return new MortalDevice({
        addresses: { http, ws, login },
        folder: join(this.#folder, described.name),
        history: this.#history.path,
        name: described.name,
        user: described.user,
        conversations: rooms,
        bodies: Array.from({ length: this.#quota }, (_, n) => this.#body(described.name, 'a room', n + 1)),
        onAcknowledged: (conversation) => this.#progress.count(conversation),
      });
    }
    return new LibraryDevice({ ...described, outboxes: new MemoryOutbox(), isBlocked: kind === 'blocked', tokenSeconds });
  }

  /** How much each device has to say in each of its conversations. */
  get #quota() {
    const { people, conversations } = this.#schedule;
    const devicesOf = new Map(people.map(({ user, devices }) => [user, devices.length]));
    const lanes = conversations.flatMap(({ members }) => members.map((user) => devicesOf.get(user)));
    return Math.ceil(this.#messages / lanes.reduce((sum, count) => sum + count, 0));
  }

  async #talk() {
    const talks = this.#schedule.conversations.map(async ({ id, guest, burst }) => {
      const present = this.#devices.filter(({ rooms }) => rooms.includes(id)).map(({ device }) => device);
      const hosts = present.filter(({ user }) => user !== guest);
      const guests = present.filter(({ user }) => user === guest);
      const talkOf = (device) => (device instanceof MortalDevice ? device.finished : this.#sayAll(device, id, burst));
      const hosting = Promise.all(hosts.map(talkOf)).then(() => this.#progress.end(id));
      await Promise.all([hosting, ...guests.map(talkOf), ...(guest ? [this.#change(id, guest, hosts.length * this.#quota)] : [])]);
    });
    const isSaid = Promise.all(talks).then(() => {
      this.#isOver = true;
      this.#progress.look();
    });
    await Promise.all([isSaid, this.#befall()]);
  }

  /** Says all that one device has to say in one conversation, a few at a time. */
  async #sayAll(device, conversation, burst) {
    let next = 1;
    const lane = async () => {
      while (next <= this.#quota) {
        const n = next;
        next += 1;
        const { refused } = await device.say(conversation, this.#body(device.name, conversation, n));
        if (refused === undefined) this.#progress.count(conversation);
        else if (refused === 'not_found') await this.#progress.until(() => !this.#out.has(`${conversation} ${device.user}`));
        else throw new Error(`${device.name} was refused in ${conversation}: ${refused}`);
      }
    };
    await Promise.all(Array.from({ length: burst }, lane));
  }

  /** Removes a guest and adds him again, as the talk of the others goes on. */
  async #change(conversation, guest, expected) {
    const first = this.#progress.in(conversation);
    const step = Math.max(1, Math.floor(expected / (2 * ROUNDS + 1)));
    const past = (n) => this.#progress.until(() => this.#progress.in(conversation) >= first + n * step || this.#progress.isOver(conversation));
    for (let round = 0; round < ROUNDS; round += 1) {
      await past(2 * round + 1);
      this.#out.add(`${conversation} ${guest}`);
      await this.#keeper.remove(conversation, guest);
      await past(2 * round + 2);
      await this.#keeper.add(conversation, guest);
      this.#out.delete(`${conversation} ${guest}`);
      this.#progress.look();
    }
  }

  async #befall() {
    for (const { after, what } of this.#schedule.incidents) {
      await this.#progress.until(() => this.#isOver || this.#progress.total >= after * this.#messages);
      if (this.#isOver) return;
      this.#befell.set(what, (this.#befell.get(what) ?? 0) + (await this.#incidents[what]()));
    }
  }

  /** Each answers how many it has struck. */
  #incidents = {
    /** Every connection is two hours old. */
    age: async () => {
      const clock = `${this.#stack.http}/.local/clock`;
      const { aheadMs } = await (await fetch(clock)).json();
      await fetch(clock, { method: 'PUT', body: JSON.stringify({ aheadMs: aheadMs + AGE_MS }) });
      return 1;
    },
    killFunctions: async () => {
      return this.#stack.functionProcesses().filter(({ pid }) => killed(pid)).length;
    },
    killHarness: async () => {
      await this.#injections.remember();
      await this.#stack.kill();
      await this.#stack.resume();
      await this.#injections.begin();
      return 1;
    },
    killClients: async () => {
      const mortals = this.#devices.filter(({ device }) => device instanceof MortalDevice);
      await Promise.all(mortals.map(({ device }) => device.kill()));
      return mortals.length;
    },
    doubt: async () => {
      for (const { device } of this.#devices) device.doubt();
      return 1;
    },
  };

  /** What people do when the trouble is over; in a patient schedule they leave it to the library. */
  async #nudge() {
    const { conversations, isPatient } = this.#schedule;
    for (const { id, guest } of conversations) {
      // The word that he is back is not promised to reach him; but somebody told him to look.
      for (const { device } of this.#devices) if (device.user === guest) device.look(id);
    }
    if (!isPatient) for (const { device } of this.#devices) device.doubt();
  }

  /** Without faults everybody comes to have all. @returns {Promise<string[]>} what is missing where */
  async #settle() {
    const missing = [];
    let logs;
    do {
      logs = await this.#logs();
      const ends = this.#devices.flatMap(({ device, rooms }) =>
        rooms.map(async (room) => {
          if (await device.settle(room, logs.get(room).length)) return;
          missing.push(`does not settle: ${JSON.stringify(device.describe(room))}`);
        }),
      );
      await Promise.all(ends);
      // A message that was given up may be stored in this very moment, by a function that began long ago.
    } while (missing.length === 0 && (await this.#grown(logs)));
    this.#settled = logs;
    return missing;
  }

  /** Writes down how everybody ends, and with what. */
  async #end() {
    for (const { device, rooms } of this.#devices) for (const room of rooms) await device.end(room);
    for (const [conversation, events] of this.#settled) this.#history.record({ type: 'log', conversation, events });
  }

  /**
   * The next message that is pushed to a connection that has ended takes its rows out of the table.
   *
   * @returns {Promise<string[]>} what is left of those that get pushes
   */
  async #sweep() {
    const rooms = this.#schedule.conversations.map(({ id }) => id);
    for (const room of rooms) this.#keeper.follow(room);
    const pushedTo = async () => (await ghosts(this.#stack)).filter(({ conversations }) => conversations.length > 0);
    let left = await pushedTo();
    for (let sweep = 1; left.length > 0 && sweep <= SWEEPS; sweep += 1) {
      // Functions spare a connection that may be in its handshake.
      const youngest = Math.max(...left.map(({ connectedAt }) => connectedAt));
      await delay(Math.max(0, youngest + HANDSHAKE_MS - Date.now()));
      for (const room of new Set(left.flatMap(({ conversations }) => conversations))) await this.#keeper.say(room, this.#body('keeper', room, `sweep ${sweep}`));
      left = await pushedTo();
    }
    return left.map((ghost) => `is pushed to and stays: ${JSON.stringify(ghost)}`);
  }

  #settled = new Map();

  async #logs() {
    const logs = new Map();
    for (const { id } of this.#schedule.conversations) logs.set(id, await this.#keeper.log(id));
    return logs;
  }

  async #grown(logs) {
    const now = await this.#logs();
    return [...now].some(([id, log]) => log.length > logs.get(id).length);
  }

  /** What a page shows is the log. */
  async #pages() {
    const complaints = [];
    for (const { device, rooms } of this.#devices) {
      for (const room of rooms) {
        const shown = await device.page(room);
        const log = this.#settled.get(room);
        if (shown === undefined || (shown.length === log.length && shown.every((entry, place) => isSame(entry, log[place])))) continue;
        const place = shown.findIndex((entry, place) => !isSame(entry, log[place]));
        complaints.push(`${device.name} shows ${shown.length} of ${log.length} in ${room}, from ${place} on others: ${JSON.stringify(shown.slice(place, place + 3))}`);
      }
    }
    return complaints;
  }

  /** What `work` gives, unless nothing is acknowledged any more. */
  async #orHang(work) {
    let timer;
    const hang = new Promise((_, reject) => {
      timer = setInterval(() => {
        if (performance.now() - this.#progress.lastAt < HANGS_AFTER_MS) return;
        const devices = this.#devices.flatMap(({ device, rooms }) => rooms.map((room) => JSON.stringify(device.describe(room))));
        reject(new Error(`nothing was acknowledged for ${HANGS_AFTER_MS / 1000} s after ${this.#progress.total}:\n${devices.join('\n')}`));
      }, 1_000);
    });
    try {
      return await Promise.race([work, hang]);
    } finally {
      clearInterval(timer);
    }
  }
}

function isSame(entry, stored) {
  return stored !== undefined && entry.seq === stored.seq && entry.id === stored.id && entry.event === stored.event && entry.body === stored.body;
}

/** Whether a process was there to be killed: it may end by itself in this very moment. */
function killed(pid) {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (error.code === 'ESRCH') return false;
    throw error;
  }
}
