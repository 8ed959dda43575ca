/** The open WebSocket connections, and what a developer does to them. */
import { call } from "./calls.js";
import { duration, element, table } from "./dom.js";

const COMMANDS = [
  ["cut", "Cut", "ends the network connection without a close frame"],
  ["halfOpen", "Half-open", "drops everything silently"],
  ["idle", "Ten idle minutes", "closes the connection as after ten minutes without a message"],
  ["gone", "410", "makes pushes answer 410; the socket stays open"],
];

export function connections(state, report) {
  const panel = element("div", {});
  let shown = "";
  const draw = () => {
    const { connections: open = [], connectionCount = 0 } = state.overview ?? {};
    // Buttons keep the focus while nothing has changed but the times.
    const ids = open.map(({ id }) => id).join();
    const times = ({ openMs, idleMs }) => [duration(openMs * 1000), duration(idleMs * 1000)];
    if (ids === shown && ids !== "") {
      panel.querySelectorAll("tbody tr").forEach((row, index) => {
        for (const [place, text] of times(open[index]).entries())
          row.children[place + 2].textContent = text;
      });
      return;
    }
    shown = ids;
    const buttons = (id) =>
      element(
        "span",
        { class: "buttons" },
        ...COMMANDS.map(([command, text, effect]) =>
          element(
            "button",
            {
              type: "button",
              title: effect,
              "data-testid": command,
              click: () =>
                call(`/.local/console/connections/${encodeURIComponent(id)}/${command}`, {
                  method: "POST",
                }).catch(report),
            },
            text,
          ),
        ),
      );
    panel.replaceChildren(
      element("p", { class: "hint" }, `${connectionCount} open`),
      table(
        "Connections",
        ["connection", "user", "open for", "idle for", "do"],
        open.map((one) => [one.id, one.user ?? "", ...times(one), buttons(one.id)]),
      ),
    );
  };
  draw();
  return { panel, refresh: draw };
}
