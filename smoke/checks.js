/**
 * The checks, in the order in which they run. Each needs the ones before it. A check throws a
 * {@link Problem}, whose message says what is wrong and what to do.
 */
import { randomUUID } from "node:crypto";

import { Action } from "../web/client/protocol.js";
import { Connection, SUBPROTOCOL } from "./connection.js";
import { failed, notPushed, refused, throttled } from "./diagnosis.js";
import { ask } from "./http.js";
import { allows, readConfiguration } from "./page.js";
import { Problem } from "./problem.js";
import { claimsOf } from "./tokens.js";

/** API Gateway splits longer messages into frames, and whether it does so for replies is unproved. */
const LONGEST_REPLY = 32_768;
/** The gateway ends a connection after ten minutes without a frame; the page pings this often. */
const PING_EVERY_MS = 5 * 60_000;
const FOREIGN_ORIGIN = "https://not-allowed.example";
/** The actions without a reply, as docs/protocol.md says. @type {readonly string[]} */
const UNANSWERED = [Action.typing, Action.receipt];

/**
 * @typedef {object} Target
 * @property {string} http without a slash at its end
 * @property {string} ws with the stage
 * @property {string} origin of the page
 * @property {string | null} page its URL
 */

/**
 * What the checks share.
 * @typedef {object} Context
 * @property {Target} target
 * @property {[string, string]} tokens of two users
 * @property {number} patience how long an answer may take, in milliseconds
 * @property {number} idleMinutes 0 leaves out the check of an idle connection
 * @property {(ms: number) => Promise<void>} pause waits
 * @property {(text: string) => void} note reports a finding that is no failure
 * @property {string} conversation the id of the conversation of this run
 * @property {number} head the position of its newest entry
 * @property {Connection[]} connections one of each user
 */

/**
 * @typedef {object} Check
 * @property {string} name
 * @property {(context: Context) => Promise<void>} run
 * @property {(context: Context) => boolean} [applies] by default always
 */

/** @type {Check[]} */
export const CHECKS = [
  {
    name: "the page names both APIs and may call them",
    run: page,
    applies: ({ target }) => target.page !== null,
  },
  { name: "pages may call the HTTP API (CORS)", run: preflight },
  { name: "a request without a token is refused", run: refusal },
  { name: "the tokens are accepted over HTTP", run: token },
  { name: "a handshake without a token, or from a foreign page, is refused", run: foreign },
  { name: "a handshake with a token is accepted", run: connect },
  { name: "every action with a reply is answered", run: replies },
  { name: "a conversation is created over HTTP", run: create },
  { name: "both clients subscribe", run: subscribe },
  { name: "a message is stored and pushed to a second client", run: send },
  { name: "a message sent over HTTP reaches both clients", run: fallback },
  { name: "a client that was away catches up, page by page", run: catchUp },
  {
    name: "a connection that was idle still receives",
    run: idle,
    applies: ({ idleMinutes }) => idleMinutes > 0,
  },
  { name: "both users leave", run: leave },
];

/** @param {Context} context */
async function page({ target, patience }) {
  if (target.page === null) return; // It does not apply.
  const { headers, status } = await ask(target.page, { patience });
  if (status !== 200)
    throw new Problem(
      `${target.page} answers ${status}. Publish the folder web/, or check the page's URL.`,
    );
  const configuration = await readConfiguration(target.page, patience);
  const policy = String(headers["content-security-policy"] ?? "");
  for (const url of [configuration.http, configuration.ws]) {
    if (policy !== "" && !allows(policy, target.origin, url))
      throw new Problem(
        `The page's Content-Security-Policy does not let it call ${new URL(url).origin}. ` +
          `Add it to connect-src where the page is hosted.`,
      );
  }
}

/** @param {Context} context */
async function preflight({ target, patience }) {
  const headers = {
    origin: target.origin,
    "access-control-request-method": "POST",
    "access-control-request-headers": "authorization,content-type",
  };
  const answer = await ask(`${target.http}/conversations`, {
    method: "OPTIONS",
    headers,
    patience,
  });
  assertAllowed(answer, target.origin, "a preflight");
  const named = (/** @type {string} */ name) =>
    String(answer.headers[name] ?? "")
      .toLowerCase()
      .split(/\s*,\s*/);
  const allowed = named("access-control-allow-headers");
  for (const header of ["authorization", "content-type"]) {
    if (!allowed.includes(header) && !allowed.includes("*"))
      throw new Problem(
        `The HTTP API does not let pages send the header ${header}. ` +
          `Add it to CorsConfiguration.AllowHeaders of the template, then deploy again.`,
      );
  }
  const methods = named("access-control-allow-methods");
  for (const method of ["get", "post", "put", "delete"]) {
    if (!methods.includes(method) && !methods.includes("*"))
      throw new Problem(
        `The HTTP API does not let pages use ${method.toUpperCase()}. ` +
          `Add it to CorsConfiguration.AllowMethods of the template, then deploy again.`,
      );
  }
}

