/**
 * The schedule of a run, all of it from one seed: users and devices, their conversations, the
 * faults that the harness injects, and the incidents of processes and connections.
 *
 * The seed determines the schedule and the decisions of the harness (whether the n-th call that a
 * rule examines fails). It does not determine how calls of real processes interleave, so a failure
 * recurs only as often as its interleaving does.
 */
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { mersenne } from "pure-rand/generator/mersenne";

/**
 * The rate of each fault in thousandths. A schedule uses between a third of it and three times as
 * much.
 */
const FAULTS = [
  [10, { dynamodb: "throttle" }],
  [10, { dynamodb: "throttleOnDemand" }],
  [10, { dynamodb: "internalError" }],
  [5, { dynamodb: "unavailable" }],
  [1, { dynamodb: "timeout" }],
  [15, { dynamodb: "lostAnswer" }],
  [200, { dynamodb: "latency", ms: [1, 50] }],
  [5, { management: "gone" }],
  [20, { management: "throttle" }],
  [20, { management: "internalError" }],
  [20, { management: "lostAnswer" }],
  [50, { management: "slowConsumer", ms: [10, 200] }],
  [3, { function: "killBefore" }],
  [6, { function: "killDuring", ms: [0, 40] }],
  [6, { function: "killAfter" }],
  [0.5, { function: "timeout", ms: [0, 40] }],
  [6, { function: "throttle" }],
  [300, { function: "slowStart", ms: [50, 500] }],
  [6, { connection: "cut" }],
  [3, { connection: "halfOpen" }],
  [200, { connection: "disconnectLost" }],
  [200, { connection: "disconnectLate", ms: [100, 2000] }],
  [200, { connection: "disconnectTwice" }],
];

/** The probability that a schedule includes a kind of fault. */
const HAS_FAULT = 0.7;

/**
 * @typedef {'library' | 'blocked' | 'plain' | 'killable'} Kind the kind of a device: the library
 *   with a WebSocket; the library where only HTTP gets through; plain HTTP; the library in its own
 *   process, which is killed
 *
 * @typedef {object} Schedule
 * @property {number} seed
 * @property {{dynamodb?: string, management?: string, function?: string, connection?: string, rate:
 *   number, ms?: number[]}[]} faults
 * @property {{user: string, devices: {name: string, kind: Kind, tokenSeconds?: number}[]}[]} people
 * @property {{id: string, members: string[], guest: string | null, burst: number}[]} conversations
 *   the guest is one of the members, and is removed and added repeatedly
 * @property {{after: number, what: 'age' | 'killFunctions' | 'killHarness' | 'killClients' |
 *   'networkChanged'}[]} incidents each happens when this fraction of the messages has been
 *   acknowledged
 * @property {boolean} isPatient whether the library has to notice by itself what it missed, which
 *   takes up to a minute
 */

/**
 * @param {number} seed
 * @param {{kills: boolean}} options whether processes are killed in addition to the harness's own
 *   faults: functions, clients, and the harness with everything in it
 * @returns {Schedule}
 */
export function scheduleOf(seed, { kills }) {
  const generator = mersenne(seed);
  const random = () => uniformFloat64(generator);
  const between = (from, to) => from + Math.floor(random() * (to - from + 1));
  const oneOf = (list) => list[between(0, list.length - 1)];

  const faults = FAULTS.filter(() => random() < HAS_FAULT).map(([thousandths, fault]) => ({
    ...fault,
    rate: Number(((thousandths / 1000) * 3 ** (2 * random() - 1)).toFixed(5)),
  }));

  const people = Array.from({ length: between(4, 7) }, (_, index) => {
    const user = `person-${index}`;
    const devices = Array.from({ length: between(1, 2) }, (_, device) => ({
      name: `${user}/${device}`,
      kind:
        random() < 0.6
          ? kills && index > 0
            ? "killable"
            : "library"
          : oneOf(["library", "blocked", "plain"]),
      ...(random() < 0.2 && { tokenSeconds: between(20, 60) }),
    }));
    return { user, devices };
  });

  const users = people.map(({ user }) => user);
  const patient = people
    .filter(({ devices }) => devices.every(({ kind }) => kind !== "killable"))
    .map(({ user }) => user);
  const conversations = Array.from({ length: between(8, 16) }, (_, index) => {
    const members = users.filter(() => random() < 0.4);
    const guest = random() < 0.4 ? oneOf(patient) : null;
    if (members.length === 0) members.push(oneOf(users));
    if (guest && !members.includes(guest)) members.push(guest);
    return { id: `room-${index}`, members, guest, burst: between(1, 3) };
  });

  const kinds = kills
    ? ["killFunctions", "killHarness", "killClients"]
    : ["age", "killFunctions", "networkChanged"];
  const incidents = Array.from({ length: kills ? 9 : between(1, 4) }, (_, index) => ({
    after: random(),
    what: kills ? kinds[index % kinds.length] : oneOf(kinds),
  })).sort((one, other) => one.after - other.after);

  return { seed, faults, people, conversations, incidents, isPatient: random() < 0.5 };
}
