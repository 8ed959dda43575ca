/** The page as infra/web.yaml hosts it: on an origin of its own, with its `config.json`. */
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname } from "node:path";

const WEB = new URL("../../web/", import.meta.url);
const TYPES = {
  ".css": "text/css",
  ".html": "text/html",
  ".js": "text/javascript",
  ".svg": "image/svg+xml",
};

export class PageServer {
  /** The content of `config.json`. @type {{http?: string, ws?: string, oidc?: object}} */
  configuration = {};
  #server = createServer((request, response) => void this.#answer(request, response));

  static async start() {
    const server = new PageServer();
    server.#server.listen(0, "localhost");
    await once(server.#server, "listening");
    server.origin = `http://localhost:${server.#server.address().port}`;
    return server;
  }

  async stop() {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  /** What the page calls: the APIs and the identity provider. */
  get #sources() {
    const { http, ws, oidc } = this.configuration;
    const urls = [http, ws, oidc?.issuer].filter((url) => url !== undefined);
    return ["'self'", ...urls.map((url) => new URL(url).origin)].join(" ");
  }

  async #answer(request, response) {
    const { pathname } = new URL(request.url, this.origin);
    const name = pathname === "/" ? "/index.html" : pathname;
    response.setHeader("cache-control", "no-store");
    response.setHeader("referrer-policy", "no-referrer");
    response.setHeader(
      "content-security-policy",
      `default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src ${this.#sources}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    );
    try {
      const body =
        name === "/config.json"
          ? JSON.stringify(this.configuration)
          : await readFile(new URL(`.${name}`, WEB));
      response.setHeader("content-type", TYPES[extname(name)] ?? "application/json");
      response.end(body);
    } catch {
      response.statusCode = 404;
      response.end();
    }
  }
}
