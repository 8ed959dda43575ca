/** The requests of the console. */

/** The requests failed. The message is for the developer. */
export class CallError extends Error {}

/**
 * Calls the harness and returns the JSON of the answer, or the text.
 *
 * @param {string} path
 * @param {{method?: string, body?: unknown}} [options] `body` is sent as JSON; a string as it is
 */
export async function call(path, { method = "GET", body } = {}) {
  const text = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
  let response;
  try {
    response = await fetch(path, { method, body: text });
  } catch {
    throw new CallError("The harness does not answer. Is it still running?");
  }
  const answer = await response.text();
  const json = parsed(answer);
  if (!response.ok && json?.kind === undefined)
    throw new CallError(json?.message ?? (answer.trim() || `status ${response.status}`));
  return json ?? answer;
}

/** Returns the overview of the stack. */
export const overview = () => call("/.local/console/overview");

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
