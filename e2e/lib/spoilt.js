/**
 * Spoils a message of a page on its way, by a control character behind it, so that the server refuses it: the page's own
 * checks let nothing through that would be. What is sent after `repair` goes out as it is.
 *
 * @param {import('playwright-core').Page} page before it is loaded
 * @param {string} body
 */
export async function spoil(page, body) {
  await page.addInitScript((text) => {
    const { send } = WebSocket.prototype;
    globalThis.confabSpoils = true;
    WebSocket.prototype.send = function (frame) {
      send.call(this, globalThis.confabSpoils ? frame.replace(text, `${text}\\u0007`) : frame);
    };
  }, body);
}

/** @param {import('playwright-core').Page} page */
export function repair(page) {
  return page.evaluate(() => (globalThis.confabSpoils = false));
}
