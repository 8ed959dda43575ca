/**
 * Types of what the modules of the client need from one another. They show the wiring in one place.
 * Types only: never loaded.
 */

/** @import { Api, Credentials, History } from "./api.js" */
/** @import { Attention } from "./attention.js" */
/** @import { Change, Outgoing, Person, Reason, TabMessage } from "./changes.js" */
/** @import { Client } from "./client.js" */
/** @import { Connection } from "./connection.js" */
/** @import { Clock, Environment, Socket } from "./environment.js" */
/** @import { Leader } from "./leader.js" */
/** @import { Model, Replica } from "./model.js" */
/** @import { Subscriptions } from "./subscriptions.js" */
/** @import { Entry, Frame, Problem } from "./wire.js" */

/**
 * Returns a token, or `null` if no user is logged in. It is called at the start, shortly before a
 * token ends, and when the server has refused one. `refused` is that token, so that a provider with
 * a cache does not return it again. If the provider throws, it is called again later.
 * @typedef {(context: {refused: string | null}) => Promise<string | null> | string | null} TokenProvider
 */

/**
 * @typedef {Settings & Host} ClientOptions
 */

/**
 * @typedef {object} Host
 * @property {string} http URL of the HTTP API, without a trailing slash
 * @property {Person} me
 * @property {string} token the first token
 * @property {TokenProvider} provider returns later tokens
 * @property {Environment} environment
 */

/**
 * @typedef {object} Settings
 * @property {boolean} [typing] whether others see that the user is typing; `true` by default
 * @property {"public" | "private" | "off"} [receipts] `private`: others do not see how far the user
 *   has read; `off`: other devices of the user do not, either. `public` by default
 * @property {PeopleProvider} [people] finds people whom the user does not know yet
 */

/**
 * Finds people by a part of their name, for suggestions.
 * @typedef {(text: string) => Promise<Person[]>} PeopleProvider
 */

/**
 * Whether a person is here. `lastSeen` is in milliseconds since 1970.
 * @typedef {{online: boolean, lastSeen: number | null}} Seen
 */

/**
 * What the user looks at: the messages of a conversation up to `seq`.
 * @typedef {{conversation: string, seq: number}} View
 */

/**
 * @typedef {object} ReadingOptions
 * @property {Clock} clock
 * @property {Model} model
 * @property {() => View | null} view
 * @property {() => void} onChange
 */

/**
 * @typedef {object} TypingOptions
 * @property {Clock} clock
 * @property {Model} model
 * @property {string} me user id
 * @property {boolean} isTold whether others see that the user is typing
 * @property {(typing: {conversation: string, after: number, stopped?: true}) => void} tell
 * @property {() => void} onChange
 */

/** @typedef {{clock: Clock, onChange: () => void}} PresenceOptions */

/**
 * @typedef {object} AttentionOptions
 * @property {Clock} clock
 * @property {Environment} environment
 * @property {Model} model
 * @property {string} me user id
 * @property {boolean} isTold whether others see that the user is typing
 * @property {(frame: Record<string, unknown>) => void} tell sends a frame that has no answer
 * @property {() => string | null} currentId the conversation on screen
 * @property {() => void} onChange
 * @property {() => void} onLook the user looks at another conversation, or at none
 */

/**
 * @typedef {object} SharingOptions
 * @property {Clock} clock
 * @property {Model} model
 * @property {string} me user id
 * @property {"public" | "private" | "off"} receipts
 * @property {Api} api
 * @property {(frame: Record<string, unknown>) => boolean} tell sends a frame that has no answer;
 *   returns `false` if there is no socket
 * @property {() => boolean} isPolling whether HTTP is used for want of a socket
 * @property {() => void} ping
 * @property {() => number} activeUntil until when the user counts as present
 * @property {() => boolean} isVisible whether any tab is visible
 * @property {() => string[]} wanted the conversations that any tab wants followed
 */

/**
 * What is to be done with a message: a new text, none, or a reaction.
 * @typedef {{text: string | null} | {emoji: string, on: boolean}} Wish
 */

