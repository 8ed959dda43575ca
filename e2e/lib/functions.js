/** Invokes functions of a local stack by their names, as operators do. */
import assert from "node:assert/strict";

import { AwsClient } from "aws4fetch";

/**
 * @param {import('./stack.js').Stack} stack
 * @param {string} name of the function
 * @param {object} event
 * @returns {Promise<any>} the result
 */
export async function invoke(stack, name, event) {
  const { accessKeyId, secretAccessKey } = stack;
  const client = new AwsClient({
    accessKeyId,
    secretAccessKey,
    service: "lambda",
    region: "us-east-1",
    retries: 0,
  });
  const url = `${stack.lambda}/2015-03-31/functions/${name}/invocations`;
  const response = await client.fetch(url, { method: "POST", body: JSON.stringify(event) });
  const output = await response.json();
  assert.equal(response.headers.get("x-amz-function-error"), null, JSON.stringify(output));
  assert.equal(response.status, 200, JSON.stringify(output));
  return output;
}
