/** A proxy in front of a WebSocket API that changes what the server sends. */
import { once } from "node:events";
import { createServer } from "node:http";

import WebSocket, { WebSocketServer } from "ws";

/**
 * Starts a proxy on a free port. Handshakes are refused as the server refuses them.
 *
 * @param {string} ws the URL of the API
 * @param {(text: string) => string | null} change returns what the client receives; `null` ends
 *   the connection with 1009
 */
export async function handshakeProxy(ws, change) {
  const sockets = new WebSocketServer({ noServer: true });
  const server = createServer().on("upgrade", (request, socket, head) => {
    const { origin, "sec-websocket-protocol": offered = "" } = request.headers;
    const protocols = offered.split(/\s*,\s*/).filter((name) => name !== "");
    const upstream = new WebSocket(ws, protocols, { origin });
    upstream.on("unexpected-response", (_request, { statusCode }) =>
      socket.end(`HTTP/1.1 ${statusCode} Refused\r\ncontent-length: 0\r\n\r\n`),
    );
    upstream.on("error", () => socket.writableEnded || socket.destroy());
    upstream.on("open", () =>
      sockets.handleUpgrade(request, socket, head, (client) => {
        client.on("message", (data) => upstream.send(data.toString()));
        client.on("close", () => upstream.close());
        upstream.on("close", () => client.close());
        upstream.on("message", (data) => {
          const text = change(data.toString());
          if (text === null) client.close(1009);
          else client.send(text);
        });
      }),
    );
  });
  const open = new Set();
  server.on("connection", (socket) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `ws://127.0.0.1:${server.address().port}`,
    async close() {
      const closed = once(server, "close");
      server.close();
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}