/**
 * What is to be sent: a message, or a wish about one that is stored (`target`) or not (`of`).
 * @typedef {{body: string, replyTo?: number} | (({target: number} | {of: string}) & Wish)} Content
 */

/**
 * @typedef {object} ConversationOptions
 * @property {Client} client
 * @property {Model} model
 * @property {History} history
 * @property {(onEntries: (entries: Entry[]) => void) => () => void} listen follows the conversation
 *   until the result is called
 * @property {(change: Change) => void} apply
 * @property {() => void} changed tells the listeners
 * @property {(content: Content) => Promise<Entry>} write
 * @property {() => string} newId
 * @property {() => Attention | null} attention
 * @property {(then: (attention: Attention) => void) => void} attend waits until it is loaded
 * @property {<T>(call: (api: Api) => Promise<T>) => Promise<T>} request calls the HTTP API, and
 *   reacts to a rejection before it throws
 */

/**
 * What a tab learns from the other tabs.
 *
 * - `lead`: this tab leads from now on; it calls `Tabs.lead` when it is ready.
 * - `lost`: another tab has taken over the lead.
 * - `change`: another tab has published a change.
 * @typedef {{kind: "lead" | "lost"} | {kind: "change", change: Change}} TabEvent
 */

/**
 * @typedef {object} TabsOptions
 * @property {Environment} environment
 * @property {string} lock name of the lock: one per server and user
 * @property {Model} model
 * @property {() => string[]} wanted the conversations that this tab wants followed
 * @property {() => number} activeUntil until when the user counts as present in this tab
 * @property {() => Leader | null} leader does what other tabs ask for, in the leading tab
 * @property {(conversation: string) => void} onBehind this tab has missed entries
 * @property {() => void} onChange
 * @property {(event: TabEvent) => void} onEvent
 */

/**
 * @typedef {TabsOptions & {
 *   tab: string,
 *   isLeading: () => boolean,
 *   announce: () => void,
 *   post: (message: TabMessage) => void,
 *   steal: () => void,
 * }} NeighboursOptions `tab` is the id of this tab; `steal` takes the lead
 */

/**
 * @typedef {object} ModelOptions
 * @property {Person} me
 * @property {(conversation: string, seq: number) => void} onRead the user has read up to `seq`, in
 *   this tab
 * @property {() => number} now milliseconds since 1970
 */

/**
 * @typedef {object} WatchlistOptions
 * @property {Model} model
 * @property {Clock} clock
 * @property {() => boolean} isRunning
 * @property {(replica: Replica) => void} follow has a conversation kept up to date
 * @property {(conversation: string) => Promise<boolean>} load loads the details of a conversation;
 *   returns whether it was unknown until then
 * @property {() => void} onChange the watched conversations are different ones
 */

/**
 * @typedef {object} LeaderOptions
 * @property {Model} model
 * @property {Api} api
 * @property {History} history
 * @property {Credentials} credentials
 * @property {Environment} environment
 * @property {string} me user id
 * @property {"public" | "private" | "off"} receipts
 * @property {() => boolean} isVisible whether any tab is visible
 * @property {() => number} activeUntil until when the user counts as present in any tab
 * @property {() => string[]} wanted the conversations that any tab wants followed
 * @property {(change: Change) => void} apply
 * @property {() => void} onSignedOut the token is refused, and there is no other
 */

/**
 * What the leading tab does in the background needs, beside the options of its leader.
 * @typedef {LeaderOptions & {
 *   connection: Connection,
 *   leader: Leader,
 *   subscriptions: Subscriptions,
 * }} BackgroundOptions
 */

/**
 * @typedef {object} ConnectionOptions
 * @property {() => Socket} dial starts a handshake with the current token
 * @property {() => Promise<Reason | "renewed">} diagnose finds out over HTTP why a handshake
 *   failed, because a browser does not say; `renewed` means that there is a new token; called at
 *   most once a minute, and once more for each token that has ended
 * @property {() => boolean} isTokenOver whether the token of the last handshake has ended by this
 *   clock; once for each token, since a wrong clock must do no harm
 * @property {() => string} ping returns the text of a ping
 * @property {() => boolean} isVisible whether any tab is visible
 * @property {() => void} onOpen a new connection is open; requests on earlier ones are unanswered
 * @property {(text: unknown) => void} onFrame
 * @property {() => void} onDown the connection was lost, or could not be opened
 * @property {() => void} onWait `reason` and `retryAt` are known
 * @property {() => void} onSignedOut the token is refused, and there is no other; the connection
 *   rests until `start`
 * @property {Clock} clock
 */

