/**
 * What can become known, to one tab and then to all of a person: every change of what a tab shows is one of these, and
 * is plain data.
 */

/** @import { Details, Summary } from "./wire.js" */
/** @import { Entry, Problem } from "./wire.js" */
/** @import { Outgoing } from "./replica.js" */
/** @import { State } from "./state.js" */

/**
 * @typedef {{kind: "entries", conversation: string, entries: Entry[]}
 *   | {kind: "restarted", conversation: string, position: number}
 *   | {kind: "written", conversation: string, outgoing: Outgoing}
 *   | {kind: "failed", conversation: string, id: string, problem: Problem}
 *   | {kind: "revived", conversation: string, id: string, freshId: string}
 *   | {kind: "discarded", conversation: string, id: string}
 *   | {kind: "listed", summaries: Summary[], complete: boolean}
 *   | {kind: "details", details: Details}
 *   | {kind: "added", conversation: string, title: string, head: number, by: string}
 *   | {kind: "participant", conversation: string, user: string, present: boolean}
 *   | {kind: "gone", conversation: string}
 *   | {kind: "state", state: State}} Fact
 */

/** What a tab has to say of itself. @typedef {{visible: boolean, wanted: string[]}} Presence */

/**
 * What tabs tell one another.
 * @typedef {{kind: "fact", fact: Fact}
 *   | {kind: "presence", tab: string, presence: Presence | null}
 *   | {kind: "join", tab: string}
 *   | {kind: "welcome", tab: string, snapshot: import("./model.js").Snapshot}
 *   | {kind: "lead"}
 *   | {kind: "follow", tab: string, conversation: string, position: number}
 *   | {kind: "behind", tab: string, conversation: string, position: number}
 *   | {kind: "wake"}
 *   | {kind: "check", tab: string}
 *   | {kind: "awake", tab: string}} Message
 */

export {};
