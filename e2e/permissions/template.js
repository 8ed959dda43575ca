/**
 * The template as data, with its intrinsic functions in their long form. Copies are written as
 * JSON, which is also YAML.
 */
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { CORE_SCHEMA, defineScalarTag, defineSequenceTag, load } from "js-yaml";

const TEMPLATE = fileURLToPath(new URL("../../infra/template.yaml", import.meta.url));

const longForm = (tag, argument) => {
  const name = tag.replace(/^!/, "");
  return { [["Ref", "Condition"].includes(name) ? name : `Fn::${name}`]: argument };
};

const INTRINSICS = [
  defineScalarTag("!", {
    matchByTagPrefix: true,
    resolve: (text, _explicit, tag) => longForm(tag, text),
  }),
  defineSequenceTag("!", {
    matchByTagPrefix: true,
    create: (tag) => ({ tag, items: [] }),
    addItem: (list, item) => void list.items.push(item),
    finalize: ({ tag, items }) => longForm(tag, items),
  }),
];

/** @returns {any} a new copy on each call */
function template() {
  const parsed = load(readFileSync(TEMPLATE, "utf8"), { schema: CORE_SCHEMA.withTags(INTRINSICS) });
  for (const { Properties } of Object.values(parsed.Resources)) {
    if (Properties?.CodeUri) Properties.CodeUri = resolve(dirname(TEMPLATE), Properties.CodeUri);
  }
  return parsed;
}

const statementsOf = ({ Properties }) =>
  (Properties?.Policies ?? []).flatMap(({ Statement }) => Statement);
const actionsOf = ({ Action }) => [Action].flat();

/**
 * Returns every permission of the template: one action of one statement of one function.
 *
 * @returns {{function: string, action: string, resource: object, statement: number}[]}
 */
export function permissions() {
  return Object.entries(template().Resources).flatMap(([name, resource]) =>
    statementsOf(resource).flatMap((statement, index) =>
      actionsOf(statement).map((action) => ({
        function: name,
        action,
        resource: statement.Resource,
        statement: index,
      })),
    ),
  );
}

/**
 * Writes a copy of the template without one permission.
 *
 * @param {string} path
 * @param {ReturnType<typeof permissions>[number]} lacking
 */
export async function writeWithout(path, lacking) {
  await writeChanged(path, (copy) => remove(copy, lacking));
}

/**
 * Writes a copy of the template after a change.
 *
 * @param {string} path
 * @param {(template: any) => void} change
 */
export async function writeChanged(path, change) {
  const copy = template();
  change(copy);
  await writeFile(path, JSON.stringify(copy, null, 2));
}

/** @param {any} copy @param {ReturnType<typeof permissions>[number]} lacking */
function remove(copy, lacking) {
  const { Policies } = copy.Resources[lacking.function].Properties;
  const statement = statementsOf(copy.Resources[lacking.function])[lacking.statement];
  statement.Action = actionsOf(statement).filter((action) => action !== lacking.action);
  for (const policy of Policies)
    policy.Statement = policy.Statement.filter(({ Action }) => [Action].flat().length > 0);
  copy.Resources[lacking.function].Properties.Policies = Policies.filter(
    ({ Statement }) => Statement.length > 0,
  );
}
