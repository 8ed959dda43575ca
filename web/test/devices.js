/** Devices of several users, with one server and one clock. Each may lose its network. */

import { FakeBrowser, openTab } from "./fakes.js";

/** @import { Settings } from "../client/options.js" */
/** @import { FakeSocket } from "./fake_server.js" */
/** @import { FakeClock } from "./fakes.js" */
/** @import { PeopleServer } from "./people_server.js" */

/** @typedef {Awaited<ReturnType<typeof openTab>>} Tab */

export class Device {
  isOffline = false;
  browser = new FakeBrowser();
  /** @type {FakeSocket[]} */
  #sockets = [];
  /** @type {Tab | null} */
  #tab = null;

  /**
   * @param {PeopleServer} server
   * @param {FakeClock} clock
   * @param {string} user
   * @param {Settings} [settings]
   */
  constructor(server, clock, user, settings = {}) {
    this.server = server;
    this.clock = clock;
    this.user = user;
    this.settings = settings;
  }

  get tab() {
    if (!this.#tab) throw new Error("the device is not open");
    return this.#tab;
  }

  get client() {
    return this.tab.client;
  }

  /** @param {string | null} id the conversation on screen */
  async open(id = null) {
    const { browser, clock, server, settings, user } = this;
    const network = Object.create(server, {
      dial: { value: (/** @type {string} */ token) => this.#dial(token) },
      fetch: {
        value: async (/** @type {string} */ url, /** @type {RequestInit} */ init) => {
          if (this.isOffline) throw new TypeError("Failed to fetch");
          return server.fetch(url, init);
        },
      },
    });
    this.#tab = await openTab(network, { id, user, clock, browser, settings });
    server.tabs += 1;
    return this;
  }

  async reload() {
    const current = this.client.currentConversation?.id ?? null;
    const { world } = this.tab;
    this.client.stop();
    await this.open(current);
    Object.assign(this.tab.world, world);
  }

  /** @param {boolean} isOffline */
  goOffline(isOffline) {
    this.isOffline = isOffline;
    if (isOffline) for (const socket of this.#sockets.splice(0)) socket.cut();
    this.tab.happens(isOffline ? "offline" : "online");
  }

  /** @param {boolean} isShown */
  show(isShown) {
    this.tab.world.visible = isShown;
    this.tab.happens(isShown ? "visible" : "hidden");
  }

  /** @param {string} id */
  unread(id) {
    return this.client.conversation(id).info?.unread;
  }

  /** @param {string} token */
  #dial(token) {
    const socket = this.server.dial(token);
    if (this.isOffline) {
      const end = () => socket.cut();
      Object.defineProperty(socket, "onopen", { get: () => end, set: () => {} });
    } else this.#sockets.push(socket);
    return socket;
  }
}
