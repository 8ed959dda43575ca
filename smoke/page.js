/** The hosted page: its configuration, and what its content security policy allows. */
import { ask } from "./http.js";
import { Problem } from "./problem.js";

/**
 * Reads the page's `config.json`.
 *
 * @param {string} page
 * @param {number} patience
 * @returns {Promise<{http: string, ws: string, login: string | null}>}
 */
export async function readConfiguration(page, patience) {
  const url = new URL("config.json", page).href;
  const { status, json } = await ask(url, { patience });
  const { http, ws, login } = json;
  if (status === 200 && typeof http === "string" && typeof ws === "string")
    return { http, ws, login: typeof login === "string" ? login : null };
  throw new Problem(
    `${url} (${status}) does not have “http” and “ws”. Publish it with the stack's HttpUrl and WebSocketUrl.`,
  );
}

/**
 * Returns whether `connect-src` of a content security policy allows a URL.
 *
 * @param {string} policy
 * @param {string} origin of the page
 * @param {string} url
 */
export function allows(policy, origin, url) {
  const directives = new Map(
    policy.split(";").map((directive) => {
      const [name = "", ...sources] = directive.trim().split(/\s+/);
      return [name.toLowerCase(), sources];
    }),
  );
  const sources = directives.get("connect-src") ?? directives.get("default-src");
  const { host, hostname, origin: wanted, protocol } = new URL(url);
  return (
    sources === undefined ||
    sources.some((source) => {
      if (source === "*" || source === protocol) return true;
      // Browsers let 'self' also match the socket of the same host.
      if (source === "'self'") return host === new URL(origin).host;
      if (source.startsWith(`${protocol}//*.`))
        return hostname.endsWith(source.slice(`${protocol}//*`.length));
      return URL.canParse(source) && new URL(source).origin === wanted;
    })
  );
}
