/** What the parts of the client need, and whom they tell, as types: the wiring in one place. Never loaded. */

/** @import { Api, Credentials, History } from "./api.js" */
/** @import { Client } from "./client.js" */
/** @import { Connection } from "./connection.js" */
/** @import { Fact, Outgoing, Person, Reason } from "./facts.js" */
/** @import { Model, Replica } from "./model.js" */
/** @import { Clock, Socket, Surroundings } from "./surroundings.js" */
/** @import { Entry, Frame, Problem } from "./wire.js" */

/**
 * Answers with a token, or `null` if nobody is logged in. It is asked at the start, shortly before a token ends, and when
 * the server has refused one, which is then given, so that a provider that keeps tokens does not give the same again.
 * Throwing means "not now": it is asked again, after a while.
 * @typedef {(context: {refused: string | null}) => Promise<string | null> | string | null} TokenProvider
 */

/**
 * @typedef {object} ClientOptions
 * @property {string} http URL of the HTTP API, without trailing slash
 * @property {Person} me
 * @property {string} token the first one
 * @property {TokenProvider} provider of the further ones
 * @property {Surroundings} surroundings
 */

/**
 * @typedef {object} ConversationOptions
 * @property {Client} client
 * @property {Api} api
 * @property {History} history
 * @property {() => Replica | undefined} replica `undefined` as long as it is not known whether there is such a conversation
 * @property {(onEntries: (entries: Entry[]) => void) => () => void} listen has it followed until the result is called
 * @property {(fact: Fact) => void} act
 * @property {(body: string) => Promise<Entry>} write
 * @property {() => string} freshId
 * @property {<T>(question: () => Promise<T>) => Promise<T>} ask asks by HTTP, and learns from a refusal
 */

/**
 * @typedef {object} TabsOptions
 * @property {Surroundings} surroundings
 * @property {string} name of the lock: one per server and person
 * @property {Model} model
 * @property {() => string[]} wanted the conversations that this tab wants followed
 * @property {() => void} onLead this tab leads from now on; it says `lead` when it is able to
 * @property {() => void} onLost another tab leads instead, because this one was not heard of
 * @property {(fact: Fact) => void} onFact of another tab
 * @property {(conversation: string) => void} onFollow another tab wants it; only a leader cares
 * @property {() => void} onWake somebody looks at another tab; only a leader cares
 * @property {(conversation: string) => void} onBehind this tab has missed entries
 * @property {() => void} onChange
 */

/**
 * @typedef {object} ModelOptions
 * @property {Person} me
 * @property {(conversation: string, seq: number) => void} onRead it has been read up to there, in this tab
 * @property {() => number} now milliseconds since 1970
 * @property {(conversation: string) => boolean} isWatched whether somebody looks at it right now
 */

/**
 * @typedef {object} LeaderOptions
 * @property {Model} model
 * @property {Api} api
 * @property {History} history
 * @property {Credentials} credentials
 * @property {Surroundings} surroundings
 * @property {() => boolean} isVisible whether somebody can see one of the tabs
 * @property {() => string[]} wanted the conversations that are on the screen or listened to in one of the tabs
 * @property {(fact: Fact) => void} tell
 * @property {() => void} onRefused the token is refused, and there is no other
 */

/**
 * @typedef {object} ConnectionOptions
 * @property {() => Socket} dial starts a handshake with the present token
 * @property {() => Promise<Reason | "renewed">} diagnose asks over HTTP why a handshake failed, since a browser does not tell;
 *   `renewed`: it was the token, and there is another one now
 * @property {() => string} ping the text of a ping
 * @property {() => boolean} isVisible whether somebody can see the page
 * @property {() => void} onOpen a new connection stands; everything asked on an earlier one is unanswered
 * @property {(text: unknown) => void} onFrame
 * @property {() => void} onDown the connection is gone, or could not be had
 * @property {() => void} onWait it is known why, and when the next attempt will be
 * @property {() => void} onRefused the token is refused, and there is no other; nothing more happens until `start`
 * @property {Clock} clock
 */

/** @typedef {Extract<Frame, {ref?: string}>} Answer */

/**
 * What became of a request. `unanswered`: it may have taken effect or not. `disconnected`: the same, and on a new
 * connection it may be repeated at once.
 * @typedef {{kind: "answer", frame: Answer} | {kind: "unanswered"} | {kind: "disconnected"}} Outcome
 */

/**
 * @typedef {object} SubscriptionsOptions
 * @property {Connection["ask"]} ask
 * @property {Clock} clock
 * @property {(replica: Replica) => void} onReady subscribed and caught up, or this does not come about and sending should
 *   not wait for it any longer
 * @property {(replica: Replica) => void} onGone the server knows no such conversation, for this user
 * @property {(replica: Replica) => Promise<boolean>} onForeignPosition our position is none of this log; the answer says
 *   whether the conversation was started anew
 * @property {() => void} onRefused the token has expired
 */

/**
 * @typedef {object} Following
 * @property {Replica} replica
 * @property {"wanted" | "asking" | "live" | "waiting"} phase
 * @property {number} failures attempts in a row that brought nothing
 * @property {(() => void) | null} cancel the timer of a gap or of a wait
 */

/**
 * What became of an attempt to send; as of `Outcome`.
 * @typedef {{kind: "stored"} | {kind: "rejected", problem: Problem} | {kind: "unanswered"} | {kind: "disconnected"}} Delivery
 */

/** Takes one message to the server. Never rejects. @typedef {(replica: Replica, outgoing: Outgoing) => Promise<Delivery>} Carrier */

/**
 * @typedef {object} CourierOptions
 * @property {Clock} clock
 * @property {(replica: Replica) => Carrier | null} carrier what can be used now
 * @property {(replica: Replica, id: string, problem: Problem) => void} onFailed a message will not be taken, however often it is sent
 * @property {(replica: Replica) => void} onResync more was stored than the server will look through; catch up, then `flush` again
 * @property {() => void} onRefused the token has expired
 */

/**
 * @typedef {object} RoundsOptions
 * @property {Clock} clock
 * @property {number | null} every milliseconds between two rounds that were answered; `null`: one is enough
 * @property {() => Promise<boolean>} round whether the server answered; never rejects
 * @property {() => void} onAnswered
 */

/**
 * @typedef {object} HistoryOptions
 * @property {Api} api
 * @property {(replica: Replica, entries: Entry[]) => void} onEntries takes what is past a position
 * @property {(replica: Replica, entries: Entry[]) => void} onEarlier learns from a page back
 * @property {() => void} onChange
 * @property {(error: unknown, replica: Replica) => void} onError
 */

/**
 * @typedef {object} ApiOptions
 * @property {string} base URL without trailing slash
 * @property {Pick<Credentials, "token" | "refused" | "accepted">} credentials
 * @property {typeof globalThis.fetch} fetch
 * @property {Clock} clock
 */

/**
 * @typedef {object} CredentialsOptions
 * @property {TokenProvider} provider
 * @property {string} token the first one
 * @property {string} user whose tokens these are; one of somebody else is none
 * @property {Clock} clock
 * @property {() => void} onRenewed there is a new token, before or after the end of the old one
 */

export {};
