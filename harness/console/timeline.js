/** The timeline: one row for each request, or for each event, and the trace of the chosen one. */
import { clock, duration, element, field, money, select } from "./dom.js";
import { VirtualList } from "./list.js";
import { summary, waterfall } from "./waterfall.js";

const KINDS = [
  "socket",
  "http",
  "authorizer",
  "invocation",
  "dynamodb",
  "push",
  "webPush",
  "queue",
  "object",
  "delivery",
  "fault",
  "denied",
  "log",
  "process",
];
const LEVELS = ["ok", "warning", "error"];

/** What the timeline shows. It stays while other panels are open. */
const filter = { every: false, kind: "", level: 0, text: "" };

/** Makes the timeline show only events that contain a text. */
export function search(text) {
  Object.assign(filter, { every: true, kind: "", level: 0, text });
}

/** @param {import("./store.js").Store} store @param {(event: object) => void} resend */
export function timeline(store, resend) {
  let rows = [];
  let paused = false;
  const side = element("div", { class: "side", "data-testid": "side" }, hint());
  const count = element("p", { class: "hint", role: "status" });
  const list = new VirtualList({
    label: "Timeline",
    render: (event, row) => render(store, event, row),
    open: (event) => side.replaceChildren(waterfall(store, event, resend)),
  });
  const show = () => {
    list.show(rows);
    const lost = store.lost > 0 ? `, ${store.lost} missed` : "";
    count.textContent = `${rows.length} shown of ${store.events.length} kept${lost}`;
  };
  const refresh = () => {
    rows = store.events.filter((event) => fits(store, event));
    show();
  };
  const change = (part) => {
    Object.assign(filter, part);
    refresh();
  };
  const end = store.listen((events) => {
    if (paused) return;
    const { oldest } = store;
    if (rows.length > 0 && rows[0].number < oldest) {
      const kept = rows.findIndex(({ number }) => number >= oldest);
      rows.splice(0, kept === -1 ? rows.length : kept);
    }
    for (const event of events) if (fits(store, event)) rows.push(event);
    show();
  });
  const kinds = select([["", "all kinds"], ...KINDS.map((kind) => [kind, kind])], {
    change: ({ target }) => change({ kind: target.value }),
  });
  const levels = select(
    [
      ["0", "everything"],
      ["1", "warnings and errors"],
      ["2", "errors"],
    ],
    { "data-testid": "level", change: ({ target }) => change({ level: Number(target.value) }) },
  );
  kinds.value = filter.kind;
  levels.value = String(filter.level);
  const panel = element(
    "div",
    { class: "timeline" },
    element(
      "form",
      { class: "bar-of-fields", role: "search", submit: (event) => event.preventDefault() },
      field(
        "Search",
        element("input", {
          type: "search",
          "data-testid": "search",
          value: filter.text,
          input: ({ target }) => change({ text: target.value.toLowerCase() }),
        }),
      ),
      field("Kind", kinds),
      field("Level", levels),
      element(
        "label",
        { class: "check" },
        element("input", {
          type: "checkbox",
          "data-testid": "every",
          checked: filter.every,
          change: ({ target }) => change({ every: target.checked }),
        }),
        "one row for each event",
      ),
      element(
        "label",
        { class: "check" },
        element("input", {
          type: "checkbox",
          change: ({ target }) => {
            paused = target.checked;
            if (!paused) refresh();
          },
        }),
        "pause",
      ),
    ),
    count,
    element("div", { class: "columns" }, list.element, side),
  );
  refresh();
  return { panel, end };
}

const hint = () =>
  element(
    "p",
    { class: "hint" },
    "Choose a row with a click, or with the arrow keys and Enter, to see its trace.",
  );

function fits(store, event) {
  if (!filter.every && filter.kind === "" && event.parentSpanId !== undefined) return false;
  if (filter.kind !== "" && event.kind !== filter.kind) return false;
  const level =
    filter.every || filter.kind !== "" ? LEVELS.indexOf(event.level) : store.levelOf(event);
  if (level < filter.level) return false;
  return filter.text === "" || texts(event).includes(filter.text);
}

const texts = ({ name, kind, traceId, attributes }) =>
  `${kind} ${name} ${traceId} ${Object.values(attributes).join(" ")}`.toLowerCase();

/** Fills a row. Its cells are made once. */
function render(store, event, row) {
  if (row.childElementCount === 0)
    row.append(...Array.from({ length: 6 }, () => element("span", {})));
  const trace = event.parentSpanId === undefined ? store.traceOf(event) : undefined;
  const level = LEVELS[trace?.level ?? LEVELS.indexOf(event.level)];
  const units = trace && (trace.readUnits > 0 || trace.writeUnits > 0);
  const cells = [
    clock(event.startTimeUnixMicro),
    `${event.kind} ${event.name}`,
    duration(event.durationMicro),
    trace?.cold ? "cold" : "",
    [
      units && `${trace.readUnits} R ${trace.writeUnits} W`,
      trace?.pushes && `${trace.pushes} pushes`,
      summary(event),
    ]
      .filter(Boolean)
      .join(" · "),
    money(trace?.cost ?? event.cost),
  ];
  row.className = `row ${level}`;
  row.dataset.level = level;
  cells.forEach((text, index) => {
    const cell = row.children[index];
    if (cell.textContent !== text) cell.textContent = text;
  });
}