/**
 * @param {import('./http.js').Answer} answer
 * @param {string} origin
 * @param {string} what
 */
function assertAllowed({ status, headers }, origin, what) {
  const allowed = headers["access-control-allow-origin"];
  if (allowed === origin || allowed === "*") return;
  throw new Problem(
    `The HTTP API does not let pages of ${origin} read its answers: ${what} (${status}) has ` +
      `${allowed === undefined ? "no Access-Control-Allow-Origin" : `Access-Control-Allow-Origin ${allowed}`}. ` +
      `Deploy with ${origin} in AllowedOrigins, without a slash at its end.`,
  );
}

/** @param {Context} context */
async function refusal({ target, patience, note }) {
  const headers = { origin: target.origin };
  const answer = await ask(`${target.http}/conversations`, { headers, patience });
  if (answer.status !== 401)
    throw new Problem(
      `A request without a token is answered ${answer.status} instead of 401. ` +
        `Check that HttpUrl is the URL of this stack and that its routes have the authorizer.`,
    );
  // Whether AWS sends CORS headers with it is unproved, and the client does not depend on it.
  if (answer.headers["access-control-allow-origin"] === undefined)
    note("API Gateway sends its 401 without CORS headers; the client looks at the token's end");
}

/** @param {Context} context */
async function token({ target, tokens, patience }) {
  for (const used of tokens) {
    const headers = { origin: target.origin, authorization: `Bearer ${used}` };
    const answer = await ask(`${target.http}/conversations`, { headers, patience });
    if (answer.status === 401 || answer.status === 403) throw refused(answer.status, used);
    if (answer.status === 429) throw throttled("GET /conversations");
    if (answer.status !== 200) throw failed("GET /conversations", answer);
    assertAllowed(answer, target.origin, "an answer");
  }
}

/** @param {Context} context */
async function foreign(context) {
  const without = await Connection.open(context, null);
  without.connection?.close();
  if (without.status !== 401)
    throw new Problem(
      `A handshake without a token is answered ${without.status} instead of 401. ` +
        `Check that WebSocketUrl is the URL of this stack and that $connect has the authorizer.`,
    );
  const { connection, status } = await Connection.open(context, context.tokens[0], FOREIGN_ORIGIN);
  connection?.close();
  if (status === 101)
    context.note("AllowedOrigins has *, so the page of any site may connect with a user's token");
  else if (status !== 403)
    throw new Problem(
      `A handshake from a foreign page is answered ${status} instead of 403. ` +
        `Search the log of AuthorizerFunction: it has the reason.`,
    );
}

/** @param {Context} context */
async function connect(context) {
  for (const used of context.tokens) {
    const { connection, status, headers } = await Connection.open(context, used);
    if (status === 401) throw refused(status, used);
    if (status === 403)
      throw new Problem(
        `The handshake of a page of ${context.target.origin} is refused (403). ` +
          `Deploy with ${context.target.origin} in AllowedOrigins, without a slash at its end.`,
      );
    if (status === 429) throw throttled("The handshake");
    if (connection === null) throw failed("The handshake", { status, json: {} });
    context.connections.push(connection);
    if (headers["sec-websocket-protocol"] !== SUBPROTOCOL)
      throw new Problem(
        `The handshake is accepted without the subprotocol ${SUBPROTOCOL}, so browsers drop the connection. ` +
          `Check that $connect is integrated with ConnectFunction and that nothing between drops the header.`,
      );
  }
}

/** @param {Context} context */
async function replies({ connections }) {
  const connection = first(connections);
  const { heads } = await connection.request("ping");
  if (heads === undefined) throw new Problem("The reply to ping is no “pong”.");
  // Without fields, a request is invalid and has no effect, but it is answered.
  const answered = Object.values(Action).filter((action) => !UNANSWERED.includes(action));
  for (const action of ["", ...answered]) {
    const reply = await connection.request(action);
    if (reply.code === "internal" || reply.code === "unauthenticated")
      throw failed(action === "" ? "An unknown action" : action, { status: 200, json: reply });
  }
}

/** @param {Context} context */
async function create(context) {
  const participants = context.tokens.map((used) => claimsOf(used).sub);
  const { id } = await call(context, 0, "POST", "/conversations", {
    id: context.conversation,
    title: "Smoke test",
    participants: participants.slice(1),
  });
  if (id !== context.conversation) throw new Problem("The answer names another conversation.");
}

/** @param {Context} context */
async function subscribe({ connections, conversation }) {
  for (const connection of connections) {
    const reply = await connection.request("subscribe", { conversation, after: 0 });
    if (reply.event !== "subscribed") throw failed("subscribe", { status: 200, json: reply });
  }
}

