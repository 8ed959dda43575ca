/** The console: one socket with the events, one panel at a time. */
import { bill } from "./bill.js";
import { overview } from "./calls.js";
import { connections } from "./connections.js";
import { element } from "./dom.js";
import { faults } from "./faults.js";
import { functions } from "./functions.js";
import { plots } from "./plots.js";
import { queues } from "./queues.js";
import { prepare, send } from "./send.js";
import { Store } from "./store.js";
import { tables } from "./tables.js";
import { search, timeline } from "./timeline.js";

/** How often the open panel is drawn again. */
const REFRESH_MS = 1_000;
/** The pause before the socket is opened again. */
const REOPEN_MS = 1_000;

const store = new Store();
const state = { overview: null };
const status = document.querySelector("#state");
const main = document.querySelector("#panel");
let open = { end: () => {}, refresh: () => {} };
let next = 0;

const report = (error) => {
  status.textContent = error.message;
  status.className = "error";
};

const find = (text) => {
  search(text.toLowerCase());
  go("timeline");
};

const resend = (event) => {
  prepare(event);
  go("send");
};

/** The panels by their names, in the order of their tabs. Keys 1 to 9 open them. */
const PANELS = {
  timeline: () => timeline(store, resend),
  functions: () => functions(store, state, find),
  connections: () => connections(state, report),
  tables: () => tables(state, report),
  queues: () => queues(store, state),
  faults: () => faults(report),
  plots: () => plots(store),
  bill: () => bill(report),
  send: () => send(state, report, find),
};

const tabs = Object.keys(PANELS).map((name, index) =>
  element("a", { href: `#${name}`, "data-testid": `tab-${name}`, title: `key ${index + 1}` }, name),
);
document.querySelector("#tabs").append(...tabs.map((tab) => element("li", {}, tab)));

/** Opens a panel, also if it is open already. */
function go(name) {
  if (location.hash === `#${name}`) show();
  else location.hash = name;
}

function show() {
  const asked = location.hash.slice(1);
  const name = Object.hasOwn(PANELS, asked) ? asked : "timeline";
  for (const tab of tabs)
    if (tab.hash === `#${name}`) tab.setAttribute("aria-current", "page");
    else tab.removeAttribute("aria-current");
  document.title = `${name} · local stack`;
  open.end?.();
  open = PANELS[name]();
  main.dataset.panel = name;
  main.replaceChildren(open.panel);
}

async function refresh() {
  try {
    state.overview = await overview();
    // A panel is not drawn again while the user types or chooses in it.
    const typing = main.contains(document.activeElement) && document.activeElement !== main;
    if (!typing || main.dataset.panel === "connections") open.refresh?.();
  } catch (error) {
    report(error);
  }
  setTimeout(refresh, REFRESH_MS);
}

function listen() {
  const address = new URL(`/.local/console/events?from=${next}`, location.href);
  address.protocol = "ws:";
  const socket = new WebSocket(address);
  socket.addEventListener("open", () => {
    status.textContent = "Live";
    status.className = "";
  });
  socket.addEventListener("message", ({ data }) => {
    const batch = JSON.parse(data);
    next = batch.next;
    store.add(batch.events, batch.lost);
  });
  socket.addEventListener("close", () => {
    report(new Error("The harness has ended or is restarting."));
    // Another harness begins to count again.
    next = 0;
    setTimeout(reopen, REOPEN_MS);
  });
}

/** Opens the socket again. What is shown came from the harness before, so it goes. */
function reopen() {
  store.clear();
  show();
  listen();
}

document.addEventListener("keydown", (event) => {
  const { target, key } = event;
  if (event.ctrlKey || event.metaKey || event.altKey || target.matches("input, textarea, select"))
    return;
  const name = Object.keys(PANELS)[Number(key) - 1];
  if (name !== undefined) go(name);
});
window.addEventListener("hashchange", show);
state.overview = await overview().catch((error) => report(error));
show();
listen();
refresh();
