import { element } from "./element.js";

/** @param {string} href */
export function stylesheet(href) {
  return new Promise((resolve) =>
    document.head.append(
      element("link", { rel: "stylesheet", href, onload: resolve, onerror: resolve }),
    ),
  );
}
