#!/usr/bin/env node
/**
 * A bot that replies to messages of the form `!echo TEXT` in one conversation.
 *
 *     node examples/bot/bot.js CONVERSATION [AFTER]
 *
 * The bot's user, `echo` by default, must be a participant. Without AFTER the bot replies to new
 * messages only; with the position that it printed last, it also replies to those it has missed.
 *
 * Environment: CONFAB_HTTP, CONFAB_WS and CONFAB_LOGIN; by default those of `cargo dev`.
 */
import { connect } from "./client.js";

const {
  CONFAB_HTTP = "http://localhost:3000",
  CONFAB_WS = "ws://localhost:3001/dev",
  CONFAB_LOGIN = `${CONFAB_HTTP}/.local/login`,
  BOT = "echo",
} = process.env;
const [id, after] = process.argv.slice(2);
if (id === undefined) {
  console.error("usage: node examples/bot/bot.js CONVERSATION [AFTER]");
  process.exit(2);
}

/** Replace this with your own issuer of tokens. */
async function token() {
  const response = await fetch(CONFAB_LOGIN, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ user: BOT, name: "Echo" }),
  });
  return (await response.json()).token;
}

const client = await connect({ http: CONFAB_HTTP, ws: CONFAB_WS, token });
const conversation = client.conversation(id);

for await (const entry of conversation.entries(
  after === undefined ? {} : { after: Number(after) },
)) {
  if (entry.event === "message" && entry.sender !== BOT && entry.body.startsWith("!echo ")) {
    // Rejects only if the server rejects the message; after a lost connection it is sent again.
    await conversation.send(entry.body.slice("!echo ".length));
  }
  console.log(`position ${entry.seq}`);
}
