import { StateName } from "../client/index.js";
import { element, icon, Icons, setAttribute, setText } from "./element.js";

/** @import { Client } from "../client/index.js" */

export class StatusView {
  #text = element("span", { class: "status-words" });
  #state = element(
    "p",
    {
      class: "status",
      role: "status",
      "aria-live": "polite",
      "data-testid": "connection-state",
      "data-state": "connecting",
    },
    element("span", { class: "status-dot", "aria-hidden": "true" }),
    this.#text,
  );
  #me = element("span", { class: "me" });

  /** @param {() => void} onLogOut */
  constructor(onLogOut) {
    const leave = element(
      "button",
      {
        class: "quiet",
        type: "button",
        "data-testid": "logout",
        title: "Log out",
        "aria-label": "Log out",
        onclick: onLogOut,
      },
      icon(Icons.leave),
    );
    const brand = element(
      "h1",
      { class: "brand" },
      element("img", { src: "favicon.svg", alt: "", width: 26, height: 26 }),
      element("span", {}, "Confab"),
    );
    this.root = element("header", { class: "top" }, brand, this.#state, this.#me, leave);
  }

  /** @param {Client} client */
  render(client) {
    setAttribute(this.#state, "data-state", client.state.name);
    setText(this.#text, stateText(client));
    setText(this.#me, client.me.name);
    setAttribute(this.#me, "title", `Logged in as ${client.me.user}`);
  }
}

/** @param {Client} client */
function stateText({ state }) {
  switch (state.name) {
    case StateName.connected:
      return "Connected";
    case StateName.offline:
      return "Offline. Your messages are kept";
    case StateName.polling:
      return "Reconnecting… messages still go through, more slowly";
    case StateName.reconnecting:
      return "Reconnecting… your messages are kept";
    default:
      return "Connecting…";
  }
}
