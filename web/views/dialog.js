/** What dialogs have in common. They are loaded when first wanted, and so are their styles. */

import { element, stylesheet } from "./element.js";

/** @import { Child } from "./element.js" */

await stylesheet("dialogs.css");

/**
 * A dialog that is named by its heading.
 * @param {string} heading id of the heading
 * @param {Record<string, string>} attributes
 * @param {...Child} children
 */
export function dialog(heading, attributes, ...children) {
  return element("dialog", { "aria-labelledby": heading, ...attributes }, ...children);
}

/** Opens a dialog, wherever it was before. @param {HTMLDialogElement} root */
export function show(root) {
  if (!root.isConnected) document.body.append(root);
  root.showModal();
}
