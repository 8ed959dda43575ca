/**
 * A low-level WebSocket client: it exposes the response to the handshake and the frames of
 * messages, and sends any frame.
 */
import { randomBytes } from "node:crypto";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";

/** How long anything may take: much longer than any cold start on a busy machine. */
const PATIENCE_MS = 45_000;

export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 };

/** Returns the result of a promise. Fails if it takes too long. */
export async function within(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`waited ${PATIENCE_MS / 1000} s for ${what}`)),
      PATIENCE_MS,
    );
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Performs a handshake.
 *
 * @param {string} url `ws:` or `wss:`
 * @param {Record<string, string | string[]>} headers sent after those of the handshake, or alone if
 *   `plain`
 * @returns {Promise<{status: number, headers: object, body?: string, socket?: Socket}>} with a
 *   socket if it was accepted
 */
export async function handshake(url, headers = {}, { plain = false } = {}) {
  const { protocol, href } = new URL(url);
  const request = protocol === "wss:" ? httpsRequest : httpRequest;
  const upgrade = {
    Connection: "Upgrade",
    Upgrade: "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": randomBytes(16).toString("base64"),
  };
  const answered = new Promise((resolve, reject) => {
    request(href.replace(/^ws/, "http"), { headers: plain ? headers : { ...upgrade, ...headers } })
      .on("upgrade", ({ statusCode: status, headers }, connection, head) =>
        resolve({ status, headers, socket: new Socket(connection, head) }),
      )
      .on("response", async (response) => {
        const body = Buffer.concat(await response.toArray()).toString();
        resolve({ status: response.statusCode, headers: response.headers, body });
      })
      .on("error", reject)
      .end();
  });
  return within(answered, "the response to a handshake");
}

/** An open connection. */
export class Socket {
  #connection;
  #unread;
  #fragments = [];
  #arrived = [];
  #waiting = [];

  constructor(connection, head) {
    this.#connection = connection;
    this.#unread = head;
    connection.on("data", (data) => {
      this.#unread = Buffer.concat([this.#unread, data]);
      this.#parse();
    });
    connection.on("error", () => {});
    connection.on("close", () => this.#arrive({ kind: "end" }));
    this.#parse();
  }

  /** Sends one text message in one frame: a string unchanged, anything else as JSON. */
  send(message) {
    this.frame(OPCODE.text, typeof message === "string" ? message : JSON.stringify(message));
  }

  /** Sends one frame. */
  frame(opcode, payload = "", { last = true } = {}) {
    const data = Buffer.from(payload);
    const mask = randomBytes(4);
    const length = Buffer.alloc(data.length < 126 ? 1 : data.length < 65_536 ? 3 : 9);
    if (data.length < 126) length[0] = data.length;
    else if (data.length < 65_536) length.writeUInt16BE(data.length, length.writeUInt8(126));
    else length.writeBigUInt64BE(BigInt(data.length), length.writeUInt8(127));
    length[0] |= 0x80;
    const masked = data.map((byte, index) => byte ^ mask[index % 4]);
    this.#connection.write(
      Buffer.concat([Buffer.of((last ? 0x80 : 0) | opcode), length, mask, masked]),
    );
  }

  /** Sends a close frame, with a payload only if there is a code. */
  close(code, reason = "") {
    const payload =
      code === undefined ? "" : Buffer.from([code >> 8, code & 0xff, ...Buffer.from(reason)]);
    this.frame(OPCODE.close, payload);
  }

  /** Cuts the network connection without a close frame. */
  cut() {
    this.#connection.destroy();
  }

  /**
   * Returns what arrives next: a text message with the lengths of its frames, a binary message, a
   * pong, a close frame, or the end of the connection.
   *
   * @returns {Promise<{kind: string, text?: string, frames?: number[], code?: number, reason?:
   *   string}>}
   */
  next() {
    if (this.#arrived.length > 0) return Promise.resolve(this.#arrived.shift());
    return within(new Promise((resolve) => this.#waiting.push(resolve)), "a frame");
  }

  /** Returns the next message, which must be JSON text. */
  async json() {
    const { kind, text } = await this.next();
    if (kind !== "text") throw new Error(`expected a text message, received: ${kind}`);
    return JSON.parse(text);
  }

  #parse() {
    for (;;) {
      const data = this.#unread;
      if (data.length < 2) return;
      const short = data[1] & 0x7f;
      const start = short === 126 ? 4 : short === 127 ? 10 : 2;
      if (data.length < start) return;
      const length =
        short === 126
          ? data.readUInt16BE(2)
          : short === 127
            ? Number(data.readBigUInt64BE(2))
            : short;
      if (data.length < start + length) return;
      this.#unread = data.subarray(start + length);
      this.#take(data[0] & 0x0f, (data[0] & 0x80) !== 0, data.subarray(start, start + length));
    }
  }

  #take(opcode, last, payload) {
    if (opcode === OPCODE.ping) this.frame(OPCODE.pong, payload);
    else if (opcode === OPCODE.pong) this.#arrive({ kind: "pong", text: payload.toString() });
    else if (opcode === OPCODE.close) {
      const code = payload.length < 2 ? undefined : payload.readUInt16BE(0);
      this.#arrive({ kind: "close", code, reason: payload.subarray(2).toString() });
      if (!this.#connection.destroyed) this.close(code);
      this.#connection.end();
    } else {
      this.#fragments.push({ opcode, payload });
      if (!last) return;
      const fragments = this.#fragments.splice(0);
      const whole = Buffer.concat(fragments.map((fragment) => fragment.payload));
      const kind = fragments[0].opcode === OPCODE.text ? "text" : "binary";
      this.#arrive({
        kind,
        text: whole.toString(),
        frames: fragments.map((fragment) => fragment.payload.length),
      });
    }
  }

  #arrive(thing) {
    const waiting = this.#waiting.shift();
    if (waiting) waiting(thing);
    else this.#arrived.push(thing);
  }
}
