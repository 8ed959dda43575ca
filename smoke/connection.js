/** One user's WebSocket connection: pairs replies with requests, and keeps what is pushed. */
import { parsed } from "./http.js";
import { Problem } from "./problem.js";
import { handshake, Socket } from "./socket.js";

export const SUBPROTOCOL = "confab.v1";

/** @typedef {import('./checks.js').Context} Context */
/** @typedef {Record<string, any>} Frame */
/** @typedef {{fits: (frame: Frame) => boolean, settle: (frame: Frame | null) => void}} Waiter */

export class Connection {
  #socket;
  #patience;
  #requests = 0;
  /** Pushed frames that nobody has asked for yet. @type {Frame[]} */
  #inbox = [];
  /** @type {Waiter[]} */
  #waiters = [];
  /** The close code, once the connection has ended. @type {number | null} */
  ended = null;
  /** The length in bytes of the last frame of each event. @type {Map<string, number>} */
  lengths = new Map();

  /** @param {Socket} socket @param {number} patience in milliseconds */
  constructor(socket, patience) {
    this.#socket = socket;
    this.#patience = patience;
    socket.onText = (text) => this.#received(text);
    socket.onClose = (code) => {
      this.ended = code;
      for (const { settle } of this.#waiters.splice(0)) settle(null);
    };
  }

  /**
   * Connects as a browser does. Returns the answer if the handshake is refused.
   *
   * @param {Pick<Context, 'target' | 'patience'>} context
   * @param {string | null} token
   * @param {string} [origin] the page's, if it is not the target's
   */
  static async open({ target, patience }, token, origin = target.origin) {
    const offered = token === null ? SUBPROTOCOL : `${SUBPROTOCOL}, bearer.${token}`;
    const headers = { origin, "sec-websocket-protocol": offered };
    const answer = await handshake(target.ws, { headers, patience });
    const connection = answer.upgraded
      ? new Connection(new Socket(answer.upgraded), patience)
      : null;
    return { connection, status: answer.status, headers: answer.headers };
  }

  /**
   * Sends a request and returns its reply, which may be an error.
   *
   * @param {string} action
   * @param {object} [fields]
   * @returns {Promise<Frame>}
   * @throws {Problem} if there is no reply
   */
  async request(action, fields = {}) {
    const ref = `smoke-${++this.#requests}`;
    if (this.ended !== null) throw new Problem(`The connection ended (${this.ended}).`);
    this.#socket.send(JSON.stringify({ action, ref, ...fields }));
    // A frame of the gateway itself has no `ref` and no `event`.
    const reply = await this.#next((frame) => frame.ref === ref || frame.event === undefined);
    if (reply === null) throw this.#unanswered(action);
    if (reply.event === undefined)
      throw new Problem(
        `API Gateway answers ${action} with “${reply.message}”: the function failed or could not be called. ` +
          `Search the functions' log for its last lines, and check the function's timeout and permission to be called.`,
      );
    return reply;
  }

  /**
   * Returns the next pushed frame that fits, or `null` if there is none in time.
   *
   * @param {(frame: Frame) => boolean} fits
   */
  pushed(fits) {
    return this.#next(fits);
  }

  close() {
    if (this.ended === null) this.#socket.close();
  }

  /** @param {string} action */
  #unanswered(action) {
    if (this.ended !== null)
      return new Problem(
        `The connection ended (${this.ended}) instead of a reply to ${action}.` +
          `${this.ended === 1009 ? " The reply was too long for API Gateway." : ""}`,
      );
    const route = action === "" ? "$default" : action;
    return new Problem(
      `There is no reply to ${action === "" ? "an unknown action" : action} within ${this.#patience / 1000} s. ` +
        `Check that the route ${route} has RouteResponseSelectionExpression $default and an ` +
        `AWS::ApiGatewayV2::RouteResponse in the template, then deploy again.`,
    );
  }

  /** @param {string} text */
  #received(text) {
    const frame = parsed(text);
    this.lengths.set(String(frame.event), Buffer.byteLength(text));
    const index = this.#waiters.findIndex(({ fits }) => fits(frame));
    const [waiter] = index < 0 ? [] : this.#waiters.splice(index, 1);
    if (waiter) waiter.settle(frame);
    else this.#inbox.push(frame);
  }

  /** @param {(frame: Frame) => boolean} fits @returns {Promise<Frame | null>} */
  #next(fits) {
    const index = this.#inbox.findIndex(fits);
    if (index >= 0) return Promise.resolve(this.#inbox.splice(index, 1)[0] ?? null);
    if (this.ended !== null) return Promise.resolve(null);
    return new Promise((resolve) => {
      /** @type {Waiter} */
      const waiter = {
        fits,
        settle: (frame) => {
          clearTimeout(timer);
          resolve(frame);
        },
      };
      const timer = setTimeout(() => {
        this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
        resolve(null);
      }, this.#patience);
      this.#waiters.push(waiter);
    });
  }
}
