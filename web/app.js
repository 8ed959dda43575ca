/** The page: reads where the server is, lets somebody in, and shows a client. */

import { backoff, systemClock } from "./client/clock.js";
import { connect, StateName, Unanswered } from "./client/index.js";
import { isText, parseObject } from "./client/protocol.js";
import {
  askPage,
  Drafts,
  loadSession,
  logIn,
  LoginFailed,
  readToken,
  saveSession,
} from "./session.js";
import { ConversationPane } from "./views/conversation_pane.js";
import { element, setAttribute } from "./views/element.js";
import { SidebarView } from "./views/sidebar.js";
import { StatusView } from "./views/status.js";

/** @import { Client } from "./client/index.js" */
/** @import { Session } from "./session.js" */

/** @typedef {{http: string, ws: string, login: string | null}} Configuration */

class App {
  /** @type {Client | null} */ #client = null;
  /** @type {Session | null} */ #session = null;
  /** The session as long as its token has not been asked for. @type {Session | null} */ #entered =
    null;
  /** Loaded when somebody has to log in. @type {import("./views/login.js").LoginView | null} */ #login =
    null;
  #panes = element("main", { class: "panes" });
  #configuration;
  /** @type {{status: StatusView, sidebar: SidebarView, pane: ConversationPane} | null} */ #views =
    null;
  /** @type {Drafts | null} */ #drafts = null;
  /** Loaded when somebody starts a conversation. @type {import("./views/new_conversation.js").NewConversationView | null} */ #starting =
    null;
  /** Loaded when somebody looks who is in a conversation. @type {import("./views/people.js").PeopleView | null} */ #people =
    null;

  /** @param {Configuration} configuration */
  constructor(configuration) {
    this.#configuration = configuration;
    window.addEventListener("popstate", () => this.#openFromAddress());
    document.addEventListener("keydown", (event) => {
      if (
        event.key === "Escape" &&
        !document.querySelector("dialog[open]") &&
        !event.isComposing &&
        this.#client?.openId
      )
        this.#leave();
    });
  }

  async start() {
    const session = loadSession(sessionStorage) ?? (await askPage());
    if (session) await this.#enter(session);
    else await this.#showLogin("");
  }

  /** @param {string} message */
  async #showLogin(message) {
    const { LoginView } = await import("./views/login.js");
    this.#login ??= new LoginView({
      anybody: this.#configuration.login !== null,
      onPerson: (person) => this.#logIn(person),
      onToken: async (token) =>
        this.#accept(
          readToken(token),
          "This is not a token: a JSON Web Token has three parts and says whose it is.",
        ),
    });
    // A dialog that leaves the page open could never be opened again.
    for (const dialog of document.querySelectorAll("dialog")) dialog.close();
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
  async #accept(session, otherwise) {
    if (!session) return otherwise;
    await this.#enter(session);
    return null;
  }

  /** @param {Session} session */
  async #enter(session) {
    saveSession(sessionStorage, session);
    this.#session = session;
    this.#entered = session;
    if (this.#client?.me.user === session.user) void this.#client.start();
    else await this.#replaceClient();
    document.body.replaceChildren(...(this.#views ? [this.#views.status.root, this.#panes] : []));
    this.#openFromAddress();
  }

  async #replaceClient() {
    this.#client?.stop();
    const client = await connect({
      http: this.#configuration.http,
      ws: this.#configuration.ws,
      token: () => this.#token(),
    });
    client.subscribe(() => this.#client === client && this.#changed(client));
    this.#client = client;
    const drafts = new Drafts(sessionStorage, client.me.user);
    this.#drafts = drafts;
    this.#views = {
      status: new StatusView(() => this.#logOut()),
      sidebar: new SidebarView({
        drafts,
        onOpen: (id) => this.#open(id),
        onNew: () => void this.#startNew(),
      }),
      pane: new ConversationPane(client, {
        drafts,
        onBack: () => this.#leave(),
        onPeople: () => void this.#showPeople(),
      }),
    };
    const { sidebar, pane } = this.#views;
    this.#panes.replaceChildren(sidebar.root, pane.root);
  }

  /** A token just logged in with; afterwards, what the page that this is built into gives. */
  async #token() {
    const given = this.#entered ?? (await askPage());
    this.#entered = null;
    if (given === null || given.user !== this.#session?.user) return null;
    this.#session = given;
    saveSession(sessionStorage, given);
    return given.token;
  }

  /** @param {Client} client */
  #changed(client) {
    if (client.state.name !== StateName.signedOut) return this.#render();
    saveSession(sessionStorage, null);
    if (!this.#login?.root.isConnected)
      void this.#showLogin("Your session has ended. Log in again to carry on: nothing is lost.");
  }

  #logOut() {
    this.#client?.stop();
    this.#client = null;
    this.#session = null;
    this.#drafts?.clear();
    saveSession(sessionStorage, null);
    history.replaceState(null, "", location.pathname + location.search);
    void this.#showLogin("");
  }

  async #startNew() {
    const { NewConversationView } = await import("./views/new_conversation.js");
    this.#starting ??= new NewConversationView({
      newId: () => crypto.randomUUID(),
      onCreate: (wanted) => this.#create(wanted),
    });
    this.#starting.open();
  }

  async #showPeople() {
    const { PeopleView } = await import("./views/people.js");
    this.#people ??= new PeopleView({
      onAdd: (id, user) => attempt(() => this.#client?.conversation(id).addParticipant(user)),
      onRemove: (id, user) => attempt(() => this.#client?.conversation(id).removeParticipant(user)),
    });
    if (this.#client?.openId) this.#people.open(this.#client.openId, this.#client);
  }

  /** @param {{id: string, title?: string, participants: string[]}} wanted */
  #create(wanted) {
    return attempt(async () => {
      const id = await this.#client?.create(wanted);
      if (id) this.#open(id);
    });
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
    this.#people?.render(client);
    // A conversation that turned out not to be one's own must not leave a phone without a way back.
    const listed = client.openId === null ? undefined : client.directory.get(client.openId);
    const isOpen = listed !== undefined || (client.openId !== null && !client.isListed);
    setAttribute(this.#panes, "data-pane", isOpen ? "conversation" : "list");
    const { unread } = client.directory;
    document.title = `${unread > 0 ? `(${unread}) ` : ""}${listed ? `${client.directory.titleOf(listed)} · ` : ""}Confab`;
  }
}

/** What went wrong, in words for whoever wanted it; `null`: nothing did. @param {() => Promise<void> | undefined} action */
async function attempt(action) {
  try {
    await action();
    return null;
  } catch (error) {
    if (error instanceof Unanswered)
      return "The server did not answer. Nothing is lost: try again.";
    return error instanceof Error ? error.message : String(error);
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
    const words = element(
      "p",
      { class: "empty", role: "status" },
      "The server does not answer yet. Trying again…",
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
