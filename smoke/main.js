/** The command `bin/smoke`: reads its arguments, runs the checks, and prints a line for each. */
import { parseArgs } from "node:util";

import { readConfiguration } from "./page.js";
import { Problem, UsageError } from "./problem.js";
import { smoke } from "./run.js";
import { tokensOfTwo } from "./tokens.js";

const HELP = `bin/smoke [OPTIONS] PAGE        the URL of the hosted page, which names the two APIs
bin/smoke [OPTIONS] HTTP WS     the stack's outputs HttpUrl and WebSocketUrl; needs --origin

Checks a deployed stack as two users with a browser would use it: CORS, tokens, handshakes, every
action, a push to a second client, HTTP, and a long catch-up. It leaves one conversation of eight
messages without participants.

  --origin ORIGIN     the origin of the page, one of AllowedOrigins
  --idle MINUTES      also checks a push after so many minutes without a message, for example 10
  --patience SECONDS  how long an answer may take (15)

Environment: CONFAB_HTTP, CONFAB_WS, CONFAB_ORIGIN or CONFAB_PAGE instead of arguments. Tokens come
from one of
  CONFAB_SECRET_FILE  a file with the secret that signs HS256 tokens (or the secret in
                      CONFAB_SECRET), with CONFAB_ISSUER and CONFAB_AUDIENCE
  CONFAB_TOKENS_FILE  a file with the tokens of two users (or CONFAB_TOKENS)
  CONFAB_LOGIN        a URL where POST {user} returns {token}, as the local stack has

It needs Node.js 20 or newer and no packages.

Exit status: 0 all checks pass, 1 one fails, 2 the command is incomplete.`;

/** @returns {Promise<number>} the exit status */
async function main() {
  const { values, positionals } = readArguments();
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const patience = number("--patience", values.patience ?? "15") * 1_000;
  const target = await readTarget(positionals, values.origin, patience);
  const run = Date.now().toString(36);
  const variables = { CONFAB_LOGIN: target.login ?? undefined, ...process.env };
  const tokens = await tokensOfTwo(variables, [`smoke-${run}-1`, `smoke-${run}-2`]);
  const idleMinutes = number("--idle", values.idle ?? "0");
  return (await smoke({ target, tokens, patience, idleMinutes, print: console.log })) ? 0 : 1;
}

function readArguments() {
  const text = /** @type {const} */ ({ type: "string" });
  const flag = /** @type {const} */ ({ type: "boolean" });
  const options = { origin: text, idle: text, patience: text, help: flag };
  try {
    return parseArgs({ options, allowPositionals: true });
  } catch (error) {
    throw new UsageError(/** @type {Error} */ (error).message);
  }
}

/** @param {string} name @param {string} value */
function number(name, value) {
  if (/^\d+$/.test(value)) return Number(value);
  throw new UsageError(`${name} must be a whole number`);
}

/**
 * @param {string[]} given
 * @param {string | undefined} givenOrigin
 * @param {number} patience
 */
async function readTarget(given, givenOrigin, patience) {
  const { CONFAB_HTTP, CONFAB_WS, CONFAB_PAGE, CONFAB_ORIGIN } = process.env;
  const named = [CONFAB_PAGE, ...(CONFAB_PAGE ? [] : [CONFAB_HTTP, CONFAB_WS])];
  const urls = (given.length > 0 ? given : named.filter((url) => url !== undefined)).map(readUrl);
  const ws = urls.find(({ protocol }) => protocol.startsWith("ws"));
  const http = urls.find(({ protocol }) => protocol.startsWith("http"));
  if (http === undefined || urls.length !== (ws === undefined ? 1 : 2))
    throw new UsageError("give the page's URL, or HttpUrl and WebSocketUrl");
  const origin = givenOrigin ?? CONFAB_ORIGIN;
  if (ws === undefined) {
    const configuration = await readConfiguration(http.href, patience);
    const { login } = configuration;
    const apis = { http: trimmed(configuration.http), ws: trimmed(configuration.ws) };
    return { ...apis, login, origin: origin ?? http.origin, page: http.href };
  }
  if (origin === undefined) throw new UsageError("--origin is required without a page's URL");
  return { http: trimmed(http.href), ws: trimmed(ws.href), login: null, origin, page: null };
}

/** @param {string} text */
function readUrl(text) {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url !== null && /^(https?|wss?):$/.test(url.protocol)) return url;
  throw new UsageError(`${text} is not a URL of http, https, ws or wss`);
}

/** @param {string} url */
function trimmed(url) {
  return url.replace(/\/+$/, "");
}

try {
  process.exitCode = await main();
} catch (error) {
  if (error instanceof UsageError)
    console.error(`smoke: ${error.message}; bin/smoke --help explains it`);
  else if (error instanceof Problem) console.error(`FAIL  ${error.message}`);
  else throw error;
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
