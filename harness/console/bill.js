/** What AWS would have charged so far. */
import { call } from "./calls.js";
import { element, field, money, select, table } from "./dom.js";

let region = "";

export function bill(report) {
  const shown = element("div", {});
  const load = async () => {
    const query = region === "" ? "" : `?region=${region}`;
    const made = await call(`/.local/bill${query}`).catch(report);
    if (made === undefined) return;
    const lines = made.lines.filter(({ quantity }) => quantity > 0);
    shown.replaceChildren(
      element("p", { "data-testid": "total" }, `$${made.total.toFixed(6)} in ${made.region}`),
      element("p", { class: "hint" }, `Prices of ${made.pricesAsOf}: ${made.note}.`),
      table(
        "Lines",
        ["service", "quantity", "unit", "price", "cost"],
        lines.map((line) => [
          `${line.service}, ${line.item}`,
          line.quantity.toPrecision(6),
          line.unit,
          `$${line.price}`,
          `$${line.cost.toFixed(8)}`,
        ]),
      ),
      table(
        "Actions",
        ["action", "pushes", "count", "each"],
        made.actions.map(({ action, pushes, count, each }) => [
          action,
          String(pushes),
          String(count),
          money(each) || "$0",
        ]),
      ),
    );
  };
  const regions = select(
    [
      ["", "as started"],
      ["us-east-1", "us-east-1"],
      ["eu-central-1", "eu-central-1"],
    ],
    {
      change: ({ target }) => {
        region = target.value;
        load();
      },
    },
  );
  regions.value = region;
  load();
  return {
    panel: element(
      "div",
      {},
      element("div", { class: "bar-of-fields" }, field("Prices", regions)),
      shown,
    ),
    refresh: load,
  };
}
