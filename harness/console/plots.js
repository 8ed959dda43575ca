/** Plots over the last minutes, and the comparison of the time before and after a moment. */
import { duration, element, money, svg, table } from "./dom.js";
import { percentile } from "./store.js";

const BUCKETS = 60;
const BUCKET_US = 10_000_000;
const WIDTH = 600;
const HEIGHT = 80;

/** The moment that both sides of the comparison meet at. */
let moment = null;

/** @param {import("./store.js").Store} store */
export function plots(store) {
  const panel = element("div", {});
  const draw = () => {
    const now = Date.now() * 1_000;
    const buckets = Array.from({ length: BUCKETS }, sums);
    for (const event of store.events) {
      const place = BUCKETS - 1 - Math.floor((now - event.startTimeUnixMicro) / BUCKET_US);
      if (place >= 0 && place < BUCKETS) add(buckets[place], event);
    }
    for (const bucket of buckets) bucket.times.sort((one, other) => one - other);
    panel.replaceChildren(
      element("p", { class: "hint" }, "The last ten minutes, in steps of ten seconds."),
      plot(
        "Requests",
        buckets.map(({ times }) => times.length),
        String,
      ),
      plot(
        "Median of the duration",
        buckets.map(({ times }) => percentile(times, 0.5)),
        duration,
      ),
      plot(
        "95 % of the durations",
        buckets.map(({ times }) => percentile(times, 0.95)),
        duration,
      ),
      plot(
        "Read units",
        buckets.map(({ reads }) => reads),
        (units) => units.toFixed(1),
      ),
      plot(
        "Write units",
        buckets.map(({ writes }) => writes),
        (units) => units.toFixed(1),
      ),
      plot(
        "Cost",
        buckets.map(({ cost }) => cost),
        (cost) => money(cost) || "$0",
      ),
      comparison(store, draw),
    );
  };
  draw();
  return { panel, refresh: draw };
}

const sums = () => ({ times: [], reads: 0, writes: 0, cost: 0, errors: 0 });

function add(bucket, { parentSpanId, traceId, durationMicro, attributes, cost, level }) {
  if (traceId !== undefined && parentSpanId === undefined) bucket.times.push(durationMicro);
  bucket.reads += attributes["aws.dynamodb.read_units"] ?? 0;
  bucket.writes += attributes["aws.dynamodb.write_units"] ?? 0;
  bucket.cost += cost ?? 0;
  if (level === "error") bucket.errors += 1;
}

function plot(title, values, shown) {
  const most = values.reduce((one, other) => Math.max(one, other), 0);
  const width = WIDTH / values.length;
  const label = `${title}: at most ${shown(most)}, at last ${shown(values.at(-1))}`;
  return element(
    "figure",
    {},
    element("figcaption", {}, label),
    svg(
      "svg",
      { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": label },
      ...values.map((value, index) => {
        const height = most > 0 ? (HEIGHT * value) / most : 0;
        return svg("rect", {
          x: index * width,
          y: HEIGHT - height,
          width: width - 1,
          height,
        });
      }),
    ),
  );
}

function comparison(store, draw) {
  const section = element(
    "section",
    {},
    element("h2", {}, "Before and after a moment"),
    element(
      "button",
      {
        type: "button",
        click: () => {
          moment = Date.now() * 1_000;
          draw();
        },
      },
      moment === null ? "Mark this moment" : "Mark this moment instead",
    ),
  );
  if (moment === null) return section;
  const sides = [sums(), sums()];
  for (const event of store.events) add(sides[event.startTimeUnixMicro < moment ? 0 : 1], event);
  for (const side of sides) side.times.sort((one, other) => one - other);
  const each = (side, sum) => (side.times.length > 0 ? sum / side.times.length : 0);
  const rows = [
    ["requests", (side) => String(side.times.length)],
    ["median", (side) => duration(percentile(side.times, 0.5))],
    ["95 %", (side) => duration(percentile(side.times, 0.95))],
    ["read units of a request", (side) => each(side, side.reads).toFixed(2)],
    ["write units of a request", (side) => each(side, side.writes).toFixed(2)],
    ["cost of a request", (side) => money(each(side, side.cost))],
    ["errors", (side) => String(side.errors)],
  ];
  section.append(
    table(
      "Comparison",
      ["measure", "before", "after"],
      rows.map(([name, of]) => [name, ...sides.map(of)]),
    ),
  );
  return section;
}
