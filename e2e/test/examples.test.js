/** The examples that need no browser: the bot and the React hook, against real functions. */
import assert from "node:assert/strict";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import { createElement, useEffect } from "react";
import { create } from "react-test-renderer";
import WebSocket from "ws";

import { Person } from "../lib/people.js";
import { suite } from "../lib/suite.js";
import { Program } from "../tools/recipes.js";

const EXAMPLES = fileURLToPath(new URL("../../examples", import.meta.url));
const E2E = fileURLToPath(new URL("..", import.meta.url));

/** Renders a conversation as a list. The test sends with `chat.send` and awaits `chat.onRender`. */
function Chat({ chat }) {
  const { messages, state, send } = chat.useConversation(chat.client, chat.conversation);
  chat.send = send;
  useEffect(() => chat.onRender());
  return createElement(
    "ol",
    { state: state.name },
    messages.map(({ key, name, body, state }) =>
      createElement("li", { key }, `${name}: ${body} (${state})`),
    ),
  );
}

suite("examples", (stack) => {
  /** @type {Person} */ let ada;

  before(async () => {
    ada = await Person.create(stack, "Ada");
  });

  test("the bot replies to what it is asked to echo", async () => {
    const bot = await Person.create(stack, "Echo");
    const conversation = await ada.start([bot]);
    const socket = await ada.connect();
    await socket.request("subscribe", { conversation });
    const program = new Program(
      "node",
      ["--experimental-websocket", join(EXAMPLES, "bot", "bot.js"), conversation, "0"],
      {
        CONFAB_HTTP: stack.http,
        CONFAB_WS: stack.ws,
        CONFAB_LOGIN: stack.login,
        BOT: bot.user,
      },
    );
    const send = (id, body) =>
      socket.request("sendMessage", { conversation, id, body: stack.secret(body) });
    await send("a-1", "This is not for the bot.");
    await send("a-2", "!echo Say this again, please.");
    const { sender, body, seq } = await socket.next(({ event }) => event === "message");
    assert.deepEqual([sender, body, seq], [bot.user, "Say this again, please.", 3]);
    await program.says(/^position 3$/m);
    await program.stop();
    await socket.close();
  });

  test("the React hook renders messages and sends them", async () => {
    globalThis.WebSocket ??= WebSocket;
    // Copied beside the installed React package, since the example has no packages of its own.
    const folder = await mkdtemp(join(E2E, ".react-"));
    after(() => rm(folder, { recursive: true }));
    await cp(join(EXAMPLES, "react", "use_conversation.js"), join(folder, "use_conversation.js"));
    const { useConversation } = await import(join(folder, "use_conversation.js"));
    const { connect } = await import(join(EXAMPLES, "bot", "client.js"));

    const bob = await Person.create(stack, "Bob");
    const conversation = await ada.start([bob]);
    const client = await connect({ http: stack.http, ws: stack.ws, token: async () => ada.token });
    const chat = { useConversation, client, conversation };
    const rendered = () => new Promise((resolve) => Object.assign(chat, { onRender: resolve }));
    const first = rendered();
    const root = create(createElement(Chat, { chat }));
    await first;
    const lines = () => root.root.findAllByType("li").map(({ children }) => children.join(""));
    const shows = async (line) => {
      for (let next = rendered(); !lines().includes(line); next = rendered()) await next;
    };
    await bob.post(`/conversations/${conversation}/messages`, {
      id: "b-1",
      body: stack.secret("Rendered by React."),
    });
    await shows("Bob: Rendered by React. (sent)");
    chat.send(stack.secret("Sent from React."));
    await shows("Ada: Sent from React. (sent)");
    assert.equal(root.root.findByType("ol").props.state, "connected");
    root.unmount();
    client.stop();
  });
});
