/**
 * A server that refuses every call of every service of AWS. A client checks its arguments before it
 * calls a service, so a command that is refused is one that the AWS CLI accepts.
 */
import { once } from "node:events";
import { createServer } from "node:http";

/** What the AWS CLI says of a refused call. */
export const REFUSED = "(Refused) when calling the";

/** @returns {Promise<{url: string, close: () => void}>} */
export async function refuseEverything() {
  const server = createServer((request, response) => {
    request.resume();
    // The older protocols ask in forms, and are answered in XML.
    const isForm = request.headers["content-type"]?.startsWith("application/x-www-form-urlencoded");
    const [type, body] = isForm
      ? ["text/xml", "<ErrorResponse><Error><Code>Refused</Code></Error></ErrorResponse>"]
      : ["application/x-amz-json-1.0", '{"__type": "Refused"}'];
    response.writeHead(400, { "content-type": type, "x-amzn-errortype": "Refused" }).end(body);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  return { url: `http://127.0.0.1:${port}`, close: () => server.close() };
}
