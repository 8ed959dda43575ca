/**
 * Returns what a device needs to reach the stack.
 *
 * @param {{http: string, ws: string, login: string}} addresses
 * @returns {import('./device.js').Endpoints}
 */
export function endpointsOf({ http, ws, login }) {
  return {
    http,
    ws,
    origin: new URL(http).origin,
    async token(user, { expiresIn } = {}) {
      const response = await fetch(login, {
        method: "POST",
        body: JSON.stringify({ user, ...(expiresIn && { expiresIn }) }),
      });
      if (!response.ok) throw new Error(`login answered ${response.status}`);
      return (await response.json()).token;
    },
  };
}
