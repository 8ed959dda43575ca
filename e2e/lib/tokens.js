/** Derives invalid tokens from a valid one. */
import {
  createHmac,
  createPublicKey,
  createSign,
  generateKeyPairSync,
  randomBytes,
} from "node:crypto";

import { sign } from "../../smoke/tokens.js";

const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
const decode = (part) => JSON.parse(Buffer.from(part, "base64url").toString());

/** Returns the header and the claims of a token. @param {string} token */
export function read(token) {
  const [header, claims] = token.split(".");
  return { header: decode(header), claims: decode(claims) };
}

/**
 * Fetches the issuer's public keys through discovery.
 *
 * @param {string} issuer
 * @returns {Promise<object[]>} JWKs
 */
export async function publicKeys(issuer) {
  const discovery = await (await fetch(`${issuer}/.well-known/openid-configuration`)).json();
  return (await (await fetch(discovery.jwks_uri)).json()).keys;
}

/** A token signed by a key or secret that is not the issuer's. */
export function signedByAnother(token, headerFields = {}) {
  const { header, claims } = read(token);
  if (header.alg === "HS256") return sign(claims, randomBytes(32));
  const { privateKey, publicKey } = newKey(header.alg);
  const fields =
    typeof headerFields === "function"
      ? headerFields(publicKey.export({ format: "jwk" }))
      : headerFields;
  const signed = `${encode({ ...header, ...fields })}.${encode(claims)}`;
  const signature = createSign("sha256")
    .update(signed)
    .sign({ key: privateKey, dsaEncoding: "ieee-p1363" });
  return `${signed}.${signature.toString("base64url")}`;
}

/** A token with other claims under the original signature. */
export function altered(token, change) {
  const { claims } = read(token);
  const [header, , signature] = token.split(".");
  return `${header}.${encode({ ...claims, ...change })}.${signature}`;
}

/** An unsigned token, which RFC 7519 allows and no verifier should accept. */
export function unsigned(token, alg = "none") {
  const { header, claims } = read(token);
  return `${encode({ ...header, alg })}.${encode(claims)}.`;
}

/**
 * Key confusion: tokens signed by HS256 with the public key as the shared secret, in each form in
 * which a careless verifier may hold it.
 *
 * @param {string} token
 * @param {object} jwk the public key of the token's signature
 * @returns {[string, string][]} the form of the secret, and the token
 */
export function keyConfused(token, jwk) {
  const { header, claims } = read(token);
  const key = createPublicKey({ key: jwk, format: "jwk" });
  const pem = key.export({ type: "spki", format: "pem" });
  const secrets = {
    PEM: pem,
    "PEM without its last newline": pem.trimEnd(),
    DER: key.export({ type: "spki", format: "der" }),
    JWK: JSON.stringify(jwk),
  };
  const signed = `${encode({ ...header, alg: "HS256" })}.${encode(claims)}`;
  return Object.entries(secrets).map(([form, secret]) => [
    form,
    `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`,
  ]);
}

function newKey(alg) {
  return alg === "ES256"
    ? generateKeyPairSync("ec", { namedCurve: "prime256v1" })
    : generateKeyPairSync("rsa", { modulusLength: 2048 });
}