/** @param {Context} context */
async function send(context) {
  const { connections, conversation } = context;
  const [sender, receiver] = [first(connections), second(connections)];
  const body = "The first message of a smoke test.";
  const message = { conversation, id: randomUUID(), body, after: 0 };
  const reply = await sender.request("sendMessage", message);
  if (reply.event !== "sent") throw failed("sendMessage", { status: 200, json: reply });
  context.head = reply.seq;
  if ((await receiver.pushed(({ seq }) => seq === reply.seq)) === null)
    throw notPushed("SendMessageFunction", reply.seq);
}

/** @param {Context} context */
async function fallback(context) {
  const body = "A message over HTTP.";
  const { seq } = await say(context, body);
  for (const connection of context.connections) {
    if ((await connection.pushed((frame) => frame.seq === seq)) === null)
      throw notPushed("RestFunction", seq);
  }
}

/** @param {Context} context @param {string} body */
async function say(context, body) {
  const { conversation, head } = context;
  const path = `/conversations/${encodeURIComponent(conversation)}/messages`;
  const sent = await call(context, 1, "POST", path, { id: randomUUID(), body, after: head });
  context.head = sent.seq;
  return sent;
}

/** @param {Context} context */
async function catchUp(context) {
  const { connections, conversation } = context;
  // Together longer than two frames.
  for (let count = 0; count < 6; count += 1) await say(context, `${count} `.padEnd(12_000, "."));
  const connection = first(connections);
  let after = 0;
  let isLimited = true;
  while (isLimited) {
    const reply = await connection.request("subscribe", { conversation, after }).catch((error) => {
      if (!(error instanceof Problem)) throw error;
      throw new Problem(
        `A page of missed entries does not arrive (after ${after} of ${context.head}). If shorter replies do, ` +
          `the page is too long for API Gateway: lower PAGE_BYTES in shared/chat/src/routes/subscribe.rs. ` +
          `(${error.message})`,
      );
    });
    if (reply.event !== "subscribed") throw failed("subscribe", { status: 200, json: reply });
    const length = connection.lengths.get("subscribed") ?? 0;
    if (length > LONGEST_REPLY)
      throw new Problem(
        `A page of missed entries has ${length} bytes, and only ${LONGEST_REPLY} are sure to pass API Gateway. ` +
          `Lower PAGE_BYTES in shared/chat/src/routes/subscribe.rs, then deploy again.`,
      );
    for (const { seq } of reply.events) {
      if (seq !== after + 1)
        throw new Problem(`Catching up after ${after} returns entry ${seq}: entries are missing.`);
      after = seq;
    }
    if (reply.limited && reply.events.length === 0) throw new Problem("A page has no entries.");
    isLimited = reply.limited;
  }
  if (after !== context.head)
    throw new Problem(`Catching up ends at entry ${after}, but ${context.head} are stored.`);
}

/** @param {Context} context */
async function idle(context) {
  const { connections, idleMinutes, pause } = context;
  for (let left = idleMinutes * 60_000; left > 0; left -= PING_EVERY_MS) {
    await pause(Math.min(left, PING_EVERY_MS));
    for (const connection of connections) await connection.request("ping");
  }
  const { seq } = await say(context, "A message after a pause.");
  for (const connection of connections) {
    if ((await connection.pushed((frame) => frame.seq === seq)) === null)
      throw notPushed("RestFunction", seq);
  }
}

/** @param {Context} context */
async function leave(context) {
  const { connections, conversation, tokens } = context;
  for (const connection of connections) {
    const reply = await connection.request("unsubscribe", { conversation });
    if (reply.event !== "unsubscribed") throw failed("unsubscribe", { status: 200, json: reply });
  }
  for (const [index, used] of tokens.entries()) {
    const user = `base64url.${Buffer.from(claimsOf(used).sub).toString("base64url")}`;
    const path = `/conversations/${encodeURIComponent(conversation)}/participants/${user}`;
    await call(context, index, "DELETE", path);
  }
}

/**
 * Sends a request as one of the users and returns the body of the answer.
 *
 * @param {Context} context
 * @param {number} user 0 or 1
 * @param {string} method
 * @param {string} path
 * @param {object} [json]
 */
async function call({ target, tokens, patience }, user, method, path, json) {
  const headers = { origin: target.origin, authorization: `Bearer ${tokens[user]}` };
  const answer = await ask(`${target.http}${path}`, { method, headers, json, patience });
  const request = `${method} ${path.replace(/(?<=^\/conversations\/)[^/]+/, "{id}").replace(/base64url\..*/, "{user}")}`;
  if (answer.status < 200 || answer.status > 299) throw failed(request, answer);
  assertAllowed(answer, target.origin, request);
  return answer.json;
}

/** @param {Connection[]} connections */
const first = (connections) => /** @type {Connection} */ (connections[0]);
/** @param {Connection[]} connections */
const second = (connections) => /** @type {Connection} */ (connections[1]);
