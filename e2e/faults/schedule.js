/**
 * What goes wrong, to whom and when, all of it from one seed: who there is, what they say, which faults the harness injects,
 * and what befalls processes and connections on the way.
 *
 * The seed fixes the schedule and the decisions of the harness (the n-th call that a rule looks at is struck or spared).
 * How calls of real processes interleave it does not, so a failure comes again as often as its interleaving does.
 */
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { mersenne } from "pure-rand/generator/mersenne";

/** How often each fault strikes, in thousandths: between a third of this and three times as much. */
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

/** How likely a schedule has a kind of fault. */
const HAS_FAULT = 0.7;

/**
 * @typedef {'library' | 'blocked' | 'plain' | 'mortal'} Kind of a device: the library by WebSocket, the library where nothing
 *   but HTTP gets through, plain HTTP, the library in a process of its own that is killed
 *
 * @typedef {object} Schedule
 * @property {number} seed
 * @property {{dynamodb?: string, management?: string, function?: string, connection?: string, rate: number, ms?: number[]}[]} faults
 * @property {{user: string, devices: {name: string, kind: Kind, tokenSeconds?: number}[]}[]} people
 * @property {{id: string, members: string[], guest: string | null, burst: number}[]} conversations the guest is one of the
 *   members, and is removed and added again and again
 * @property {{after: number, what: 'age' | 'killFunctions' | 'killHarness' | 'killClients' | 'doubt'}[]} incidents each comes
 *   when this part of the messages has been acknowledged
 * @property {boolean} isPatient whether the library is left to find out by itself what it missed, which takes it a minute
 */

/**
 * @param {number} seed
 * @param {{kills: boolean}} options whether processes are killed beside the harness's own faults: functions, clients, and the
 *   harness with all it holds
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

  const people = Array.from({ length: between(4, 7) }, (_, place) => {
    const user = `person-${place}`;
    const devices = Array.from({ length: between(1, 2) }, (_, device) => ({
      name: `${user}/${device}`,
      kind:
        random() < 0.6
          ? kills && place > 0
            ? "mortal"
            : "library"
          : oneOf(["library", "blocked", "plain"]),
      ...(random() < 0.2 && { tokenSeconds: between(20, 60) }),
    }));
    return { user, devices };
  });

  const users = people.map(({ user }) => user);
  const patient = people
    .filter(({ devices }) => devices.every(({ kind }) => kind !== "mortal"))
    .map(({ user }) => user);
  const conversations = Array.from({ length: between(8, 16) }, (_, place) => {
    const members = users.filter(() => random() < 0.4);
    const guest = random() < 0.4 ? oneOf(patient) : null;
    if (members.length === 0) members.push(oneOf(users));
    if (guest && !members.includes(guest)) members.push(guest);
    return { id: `room-${place}`, members, guest, burst: between(1, 3) };
  });

  const whats = kills
    ? ["killFunctions", "killHarness", "killClients"]
    : ["age", "killFunctions", "doubt"];
  const incidents = Array.from({ length: kills ? 9 : between(1, 4) }, (_, place) => ({
    after: random(),
    what: kills ? whats[place % whats.length] : oneOf(whats),
  })).sort((one, other) => one.after - other.after);

  return { seed, faults, people, conversations, incidents, isPatient: random() < 0.5 };
}
