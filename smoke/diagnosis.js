/** What an answer says about a deployment, and what to do about it. */
import { Problem } from "./problem.js";
import { claimsOf } from "./tokens.js";

/** The token was refused. @param {number} status @param {string} used */
export function refused(status, used) {
  const { iss, aud, exp } = claimsOf(used);
  if (Number(exp) * 1_000 < Date.now())
    return new Problem(`The token has ended (exp ${exp}). Give a new one.`);
  return new Problem(
    `The stack refuses the token (${status}). It has iss “${iss}” and aud “${aud}”: these must be the ` +
      `stack's TokenIssuer and TokenAudience, letter by letter, and it must be signed by that issuer's ` +
      `key or secret. The authorizer's log says which one differs.`,
  );
}

/** The stage or the user is throttled. @param {string} request */
export function throttled(request) {
  return new Problem(
    `${request} is answered 429. Wait a minute, or deploy with higher throttles (infra/README.md, “Limits”).`,
  );
}

/**
 * The request failed on the server, or was rejected against expectation.
 *
 * @param {string} request
 * @param {{status: number, json: Record<string, any>}} answer
 */
export function failed(request, { status, json }) {
  const { code, detail, message } = json;
  if (code === "rate_limited") return throttled(request);
  const said = detail ?? message;
  return new Problem(
    `${request} is answered ${status}${code ? ` ${code}` : ""}${said ? ` (“${said}”)` : ""}. ` +
      `Search the functions' log for this request: it has the reason. “AccessDenied” there names a ` +
      `permission that the template lacks; a start that failed names a parameter.`,
  );
}

/** A stored message was not pushed. @param {string} name of the function @param {number} seq */
export function notPushed(name, seq) {
  return new Problem(
    `Message ${seq} is stored, but it was not pushed to the other client. Check that ${name} may ` +
      `execute-api:ManageConnections on this WebSocket API, and that its ` +
      `AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI is the URL of this stage. Its log says what failed.`,
  );
}
