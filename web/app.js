/**
 * The page: reads where the server is, lets somebody in, and shows a client. Everything that a browser provides is
 * handed to the client here.
 */

import { Unanswered } from "./client/api.js";
import { Client } from "./client/client.js";
import { backoff, systemClock } from "./client/clock.js";
import { StoredReadPositions } from "./client/read_positions.js";
import { handshakeProtocols, isText, parseObject } from "./client/protocol.js";
import { askPage, loadSession, logIn, LoginFailed, readToken, saveSession } from "./session.js";
import { ConversationPane } from "./views/conversation_pane.js";
import { element, setAttribute } from "./views/element.js";
import { LoginView } from "./views/login.js";
import { NewConversationView } from "./views/new_conversation.js";
import { SidebarView } from "./views/sidebar.js";
import { StatusView } from "./views/status.js";

/** @import { Session } from "./session.js" */
/** @import { Socket } from "./client/connection.js" */

/** @typedef {{http: string, ws: string, login: string | null}} Configuration */

class App {
  /** @type {Client | null} */ #client = null;
  /** @type {Session | null} */ #session = null;
  #login;
  #screen = element("div", { class: "app" });
  #configuration;
  /** @type {{status: StatusView, sidebar: SidebarView, pane: ConversationPane} | null} */ #views = null;
  #dialog = new NewConversationView({ newId: () => crypto.randomUUID(), onCreate: (wanted) => this.#create(wanted) });

