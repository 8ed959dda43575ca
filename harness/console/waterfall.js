/** One trace: its events as bars on one axis, in the order of their starts, each with its details. */
import { clock, duration, element, money } from "./dom.js";

/**
 * Returns the trace of an event, or the event alone if it has none.
 *
 * @param {import("./store.js").Store} store
 * @param {import("./store.js").Event} event
 * @param {(event: import("./store.js").Event) => void} resend is called to send an event again
 */
export function waterfall(store, event, resend) {
  const events = [...(store.traceOf(event)?.events ?? [event])];
  events.sort(
    (one, other) =>
      one.startTimeUnixMicro - other.startTimeUnixMicro || other.durationMicro - one.durationMicro,
  );
  const begin = events[0].startTimeUnixMicro;
  const ends = events.map((one) => one.startTimeUnixMicro + one.durationMicro);
  const length = Math.max(1, ends.reduce((most, end) => Math.max(most, end), begin) - begin);
  const parents = new Map(events.map((one) => [one.spanId, one.parentSpanId]));
  const depth = (one) => {
    let steps = 0;
    for (let id = one.parentSpanId; id !== undefined && steps < 8; id = parents.get(id))
      if (parents.has(id)) steps += 1;
    return steps;
  };
  const cost = events.reduce((sum, one) => sum + (one.cost ?? 0), 0);
  return element(
    "section",
    { class: "waterfall", "aria-label": "Trace", "data-testid": "waterfall" },
    element("h2", {}, `${event.name}, ${duration(length)}`),
    element(
      "p",
      { class: "hint" },
      [clock(begin), money(cost), event.traceId && `trace ${event.traceId}`]
        .filter(Boolean)
        .join(" · "),
    ),
    ...events.map((one) => bar(one, depth(one), begin, length, resend)),
  );
}

function bar(event, depth, begin, length, resend) {
  const mark = element("span", { class: `bar ${event.kind}` });
  mark.style.marginLeft = `${(100 * (event.startTimeUnixMicro - begin)) / length}%`;
  mark.style.width = `${Math.max(0.4, (100 * event.durationMicro) / length)}%`;
  const name = element("span", { class: "name" }, `${event.kind} ${event.name}`);
  name.style.paddingLeft = `${depth * 0.8}rem`;
  const details = element(
    "details",
    { class: `event ${event.level}`, "data-testid": "event", "data-kind": event.kind },
    element(
      "summary",
      {},
      name,
      element("span", { class: "track" }, mark),
      element("span", { class: "took" }, duration(event.durationMicro)),
      element("span", { class: "key" }, summary(event)),
    ),
    attributes(event),
  );
  if (event.body !== undefined) {
    details.append(
      element(
        "details",
        {},
        element("summary", {}, "Body"),
        element("pre", { tabindex: 0 }, event.body),
      ),
    );
    if (event.kind === "invocation")
      details.append(
        element("button", { type: "button", click: () => resend(event) }, "Send again"),
      );
  }
  return details;
}

/** The detail that is most worth seeing at once. */
export function summary({ attributes }) {
  const shown = [
    attributes["aws.dynamodb.condition"] && "condition failed",
    attributes["error.type"] ?? attributes["error.message"],
    attributes["process.state"],
    attributes["faas.coldstart"] && "cold start",
    attributes.outcome !== "success" && attributes.outcome,
    attributes["http.response.status_code"] >= 400 && attributes["http.response.status_code"],
    attributes["aws.dynamodb.key"] ?? attributes["aws.apigateway.connection_id"],
    attributes["fault.on"],
    attributes["aws.resource"],
  ];
  return shown.filter(Boolean).join(" · ");
}

function attributes(event) {
  const all = Object.entries(event.attributes);
  if (event.cost) all.push(["cost", money(event.cost)]);
  return element(
    "dl",
    {},
    ...all.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, String(value))]),
  );
}
