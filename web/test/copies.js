/** Copies the page's libraries from their npm packages: `npm install`, then `node test/copies.js`. */

import { readFileSync, writeFileSync } from "node:fs";

export const FOLDER = new URL("../vendor/", import.meta.url);
const packages = new URL("../node_modules/", import.meta.url);

/** Each copy, with the file that it is a copy of. */
export const COPIES = {
  "linkify-it.js": "linkify-it/build/index.mjs",
  "linkify-it.d.ts": "linkify-it/build/index.d.ts",
  "uc.micro.js": "uc.micro/build/index.mjs",
  "LICENSE-linkify-it": "linkify-it/LICENSE",
  "LICENSE-uc.micro": "uc.micro/LICENSE.txt",
};

/**
 * Returns a file as the page needs it: browsers find modules by path only.
 * @param {string} original a path in `node_modules`
 */
export function copyOf(original) {
  return readFileSync(new URL(original, packages), "utf8")
    .replace('from "uc.micro"', 'from "./uc.micro.js"')
    .replace(/\n\/\/# sourceMappingURL=.*/, "");
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  for (const [copy, original] of Object.entries(COPIES))
    writeFileSync(new URL(copy, FOLDER), copyOf(original));
}
