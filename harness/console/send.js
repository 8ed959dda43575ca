/** Sends an event to a function: a sample, an edited one, or a recorded one again. */
import { call } from "./calls.js";
import { element, field, select } from "./dom.js";

/** What is to be sent. It stays while other panels are open. */
const draft = { function: "", event: "{}" };

/** Prepares the event of a recorded invocation. */
export function prepare({ attributes, body }) {
  Object.assign(draft, { function: attributes["faas.name"], event: body });
}

export function send(state, report, find) {
  const names = (state.overview?.functions ?? []).map(({ id }) => id);
  if (!names.includes(draft.function)) draft.function = names[0] ?? "";
  const chosen = select(
    names.map((name) => [name, name]),
    {
      "data-testid": "function",
      change: ({ target }) => {
        draft.function = target.value;
      },
    },
  );
  chosen.value = draft.function;
  const event = element("textarea", {
    rows: 16,
    spellcheck: "false",
    "data-testid": "event-text",
    input: ({ target }) => {
      draft.event = target.value;
    },
  });
  event.value = draft.event;
  const samples = select([["", "choose a sample"]], {
    "data-testid": "sample",
    change: async ({ target }) => {
      if (target.value === "") return;
      const sample = await call(
        `/.local/console/samples/${encodeURIComponent(target.value)}`,
      ).catch(report);
      if (sample === undefined) return;
      draft.event = JSON.stringify(sample, null, 2);
      event.value = draft.event;
    },
  });
  call("/.local/console/samples")
    .then((all) => samples.append(...all.map((name) => element("option", { value: name }, name))))
    .catch(report);
  const result = element("div", { "aria-live": "polite", "data-testid": "result" });
  const submit = async (submitted) => {
    submitted.preventDefault();
    const path = `/.local/console/invocations/${encodeURIComponent(draft.function)}`;
    const answer = await call(path, { method: "POST", body: draft.event }).catch(report);
    if (answer === undefined) return;
    const { kind, result: shown, traceId } = answer;
    result.replaceChildren(
      element("h2", {}, kind),
      element("pre", { tabindex: 0 }, JSON.stringify(shown, null, 2)),
      element("button", { type: "button", click: () => find(traceId) }, "Show its trace"),
    );
  };
  return {
    panel: element(
      "form",
      { class: "send", submit },
      element(
        "div",
        { class: "bar-of-fields" },
        field("Function", chosen),
        field("Sample", samples),
      ),
      field("Event", event),
      element("p", {}, element("button", { type: "submit", "data-testid": "send" }, "Send")),
      result,
    ),
  };
}
