/** A real OpenID Connect provider on this machine, whose token lifetimes and failures tests control. */
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { EventEmitter, once } from "node:events";
import { createServer } from "node:http";

import Provider from "oidc-provider";

export const CLIENT = "confab-page";

export class IdentityProvider {
  /** The lifetime of new ID tokens in seconds. */
  lifetime = 3_600;
  /** Whether the token endpoint is unavailable, without CORS headers, as a broken proxy answers. */
  isDown = false;
  /** The tokens that were issued, of all kinds. @type {string[]} */
  tokens = [];
  /** The number of answered refreshes. */
  refreshes = 0;
  /** The number of requests that got no answer while it was down. */
  unanswered = 0;
  #events = new EventEmitter();
  #grants = new Set();
  #server;
  #provider;

  /**
   * Starts a provider on a free port.
   *
   * @param {string} page the redirect URI of its only client
   */
  static async start(page) {
    const self = new IdentityProvider();
    self.#server = createServer().listen(0, "127.0.0.1");
    await once(self.#server, "listening");
    self.issuer = `http://127.0.0.1:${self.#server.address().port}`;
    self.#provider = self.#create(page);
    self.#server.on("request", self.#provider.callback());
    return self;
  }

  /**
   * Waits until a number of refreshes was answered since the start.
   *
   * @param {number} count
   */
  async refreshed(count) {
    while (this.refreshes < count) await once(this.#events, "refreshed");
  }

  /**
   * Waits until a number of requests got no answer since the start.
   *
   * @param {number} count
   */
  async stillAsked(count) {
    while (this.unanswered < count) await once(this.#events, "unanswered");
  }

  /** Makes all refresh tokens invalid, as an administrator does who ends a session. */
  async endSessions() {
    for (const grant of this.#grants) await this.#provider.RefreshToken.revokeByGrantId(grant);
  }

  async stop() {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  #create(page) {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
    const key = { ...privateKey.export({ format: "jwk" }), alg: "ES256", use: "sig", kid: "1" };
    const provider = new Provider(this.issuer, {
      jwks: { keys: [key] },
      cookies: { keys: [randomBytes(16).toString("hex")] },
      clients: [
        {
          client_id: CLIENT,
          redirect_uris: [page],
          post_logout_redirect_uris: [page],
          token_endpoint_auth_method: "none",
          grant_types: ["authorization_code", "refresh_token"],
          response_types: ["code"],
          id_token_signed_response_alg: "ES256",
        },
      ],
      clientBasedCORS: () => true,
      // The page's server reads the name from the ID token.
      conformIdTokenClaims: false,
      claims: { openid: ["sub"], profile: ["name"] },
      findAccount: (_context, id) => ({
        accountId: id,
        claims: () => ({ sub: id, name: `${id[0].toUpperCase()}${id.slice(1).split("-")[0]}` }),
      }),
      issueRefreshToken: () => true,
      rotateRefreshToken: true,
      pkce: { required: () => true },
      features: { revocation: { enabled: true }, rpInitiatedLogout: { enabled: true } },
      ttl: {
        AccessToken: 3_600,
        AuthorizationCode: 60,
        Grant: 3_600,
        IdToken: () => this.lifetime,
        Interaction: 600,
        RefreshToken: 3_600,
        Session: 3_600,
      },
    });
    provider.use(async (context, next) => {
      if (this.isDown && context.path === "/token") {
        context.status = 503;
        this.unanswered += 1;
        this.#events.emit("unanswered");
        return;
      }
      await next();
      if (context.path === "/token" && context.status === 200)
        for (const name of ["id_token", "access_token", "refresh_token"])
          this.tokens.push(context.body[name]);
    });
    provider.on("grant.success", ({ oidc }) => {
      this.#grants.add(oidc.entities.Grant.jti);
      if (oidc.params.grant_type !== "refresh_token") return;
      this.refreshes += 1;
      this.#events.emit("refreshed");
    });
    return provider;
  }
}

/**
 * Logs in on the provider's own pages, and agrees.
 *
 * @param {import('playwright-core').Page} page
 * @param {string} user
 */
export async function logInAtProvider(page, user) {
  await page.locator('input[name="login"]').fill(user);
  await page.locator('input[name="password"]').fill("any");
  await page.locator('button[type="submit"]').click();
  await page.getByRole("button", { name: "Continue" }).click();
}
