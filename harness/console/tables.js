/** The items of the tables, by key. Values other than keys are shown only when an item is opened. */
import { call } from "./calls.js";
import { element, field, select } from "./dom.js";

const PAGE = 100;

/** What was asked for last. */
const last = { table: "", index: "", partition: "", sort: "" };

export function tables(state, report) {
  const results = element("div", { "data-testid": "items" });
  const known = state.overview?.tables ?? [];
  const current = () => known.find(({ name }) => name === last.table) ?? known[0];
  const form = element("form", { class: "bar-of-fields" });
  const input = (name) =>
    element("input", {
      value: last[name],
      autocomplete: "off",
      spellcheck: "false",
      "data-testid": name,
      input: ({ target }) => {
        last[name] = target.value;
      },
    });
  const draw = () => {
    const table = current();
    if (!table) return form.replaceChildren(element("p", {}, "The template has no table."));
    const names = select(
      known.map(({ name }) => [name, name]),
      { change: ({ target }) => Object.assign(last, { table: target.value, index: "" }) && draw() },
    );
    const indexes = select([["", "table"], ...table.indexes.map(({ name }) => [name, name])], {
      change: ({ target }) => Object.assign(last, { index: target.value }) && draw(),
    });
    names.value = table.name;
    indexes.value = last.index;
    const [partition, sort] = keysOf(table);
    form.replaceChildren(
      field("Table", names),
      field("Index", indexes),
      field(`${partition} is`, input("partition")),
      ...(sort ? [field(`${sort} begins with`, input("sort"))] : []),
      element("button", { type: "submit" }, "Show"),
    );
  };
  const keysOf = ({ keys, indexes }) =>
    indexes.find(({ name }) => name === last.index)?.keys ?? keys;
  const load = async (start) => {
    const table = current();
    const [partition, sort] = keysOf(table);
    const type = (key) =>
      table.attributes.find(({ AttributeName }) => AttributeName === key)?.AttributeType ?? "S";
    const request = { TableName: table.name, Limit: PAGE, ExclusiveStartKey: start };
    if (last.index !== "") request.IndexName = last.index;
    const queries = last.partition !== "";
    if (queries) {
      request.KeyConditionExpression = "#p = :p";
      request.ExpressionAttributeNames = { "#p": partition };
      request.ExpressionAttributeValues = { ":p": { [type(partition)]: last.partition } };
      if (sort && last.sort !== "") {
        const isText = type(sort) === "S";
        request.KeyConditionExpression += isText ? " AND begins_with(#s, :s)" : " AND #s = :s";
        request.ExpressionAttributeNames["#s"] = sort;
        request.ExpressionAttributeValues[":s"] = { [type(sort)]: last.sort };
      }
    }
    const operation = queries ? "Query" : "Scan";
    const page = await call(`/.local/console/tables/${operation}`, {
      method: "POST",
      body: request,
    });
    if (start === undefined) results.replaceChildren();
    else results.lastElementChild?.remove();
    results.append(...page.Items.map((item) => shown(item, table.keys)));
    const { LastEvaluatedKey: next } = page;
    results.append(
      next
        ? element("button", { type: "button", click: () => load(next).catch(report) }, "More")
        : element("p", { class: "hint" }, `${results.childElementCount} items`),
    );
  };
  const shown = (item, keys) => {
    const others = Object.keys(item).filter((name) => !keys.includes(name));
    const values = element("pre", { tabindex: 0, role: "region", "aria-label": "Item" });
    return element(
      "details",
      {
        class: "item",
        toggle: () => {
          values.textContent = JSON.stringify(item, null, 2);
        },
      },
      element(
        "summary",
        {},
        ...keys.map((key) => element("code", {}, `${key} = ${text(item[key])}`)),
        element("span", { class: "hint" }, others.sort().join(" ")),
      ),
      values,
      element(
        "button",
        {
          type: "button",
          click: () => {
            Object.assign(last, { partition: text(item[keys[0]]), sort: "", index: "" });
            draw();
            load().catch(report);
          },
        },
        `All with this ${keys[0]}`,
      ),
    );
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    load().catch(report);
  });
  draw();
  return { panel: element("div", {}, form, results) };
}

const text = (value) => String(Object.values(value ?? {})[0] ?? "");
