/** The queues, and the pushes by their answers. */
import { element, table } from "./dom.js";

/** @param {import("./store.js").Store} store */
export function queues(store, state) {
  const panel = element("div", {});
  const draw = () => {
    const answers = new Map();
    for (const { kind, name, attributes } of store.events) {
      if (kind !== "push" && kind !== "webPush") continue;
      const key = `${kind} ${name} ${attributes["http.response.status_code"]}`;
      answers.set(key, (answers.get(key) ?? 0) + 1);
    }
    const waiting = (state.overview?.queues ?? []).map(({ name, visible, inFlight, delayed }) => [
      name,
      String(visible),
      String(inFlight),
      String(delayed),
    ]);
    panel.replaceChildren(
      table("Queues", ["queue", "visible", "in flight", "delayed"], waiting),
      table(
        "Pushes",
        ["call and status", "count"],
        [...answers].sort().map(([key, count]) => [key, String(count)]),
      ),
    );
  };
  draw();
  return { panel, refresh: draw };
}
