/**
 * A WebSocket client (RFC 6455) on Node's own modules. Node.js 20 has none, and the one of later
 * versions hides the status of a refused handshake.
 */
import { createHash, randomBytes } from "node:crypto";

import { ask } from "./http.js";
import { Problem } from "./problem.js";

/** The constant that RFC 6455 adds to a handshake's key. */
const ACCEPT_SUFFIX = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const Opcode = { continuation: 0, text: 1, close: 8, ping: 9, pong: 10 };
/** There was no close frame. */
const ABNORMAL = 1006;

/**
 * Performs a handshake and returns the answer, whatever its status.
 *
 * @param {string} url
 * @param {{headers: Record<string, string>, patience: number}} options
 */
export async function handshake(url, { headers, patience }) {
  const key = randomBytes(16).toString("base64");
  const upgrade = {
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": key,
  };
  const answer = await ask(url, { headers: { ...upgrade, ...headers }, patience });
  const accept = createHash("sha1").update(`${key}${ACCEPT_SUFFIX}`).digest("base64");
  if (answer.upgraded && answer.headers["sec-websocket-accept"] !== accept)
    throw new Problem(`${new URL(url).host} accepts a handshake but is no WebSocket server.`);
  return answer;
}

/** An open socket. Only text is received and sent. */
export class Socket {
  #socket;
  #bytes = Buffer.alloc(0);
  /** @type {Buffer[]} */
  #parts = [];
  #code = ABNORMAL;
  /** @type {(text: string) => void} */
  onText = () => {};
  /** @type {(code: number) => void} */
  onClose = () => {};

  /** @param {{socket: import('node:net').Socket, head: Buffer}} upgraded */
  constructor({ socket, head }) {
    this.#socket = socket;
    if (head.length > 0) socket.unshift(head);
    socket.on("data", (bytes) => this.#read(bytes));
    socket.on("error", () => {}); // `close` follows.
    socket.on("close", () => this.onClose(this.#code));
  }

  /** @param {string} text shorter than 64 KB */
  send(text) {
    this.#write(Opcode.text, Buffer.from(text));
  }

  close() {
    const code = Buffer.alloc(2);
    code.writeUInt16BE(1000);
    this.#write(Opcode.close, code);
    this.#socket.end();
  }

  /** @param {Buffer} bytes */
  #read(bytes) {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    for (let frame = parse(this.#bytes); frame !== null; frame = parse(this.#bytes)) {
      this.#bytes = this.#bytes.subarray(frame.length);
      this.#received(frame);
    }
  }

  /** @param {NonNullable<ReturnType<typeof parse>>} frame */
  #received({ opcode, isLast, payload }) {
    if (opcode === Opcode.text || opcode === Opcode.continuation) {
      this.#parts.push(payload);
      if (!isLast) return;
      const text = Buffer.concat(this.#parts).toString();
      this.#parts = [];
      this.onText(text);
    } else if (opcode === Opcode.ping) {
      this.#write(Opcode.pong, payload);
    } else if (opcode === Opcode.close) {
      if (payload.length >= 2) this.#code = payload.readUInt16BE(0);
      this.#write(Opcode.close, payload.subarray(0, 2));
      this.#socket.end();
    }
  }

  /** @param {number} opcode @param {Buffer} payload */
  #write(opcode, payload) {
    if (!this.#socket.writable) return;
    const { length } = payload;
    if (length > 0xffff) throw new RangeError("a frame to the server has at most 65,535 bytes");
    const size = length < 126 ? [length] : [126, length >> 8, length & 0xff];
    const mask = randomBytes(4);
    const masked = payload.map((byte, index) => byte ^ (mask[index % 4] ?? 0));
    const header = Buffer.from([0x80 | opcode, 0x80 | (size[0] ?? 0), ...size.slice(1)]);
    this.#socket.write(Buffer.concat([header, mask, masked]));
  }
}

/** Parses the first frame. Returns `null` if it is incomplete. @param {Buffer} bytes */
function parse(bytes) {
  if (bytes.length < 2) return null;
  const short = bytes.readUInt8(1) & 0x7f;
  const header = short === 126 ? 4 : short === 127 ? 10 : 2;
  if (bytes.length < header) return null;
  let size = short;
  if (short === 126) size = bytes.readUInt16BE(2);
  if (short === 127) size = Number(bytes.readBigUInt64BE(2));
  const length = header + size;
  if (bytes.length < length) return null;
  const first = bytes.readUInt8(0);
  return {
    opcode: first & 0x0f,
    isLast: (first & 0x80) !== 0,
    payload: bytes.subarray(header, length),
    length,
  };
}