/** @typedef {Extract<Frame, {ref?: string}>} Answer */

/**
 * The outcome of a request. `unanswered`: it may have taken effect. `disconnected`: the same, and
 * it may be repeated at once on a new connection.
 * @typedef {{kind: "answer", frame: Answer}
 *   | {kind: "unanswered"}
 *   | {kind: "disconnected"}} Outcome
 */

/**
 * @typedef {object} SubscriptionsOptions
 * @property {Connection["request"]} request
 * @property {Clock} clock
 * @property {(replica: Replica) => void} onReady the conversation is subscribed and complete, or
 *   sending should not wait for that any longer
 * @property {(replica: Replica) => void} onGone the conversation does not exist for this user
 * @property {(replica: Replica) => Promise<boolean>} onForeignPosition the log does not contain our
 *   position; returns whether the replica was restarted
 * @property {() => void} onExpired the token has expired
 */

/**
 * @typedef {object} Subscription
 * @property {Replica} replica
 * @property {"wanted" | "asking" | "live" | "waiting"} phase
 * @property {number} failures attempts in a row without progress
 * @property {(() => void) | null} cancel cancels the timer for a gap or a retry
 */

/**
 * The outcome of an attempt to send a message. See `Outcome`.
 * @typedef {{kind: "stored"}
 *   | {kind: "rejected", problem: Problem}
 *   | {kind: "unanswered"}
 *   | {kind: "disconnected"}} Delivery
 */

/**
 * Takes one message to the server. Never rejects.
 * @typedef {(replica: Replica, outgoing: Outgoing) => Promise<Delivery>} Transport
 */

/**
 * @typedef {object} SenderOptions
 * @property {Environment} environment
 * @property {Model} model
 * @property {Api} api
 * @property {string} me user id
 * @property {Set<string>} unsent ids of messages that were certainly never sent
 * @property {(change: Change) => void} apply
 * @property {Connection["request"]} request
 * @property {(replica: Replica) => "socket" | "http" | null} transport what can be used now, if
 *   anything
 * @property {(replica: Replica) => void} onResync the replica must catch up before the next attempt
 * @property {() => void} onExpired the token has expired
 */

/**
 * @typedef {object} PollingOptions
 * @property {Clock} clock
 * @property {Model} model
 * @property {() => boolean} isVisible whether any tab is visible
 * @property {() => string[]} wanted the conversations that any tab wants followed
 * @property {() => Promise<boolean>} list reads the list, and returns whether the server answered;
 *   never rejects
 * @property {(replica: Replica) => Promise<boolean>} catchUp the same for new entries
 * @property {() => void} onSuccess the server answered
 */

/**
 * @typedef {object} HistoryOptions
 * @property {Api} api
 * @property {(replica: Replica, entries: Entry[]) => void} onEntries receives entries after the
 *   replica's position
 * @property {(replica: Replica, entries: Entry[]) => void} onEarlier receives earlier entries
 * @property {() => void} onChange
 * @property {(error: unknown, replica: Replica) => void} onError
 */

/**
 * @typedef {object} ApiOptions
 * @property {string} base URL without a trailing slash
 * @property {Pick<Credentials, "token" | "refused" | "accepted" | "hasEnded">} credentials
 * @property {typeof globalThis.fetch} fetch
 * @property {Clock} clock
 */

/**
 * @typedef {object} CredentialsOptions
 * @property {TokenProvider} provider
 * @property {string} token the first token
 * @property {string} user the tokens' user; tokens of other users are ignored
 * @property {Clock} clock
 * @property {() => void} onRenewed there is a new token
 */

export {};
