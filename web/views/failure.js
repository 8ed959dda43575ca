/** What is below a message that was not sent, or not changed. */

import { element } from "./element.js";
import { stylesheet } from "./stylesheet.js";

await stylesheet("failure.css");

/**
 * @param {string} problem
 * @param {{onRetry: () => void, onDiscard: () => void}} options
 */
export function failure(problem, { onRetry, onDiscard }) {
  const button = (
    /** @type {string} */ text,
    /** @type {string} */ hook,
    /** @type {() => void} */ onclick,
  ) => element("button", { type: "button", "data-testid": hook, onclick }, text);
  return element(
    "div",
    { class: "failure" },
    element("span", {}, problem),
    button("Try again", "message-retry", onRetry),
    button("Discard", "message-discard", onDiscard),
  );
}