  /** @param {Configuration} configuration */
  constructor(configuration) {
    this.#configuration = configuration;
    this.#login = new LoginView({
      anybody: configuration.login !== null,
      onPerson: (person) => this.#logIn(person),
      onToken: async (token) => this.#accept(readToken(token), "This is not a token: a JSON Web Token has three parts and says whose it is."),
    });
    window.addEventListener("online", () => {
      this.#client?.wake();
      this.#client?.doubt();
    });
    window.addEventListener("offline", () => this.#client?.doubt());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.#client?.wake());
    // Another window of the same person has read on.
    window.addEventListener("storage", () => {
      this.#client?.directory.readElsewhere();
      this.#render();
    });
    window.addEventListener("popstate", () => this.#openFromAddress());
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !this.#dialog.root.open && !event.isComposing && this.#client?.openId) this.#leave();
    });
  }

  async start() {
    const session = loadSession(sessionStorage) ?? (await askPage());
    if (session) this.#enter(session);
    else this.#showLogin("");
  }

  /** @param {string} message */
  #showLogin(message) {
    document.body.replaceChildren(this.#login.root);
    document.title = "Confab";
    this.#login.show(message, this.#session);
  }

  /** @param {{user: string, name?: string}} person */
  async #logIn(person) {
    try {
      return this.#accept(await logIn(this.#configuration.login ?? "", person), "");
    } catch (error) {
      if (error instanceof LoginFailed) return error.message;
      throw error;
    }
  }

  /** @param {Session | null} session @param {string} otherwise what to say if there is none */
  #accept(session, otherwise) {
    if (!session) return otherwise;
    this.#enter(session);
    return null;
  }

  /** @param {Session} session */
  #enter(session) {
    saveSession(sessionStorage, session);
    this.#session = session;
    if (this.#client?.me.user !== session.user) this.#replaceClient(session);
    document.body.replaceChildren(this.#screen, this.#dialog.root);
    this.#client?.start(session.token);
    this.#openFromAddress();
  }

  /** @param {Session} session */
  #replaceClient({ user, name }) {
    this.#client?.stop();
    const client = new Client({
      http: this.#configuration.http,
      me: { user, name },
      readPositions: new StoredReadPositions(localStorage, user),
      surroundings: {
        clock: systemClock,
        storage: sessionStorage,
        fetch: (input, init) => fetch(input, init),
        dial: (token) => /** @type {Socket} */ (/** @type {unknown} */ (new WebSocket(this.#configuration.ws, handshakeProtocols(token)))),
        newId: () => crypto.randomUUID(),
        isVisible: () => document.visibilityState === "visible",
        isOnline: () => navigator.onLine,
      },
      onChange: () => this.#client === client && this.#render(),
      onRefused: () => void this.#refused(),
    });
    this.#client = client;
    this.#views = {
      status: new StatusView(() => this.#logOut()),
      sidebar: new SidebarView({ onOpen: (id) => this.#open(id), onNew: () => this.#dialog.open() }),
      pane: new ConversationPane(client, () => this.#leave()),
    };
    const { status, sidebar, pane } = this.#views;
    this.#screen.replaceChildren(status.root, sidebar.root, pane.root);
  }

  /** The token has expired: a page that provides tokens is asked for the next one, a person otherwise. */
  async #refused() {
    const refused = this.#session?.token;
    saveSession(sessionStorage, null);
    const session = await askPage();
    if (session && session.token !== refused) this.#enter(session);
    else if (this.#session?.token === refused) this.#showLogin("Your session has ended. Log in again to carry on: nothing is lost.");
  }

  #logOut() {
    this.#client?.stop();
    this.#client = null;
    this.#session = null;
    saveSession(sessionStorage, null);
    history.replaceState(null, "", location.pathname + location.search);
    this.#showLogin("");
  }

  /** @param {{id: string, title?: string, participants: string[]}} wanted */
  async #create(wanted) {
    try {
      const id = await this.#client?.create(wanted);
      if (id) this.#open(id);
      return null;
    } catch (error) {
      if (error instanceof Unanswered) return "The server did not answer. Nothing is lost: try again.";
      return error instanceof Error ? error.message : String(error);
    }
  }

  /** @param {string} id */
  #open(id) {
    if (this.#client?.openId !== id) history.pushState(null, "", `#${encodeURIComponent(id)}`);
    this.#client?.open(id);
    this.#render();
    this.#views?.pane.focus();
  }

  #leave() {
    const left = this.#client?.openId ?? null;
    history.replaceState(null, "", location.pathname + location.search);
    this.#client?.open(null);
    this.#render();
    this.#views?.sidebar.focus(left);
  }

  /** The address names the open conversation, so that a reload and the browser's own back button do what they should. */
  #openFromAddress() {
    let id = "";
    try {
      id = decodeURIComponent(location.hash.slice(1));
    } catch {
      // Somebody typed an address that is none; it opens nothing.
    }
    this.#client?.open(id === "" ? null : id);
  }

  #render() {
    const client = this.#client;
    if (!client || !this.#views) return;
    const now = systemClock.now();
    this.#views.status.render(client);
    this.#views.sidebar.render(client, now);
    this.#views.pane.render(client, now);
    // A conversation that turned out not to be one's own must not leave a phone without a way back.
    const isOpen = client.openId !== null && (!client.isListed || client.directory.get(client.openId) !== undefined);
    setAttribute(this.#screen, "data-pane", isOpen ? "conversation" : "list");
    const { unread } = client.directory;
    document.title = unread > 0 ? `(${unread}) Confab` : "Confab";
  }
}

/** Reads `config.json` from where the page came from, for as long as it takes. */
async function readConfiguration() {
  for (let failures = 1; ; failures += 1) {
    try {
      const response = await fetch("config.json", { cache: "no-store" });
      const { http, ws, login } = parseObject(await response.text()) ?? {};
      if (isText(http) && isText(ws)) return { http, ws, login: isText(login) ? login : null };
    } catch {
      // Unreachable is as good as not yet there.
    }
    document.body.replaceChildren(element("p", { class: "empty", role: "status" }, "The server does not answer yet. Trying again…"));
    await new Promise((resolve) => systemClock.after(1_000 + backoff(failures, systemClock), () => resolve(null)));
  }
}

await new App(await readConfiguration()).start();
