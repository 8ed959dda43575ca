/** Looks for violations of accessibility rules with axe-core. */

import axe from "axe-core";

/** A rule of WCAG 2.2 AA that axe runs only on request. */
const RULES = { "target-size": { enabled: true } };

/**
 * Where something covers the text, such as the button that jumps to the end, axe cannot decide. The
 * text is checked on other screens.
 */
const isCovered = ({ any }) => /^elmPartiallyObscured$|^bgOverlap$/.test(any[0]?.data?.messageKey);

/**
 * Returns the violations of a window as "rule: element" in both colour schemes, and the rules that
 * were applied.
 */
export async function audit(window) {
  const violations = [];
  const rules = new Set();
  for (const colorScheme of ["light", "dark"]) {
    await window.page.emulateMedia({ colorScheme });
    // Evaluated rather than added as an element, which the page's policy would block.
    await window.page.evaluate(`globalThis.axe ?? ${axe.source}`);
    const {
      violations: failed,
      incomplete,
      passes,
    } = await window.page.evaluate((options) => globalThis.axe.run(options), { rules: RULES });
    for (const { id, nodes } of [...failed, ...incomplete])
      for (const node of nodes.filter((one) => !isCovered(one)))
        violations.push(`${colorScheme}, ${id}: ${node.target.join(" ")}: ${node.failureSummary}`);
    for (const { id } of passes) rules.add(id);
  }
  return { violations, rules };
}
