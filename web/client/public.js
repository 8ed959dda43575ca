/** The public types of the client. Never loaded: `index.js` is what runs. */

export * from "./index.js";

/** @typedef {import("./types.js").ConversationInfo} ConversationInfo */
/** @typedef {import("./types.js").Line} Line */
/** @typedef {import("./types.js").Message} Message */
/** @typedef {import("./types.js").Person} Person */
/** @typedef {import("./quotes.js").Quotes} Quotes */
/** @typedef {import("./types.js").Reaction} Reaction */
/** @typedef {import("./types.js").State} State */
/** @typedef {import("./types.js").Settings} Settings */
/** @typedef {import("./types.js").Environment} Environment */
/** @typedef {import("./types.js").OutboxRow} OutboxRow */
/** @typedef {import("./types.js").OutboxStorage} OutboxStorage */
/** @typedef {import("./types.js").Socket} Socket */
/** @typedef {import("./types.js").TokenProvider} TokenProvider */
/** @typedef {import("./types.js").Entry} Entry */
/** @typedef {import("./types.js").Problem} Problem */
