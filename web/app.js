/** The page: reads its configuration, logs the user in, and shows a client. */

import {
  backoff,
  connect,
  isObject,
  isText,
  parseObject,
  StateName,
  systemClock,
} from "./client/index.js";
import { askPage, Drafts, loadSession, readToken, saveSession } from "./session.js";
import { element, isForInputMethod, setAttribute } from "./views/element.js";
import { ConversationPane } from "./views/panes.js";
import { SidebarView, StatusView } from "./views/sidebar.js";

/** @import { Client } from "./client/public.js" */
/** @import { Session } from "./session.js" */
/** @import { Configuration, LoginView } from "./views/types.js" */

class App {
  /** @type {Client | null} */
  #client = null;
  /** @type {Session | null} */
  #session = null;
  /** @type {Session | null} */
  #newSession = null;
  #panes = element("main", { class: "panes" });
  #configuration;
  /** @type {{status: StatusView, sidebar: SidebarView, pane: ConversationPane} | null} */
  #views = null;
  /** @type {Drafts | null} */
  #drafts = null;
  // These views are loaded when they are first needed.
  /** @type {LoginView | null} */
  #login = null;
  /** @type {import("./views/dialogs.js").Dialogs | null} */
  #dialogs = null;

  /** @param {Configuration} configuration */
  constructor(configuration) {
    this.#configuration = configuration;
    window.addEventListener("popstate", () => this.#openFromAddress());
    document.addEventListener("keydown", (event) => this.#pressed(event));
  }

  async start() {
    const session = loadSession(sessionStorage) ?? (await askPage(null).catch(() => null));
    if (session) await this.#enter(session);
    else await this.#showLogin("");
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    if (event.key !== "Escape" || isForInputMethod(event)) return;
    if (document.querySelector("dialog[open]")) return;
    if (this.#client?.currentConversation) this.#leave();
  }

  /** @param {string} message */
  async #showLogin(message) {
    const { login, provider } = this.#configuration;
    const onToken = (/** @type {string} */ token) => this.#accept(readToken(token));
    this.#login ??=
      provider?.view ??
      (login === null
        ? (await import("./views/token_login.js")).tokenLogin(onToken)
        : (await import("./views/login.js")).userLogin(login, onToken));
    // A dialog that is removed while open cannot be opened again.
    for (const dialog of document.querySelectorAll("dialog")) dialog.close();
    document.body.replaceChildren(this.#login.root);
    document.title = "Confab";
    this.#login.show(message, this.#session);
  }

  /** @param {Session | null} session */
  async #accept(session) {
    if (!session)
      return "This is not a token. A token is a JSON Web Token with three parts and a “sub” claim.";
    await this.#enter(session);
    return null;
  }

  /** @param {Session} session */
  async #enter(session) {
    saveSession(sessionStorage, session);
    this.#session = session;
    this.#newSession = session;
    if (this.#client?.me.user === session.user) void this.#client.start();
    else await this.#replaceClient();
    document.body.replaceChildren(...(this.#views ? [this.#views.status.root, this.#panes] : []));
    this.#openFromAddress();
  }

  async #replaceClient() {
    this.#client?.stop();
    const { http, ws, people } = this.#configuration;
    const client = await connect({
      http,
      ws,
      token: ({ refused }) => this.#token(refused),
      people: async (text) => {
        const { askForPeople } = await import("./people_endpoint.js");
        return askForPeople(people, this.#session?.token, text);
      },
    });
    client.subscribe(() => this.#client === client && this.#changed(client));
    this.#client = client;
    this.#dialogs = null;
    const drafts = new Drafts(sessionStorage, client.me.user);
    this.#drafts = drafts;
    this.#views = {
      status: new StatusView(() => this.#logOut()),
      sidebar: new SidebarView({
        drafts,
        onOpen: (id) => this.#open(id),
        onNew: async () => (await this.#loadDialogs())?.showNewConversation(),
      }),
      pane: new ConversationPane(client, {
        drafts,
        onBack: () => this.#leave(),
        onPeople: async () => (await this.#loadDialogs())?.showPeople(),
      }),
    };
    const { sidebar, pane } = this.#views;
    this.#panes.replaceChildren(sidebar.root, pane.root);
  }

  /** @param {string | null} refused */
  async #token(refused) {
    const given = this.#newSession ?? (await askPage(refused));
    this.#newSession = null;
    if (given === null || given.user !== this.#session?.user) return null;
    this.#session = given;
    saveSession(sessionStorage, given);
    return given.token;
  }

  /** @param {Client} client */
  #changed(client) {
    if (client.state.name !== StateName.signedOut) return this.#render();
    saveSession(sessionStorage, null);
    if (this.#login?.root.isConnected) return;
    void this.#showLogin("Your session has ended. Log in again to continue. Nothing is lost.");
  }

  #logOut() {
    this.#client?.stop();
    this.#client = null;
    this.#session = null;
    this.#drafts?.clear();
    saveSession(sessionStorage, null);
    history.replaceState(null, "", location.pathname + location.search);
    void this.#configuration.provider?.logOut();
    void this.#showLogin("");
  }

  async #loadDialogs() {
    const module = await import("./views/dialogs.js").catch(() => null);
    const client = this.#client;
    if (client && module) this.#dialogs ??= new module.Dialogs(client, (id) => this.#open(id));
    return this.#dialogs;
  }

  /** @param {string} id */
  #open(id) {
    if (this.#client?.currentConversation?.id !== id)
      history.pushState(null, "", `#${encodeURIComponent(id)}`);
    this.#client?.open(id);
    this.#render();
    this.#views?.pane.focus();
  }

  #leave() {
    const left = this.#client?.currentConversation?.id ?? null;
    history.replaceState(null, "", location.pathname + location.search);
    this.#client?.open(null);
    this.#render();
    this.#views?.sidebar.focus(left);
  }

  /** The address names the current conversation, for reloads and the browser's back button. */
  #openFromAddress() {
    let id = "";
    try {
      id = decodeURIComponent(location.hash.slice(1));
    } catch {}
    this.#client?.open(id === "" ? null : id);
  }

  #render() {
    const client = this.#client;
    if (!client || !this.#views) return;
    const now = systemClock.now();
    this.#views.status.render(client);
    this.#views.sidebar.render(client, now);
    this.#views.pane.render(client, now);
    this.#dialogs?.render();
    const { currentConversation: current, unread } = client;
    const isOpen = current !== null && (current.info !== undefined || !client.isLoaded);
    setAttribute(this.#panes, "data-pane", isOpen ? "conversation" : "list");
    const count = unread > 0 ? `(${unread}) ` : "";
    document.title = `${count}${current?.title ? `${current.title} · ` : ""}Confab`;
  }
}

async function readConfiguration() {
  for (let failures = 1; ; failures += 1) {
    try {
      const response = await fetch("config.json", { cache: "no-store" });
      const { http, ws, login, oidc, people } = parseObject(await response.text()) ?? {};
      if (isText(http) && isText(ws)) {
        const provider = isObject(oidc)
          ? await (await import("./provider_login.js")).prepareLogin(oidc)
          : null;
        return { http, ws, login: isText(login) ? login : null, people, provider };
      }
    } catch {}
    const words = element(
      "p",
      { class: "empty", role: "status" },
      "The server does not answer. Trying again…",
    );
    document.body.replaceChildren(
      element("main", { class: "waiting" }, element("h1", { class: "unseen" }, "Confab"), words),
    );
    await new Promise((resolve) =>
      systemClock.after(1_000 + backoff(failures, systemClock), () => resolve(null)),
    );
  }
}

await new App(await readConfiguration()).start();
