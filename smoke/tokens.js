/**
 * Where the tokens of a test come from. Secrets and tokens come by file or environment, because
 * other users of a machine can read its command lines.
 *
 * | variable | value |
 * | --- | --- |
 * | `CONFAB_SECRET_FILE`, `CONFAB_SECRET` | the secret of an issuer that signs with HS256; tokens are signed here |
 * | `CONFAB_ISSUER`, `CONFAB_AUDIENCE` | `iss` and `aud` of these tokens |
 * | `CONFAB_TOKENS_FILE`, `CONFAB_TOKENS` | the tokens of two users, separated by blanks or newlines |
 * | `CONFAB_LOGIN` | a URL where `POST {user, …}` returns `{token}`, as the local stack has |
 */
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";

import { ask } from "./http.js";
import { Problem, UsageError } from "./problem.js";

const LIFETIME_S = 3_600;

/** @typedef {{name?: string, expiresIn?: number, audience?: string}} TokenOptions */

/**
 * Returns a token for a user. `expiresIn` is in seconds; a negative value gives an expired token.
 * @typedef {(user: string, options?: TokenOptions) => Promise<string>} TokenSource
 */

/** @param {object} part */
const encoded = (part) => Buffer.from(JSON.stringify(part)).toString("base64url");

/**
 * Signs a token by HS256.
 *
 * @param {object} claims
 * @param {string} secret
 */
export function sign(claims, secret) {
  const signed = `${encoded({ alg: "HS256", typ: "JWT" })}.${encoded(claims)}`;
  return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
}

/** Returns the claims of a token without verifying it. @param {string} token */
export function claimsOf(token) {
  try {
    return Object(JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()));
  } catch {
    return {};
  }
}

/**
 * Returns a source of tokens for any user, or `null` if the variables name none.
 *
 * @param {NodeJS.ProcessEnv} variables
 * @returns {TokenSource | null}
 */
export function tokenSource(variables) {
  const secret = given(variables, "CONFAB_SECRET");
  if (secret !== null) {
    const { CONFAB_ISSUER: iss, CONFAB_AUDIENCE: aud } = variables;
    if (!iss || !aud)
      throw new UsageError(
        "with a secret, CONFAB_ISSUER and CONFAB_AUDIENCE are required: the stack's TokenIssuer and TokenAudience",
      );
    return async (user, { name = user, expiresIn = LIFETIME_S, audience = aud } = {}) => {
      const exp = Math.floor(Date.now() / 1_000) + expiresIn;
      return sign({ iss, aud: audience, sub: user, name, exp }, secret);
    };
  }
  const login = variables.CONFAB_LOGIN;
  return login ? (user, options) => logIn(login, user, options) : null;
}

/**
 * Returns the tokens of two users.
 *
 * @param {NodeJS.ProcessEnv} variables
 * @param {[string, string]} users their ids, if this program may choose them
 * @returns {Promise<[string, string]>}
 */
export async function tokensOfTwo(variables, users) {
  const ready = given(variables, "CONFAB_TOKENS");
  if (ready !== null) {
    const [first, second, ...others] = ready.split(/\s+/).filter(Boolean);
    if (!first || !second || others.length > 0)
      throw new UsageError("CONFAB_TOKENS must have the tokens of exactly two users");
    if (claimsOf(first).sub === claimsOf(second).sub)
      throw new UsageError("CONFAB_TOKENS must be the tokens of two different users (“sub”)");
    return [first, second];
  }
  const source = tokenSource(variables);
  if (source === null)
    throw new UsageError(
      "no tokens: set CONFAB_SECRET_FILE (with CONFAB_ISSUER and CONFAB_AUDIENCE), CONFAB_TOKENS_FILE or CONFAB_LOGIN",
    );
  return /** @type {[string, string]} */ (await Promise.all(users.map((user) => source(user))));
}

/**
 * Reads a secret from the file that `NAME_FILE` names, or from the variable `NAME`. Returns `null`
 * if neither is set.
 *
 * @param {NodeJS.ProcessEnv} variables
 * @param {string} name
 */
function given(variables, name) {
  const file = variables[`${name}_FILE`];
  if (!file) return variables[name] || null;
  try {
    // Editors and command-line tools end a file with a newline.
    return readFileSync(file, "utf8").replace(/\r?\n$/, "");
  } catch (error) {
    throw new UsageError(`${name}_FILE cannot be read: ${/** @type {Error} */ (error).message}`);
  }
}

/** @param {string} url @param {string} user @param {TokenOptions} [options] */
async function logIn(url, user, options = {}) {
  const json = { user, ...options };
  const answer = await ask(url, { method: "POST", json, patience: 30_000 });
  if (answer.status === 200 && typeof answer.json.token === "string") return answer.json.token;
  throw new Problem(`The login at CONFAB_LOGIN answers ${answer.status} without a token.`);
}
