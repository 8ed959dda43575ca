/**
 * Appends a control character to one message of a page on its way out, so that the server rejects
 * it. The page's own checks would not let such a message through. After `stopCorrupting`, messages
 * are sent unchanged.
 *
 * @param {import('playwright-core').Page} page before it is loaded
 * @param {string} body
 */
export async function corrupt(page, body) {
  await page.addInitScript((text) => {
    const { send } = WebSocket.prototype;
    globalThis.confabCorrupts = true;
    WebSocket.prototype.send = function (frame) {
      send.call(this, globalThis.confabCorrupts ? frame.replace(text, `${text}\\u0007`) : frame);
    };
  }, body);
}

/** @param {import('playwright-core').Page} page */
export function stopCorrupting(page) {
  return page.evaluate(() => (globalThis.confabCorrupts = false));
}
