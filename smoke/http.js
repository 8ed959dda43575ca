/** HTTP requests and handshakes on Node's own modules, which show what browsers and `fetch` hide. */
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";

import { Problem } from "./problem.js";

/**
 * @typedef {object} Answer
 * @property {number} status
 * @property {import('node:http').IncomingHttpHeaders} headers
 * @property {string} text the body
 * @property {Record<string, any>} json the body as JSON, `{}` if it is none
 * @property {{socket: import('node:net').Socket, head: Buffer}} [upgraded] after a handshake
 */

/**
 * Sends one request and returns the answer, whatever its status.
 *
 * @param {string} url `ws:` and `wss:` mean `http:` and `https:`
 * @param {{method?: string, headers?: Record<string, string>, json?: object, patience: number}}
 *   options `patience` is in milliseconds
 * @returns {Promise<Answer>}
 * @throws {Problem} if there is no answer
 */
export async function ask(url, { method = "GET", headers = {}, json, patience }) {
  const { href, protocol, host } = new URL(url.replace(/^ws/, "http"));
  const body = json === undefined ? undefined : Buffer.from(JSON.stringify(json));
  const sent = {
    ...(body && { "content-type": "application/json", "content-length": String(body.length) }),
    ...headers,
  };
  const request = (protocol === "https:" ? httpsRequest : httpRequest)(href, {
    method,
    headers: sent,
    // A new connection, because a server may end a kept one at any moment.
    agent: false,
    signal: AbortSignal.timeout(patience),
  });
  try {
    return await new Promise((resolve, reject) => {
      request.on("upgrade", ({ statusCode, headers: received }, socket, head) =>
        resolve({
          status: statusCode ?? 0,
          headers: received,
          text: "",
          json: {},
          upgraded: { socket, head },
        }),
      );
      request.on("response", (response) => read(response).then(resolve, reject));
      request.on("error", reject);
      request.end(body);
    });
  } catch (error) {
    throw new Problem(
      `${host} does not answer (${reason(error)}). Compare the URL with the stack's outputs.`,
    );
  }
}

/** @param {import('node:http').IncomingMessage} response */
async function read(response) {
  const chunks = [];
  for await (const chunk of response) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  return { status: response.statusCode ?? 0, headers: response.headers, text, json: parsed(text) };
}

/** @param {string} text @returns {Record<string, any>} */
export function parsed(text) {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
}

/** @param {unknown} error */
function reason(error) {
  const { name, code, message } = /** @type {NodeJS.ErrnoException} */ (error);
  return name === "AbortError" || name === "TimeoutError" ? "timeout" : (code ?? message);
}
