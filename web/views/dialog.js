/** What the dialogs share. Dialogs and their styles are loaded when they are first needed. */

import { element, icon } from "./element.js";
import { stylesheet } from "./stylesheet.js";

/** @import { Child } from "./element.js" */

await stylesheet("dialogs.css");

/**
 * Creates a dialog that its heading names.
 * @param {string} heading id of the heading
 * @param {Record<string, string>} attributes
 * @param {...Child} children
 */
export function dialog(heading, attributes, ...children) {
  return element("dialog", { "aria-labelledby": heading, ...attributes }, ...children);
}

/** @param {HTMLDialogElement} root */
export function show(root) {
  if (!root.isConnected) document.body.append(root);
  root.showModal();
}

export function closeIcon() {
  return icon("M6 6l12 12M18 6L6 18");
}
