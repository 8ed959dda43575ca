/** The functions: their processes now, and what the kept events say about them. */
import { duration, element, table } from "./dom.js";
import { percentile } from "./store.js";

const empty = () => ({ times: [], cold: 0, errors: 0, throttled: 0, memory: 0 });

/** @param {import("./store.js").Store} store @param {(text: string) => void} find */
export function functions(store, state, find) {
  const panel = element("div", {});
  const draw = () => {
    const known = new Map();
    for (const { kind, attributes } of store.events) {
      if (kind !== "invocation") continue;
      const id = attributes["faas.name"];
      const sums = known.get(id) ?? empty();
      known.set(id, sums);
      if (attributes["aws.lambda.duration_us"] !== undefined)
        sums.times.push(attributes["aws.lambda.duration_us"]);
      if (attributes["faas.coldstart"]) sums.cold += 1;
      if (attributes.outcome === "throttled") sums.throttled += 1;
      else if (attributes.outcome !== "success") sums.errors += 1;
      sums.memory = Math.max(sums.memory, attributes["aws.lambda.memory_used"] ?? 0);
    }
    const rows = (state.overview?.functions ?? []).map(({ id, memory, occupation }) => {
      const sums = known.get(id) ?? empty();
      const times = sums.times.sort((one, other) => one - other);
      const [limit, now] = occupation ?? [memory, {}];
      return [
        element("button", { type: "button", class: "link", click: () => find(id) }, id),
        `${now.processes ?? 0} (${now.idle ?? 0} idle)`,
        String(now.waiting ?? 0),
        String(times.length),
        String(sums.cold),
        String(sums.errors),
        String(sums.throttled),
        ...[0.5, 0.95, 0.99].map((share) =>
          times.length > 0 ? duration(percentile(times, share)) : "",
        ),
        sums.memory > 0 ? `${Math.ceil(sums.memory / 2 ** 20)} of ${limit} MB` : `${limit} MB`,
      ];
    });
    panel.replaceChildren(
      table(
        "Functions",
        [
          "function",
          "processes",
          "waiting",
          "invocations",
          "cold",
          "errors",
          "throttled",
          "p50",
          "p95",
          "p99",
          "memory",
        ],
        rows,
      ),
    );
  };
  draw();
  return { panel, refresh: draw };
}
