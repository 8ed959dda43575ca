/** The faults as switches and sliders, and the hands of the clock. */
import { call } from "./calls.js";
import { element } from "./dom.js";

/** The faults of harness/README.md. Those with `ms` need a duration. */
const FAULTS = {
  dynamodb: {
    throttle: {},
    throttleOnDemand: {},
    internalError: {},
    unavailable: {},
    timeout: {},
    lostAnswer: {},
    latency: { ms: true },
  },
  management: {
    gone: {},
    throttle: {},
    internalError: {},
    lostAnswer: {},
    slowConsumer: { ms: true },
  },
  function: {
    killBefore: {},
    killDuring: { ms: true },
    killAfter: {},
    timeout: {},
    throttle: {},
    slowStart: { ms: true },
  },
  eventSource: { twice: {}, late: { ms: true }, stalled: { ms: true } },
  push: {
    unknown: {},
    gone: {},
    tooLarge: {},
    throttle: {},
    internalError: {},
    lostAnswer: {},
    latency: { ms: true },
  },
  connection: {
    cut: {},
    halfOpen: {},
    disconnectLost: {},
    disconnectLate: { ms: true },
    disconnectTwice: {},
  },
};
const STEPS = [
  ["1 minute", 60_000],
  ["10 minutes", 600_000],
  ["2 hours", 7_200_000],
];

export function faults(report) {
  const counts = element("p", { class: "hint", role: "status" });
  const time = element("p", { class: "hint" });
  const rules = [];
  const groups = Object.entries(FAULTS).map(([place, kinds]) =>
    element(
      "fieldset",
      {},
      element("legend", {}, place),
      ...Object.entries(kinds).map(([kind, { ms }]) => {
        const on = element("input", { type: "checkbox", "data-testid": `${place}-${kind}` });
        const rate = element("input", {
          type: "range",
          min: 0,
          max: 100,
          value: 10,
          "aria-label": `rate of ${place} ${kind} in percent`,
        });
        const shown = element("output", {}, "10 %");
        rate.addEventListener("input", () => {
          shown.textContent = `${rate.value} %`;
        });
        const most = ms
          ? element("input", {
              type: "number",
              min: 0,
              value: 200,
              "aria-label": `longest ${place} ${kind} in milliseconds`,
            })
          : null;
        rules.push(() =>
          on.checked
            ? {
                [place]: kind,
                rate: rate.value / 100,
                ...(most && { ms: [0, Number(most.value)] }),
              }
            : null,
        );
        return element(
          "div",
          { class: "fault" },
          element("label", { class: "check" }, on, kind),
          rate,
          shown,
          most,
        );
      }),
    ),
  );
  const show = ({ faults: running = [] }) => {
    const words = running.map(
      ({ seen, injected, rate, ms, on, skip, times, ...fault }) =>
        `${Object.entries(fault).flat().join(" ")}: ${injected} of ${seen}`,
    );
    counts.textContent = words.length > 0 ? words.join(", ") : "No faults.";
  };
  const load = () => call("/.local/faults").then(show).catch(report);
  const apply = (event) => {
    event.preventDefault();
    const plan = { seed: 1, faults: rules.map((rule) => rule()).filter((rule) => rule !== null) };
    call("/.local/faults", { method: "PUT", body: plan }).then(show).catch(report);
  };
  const showClock = ({ aheadMs }) => {
    time.textContent = `The clock is ${(aheadMs / 60_000).toFixed(1)} minutes ahead. It only goes forward.`;
  };
  const forward = async (step) => {
    const { aheadMs } = await call("/.local/clock");
    showClock(await call("/.local/clock", { method: "PUT", body: { aheadMs: aheadMs + step } }));
  };
  call("/.local/clock").then(showClock).catch(report);
  load();
  const panel = element(
    "div",
    {},
    element(
      "form",
      { class: "faults", submit: apply },
      ...groups,
      element(
        "p",
        { class: "buttons" },
        element("button", { type: "submit", "data-testid": "apply" }, "Begin these faults"),
        element(
          "button",
          {
            type: "button",
            click: () => call("/.local/faults", { method: "DELETE" }).then(load).catch(report),
          },
          "End all faults",
        ),
      ),
    ),
    counts,
    element("h2", {}, "Clock"),
    time,
    element(
      "p",
      { class: "buttons" },
      ...STEPS.map(([text, step]) =>
        element(
          "button",
          { type: "button", click: () => forward(step).catch(report) },
          `+ ${text}`,
        ),
      ),
    ),
  );
  return { panel, refresh: load };
}
