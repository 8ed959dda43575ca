/** The console of the local stack: what a developer finds by clicking, and what they do with it. */
import assert from "node:assert/strict";
import { request } from "node:http";
import { after, before, test } from "node:test";

import WebSocket from "ws";

import { audit } from "../lib/audit.js";
import { Person } from "../lib/people.js";
import { suite } from "../lib/suite.js";
import { launch } from "../lib/window.js";

const PANELS = [
  "timeline",
  "functions",
  "connections",
  "tables",
  "queues",
  "faults",
  "plots",
  "bill",
  "send",
];

suite("browser: console", (stack) => {
  /** @type {import('playwright-core').Browser} */ let browser;
  /** @type {import('playwright-core').Page} */ let page;
  const problems = [];

  const tab = (name) => page.getByTestId(`tab-${name}`).click();
  const row = (text) => page.getByRole("option").filter({ hasText: text });
  const event = (kind, text) =>
    page.locator(`[data-testid="event"][data-kind="${kind}"]`).filter({ hasText: text });
  /** Opens the newest row that contains a text. */
  const openRow = async (text) => {
    await row(text).last().click();
    await page.getByTestId("waterfall").waitFor();
  };
  const find = async (text, every = false) => {
    await tab("timeline");
    await page.getByTestId("search").fill(text);
    await page.getByTestId("every").setChecked(every);
  };

  before(async () => {
    browser = await launch();
    page = await (await browser.newContext({ reducedMotion: "reduce" })).newPage();
    page.on("pageerror", (error) => problems.push(String(error)));
    page.on("console", (message) => {
      if (message.type() === "error") problems.push(message.text());
    });
    await page.goto(`${stack.http}/.local/`);
    await page.getByTestId("state").filter({ hasText: "Live" }).waitFor();
  });
  after(async () => {
    await browser?.close();
  });

  test("a message is a waterfall of its authorizer, its calls and its pushes", async () => {
    const [ada, bob] = await Promise.all(["Ada", "Bob"].map((name) => Person.create(stack, name)));
    const conversation = await ada.start([bob]);
    const clients = await Promise.all([ada.connect(), bob.connect()]);
    for (const client of clients) await client.request("subscribe", { conversation, after: 0 });
    await clients[0].request("sendMessage", { conversation, id: "m-1", body: "Never shown here." });
    await find("sendmessage");
    await openRow("sendMessage");
    await event("invocation", "SendMessage").first().waitFor();
    await event("dynamodb", "PutItem")
      .or(event("dynamodb", "TransactWriteItems"))
      .first()
      .waitFor();
    await event("push", "POST").first().waitFor();
    const shown = await page.getByTestId("waterfall").textContent();
    assert.ok(!shown.includes("Never shown here."));
    // The first process of a function is a cold start.
    await row("cold").first().waitFor();
    await find("$connect");
    await openRow("$connect");
    await event("authorizer", "").first().waitFor();

    // A push to a connection that is gone.
    await tab("connections");
    const bobs = page.getByRole("row").filter({ hasText: bob.user });
    await bobs.getByTestId("gone").click();
    await bobs.waitFor({ state: "detached" });
    await clients[0].request("sendMessage", { conversation, id: "m-2", body: "Into the void." });
    await tab("timeline");
    await page.getByTestId("level").selectOption("1");
    await find("sendmessage");
    await openRow("sendMessage");
    await event("push", "410").first().waitFor();
    await page.getByTestId("level").selectOption("0");
    const ended = clients[0].closed;
    await tab("connections");
    await page.getByRole("row").filter({ hasText: ada.user }).getByTestId("cut").click();
    assert.equal(await ended, 1006);
    await clients[1].close();
  });

  test("a lost condition, a killed function and a denied permission are found", async () => {
    const ada = await Person.create(stack, "Ada");
    const client = await ada.connect();
    const created = { id: `c-${ada.user}`, title: "Made once", participants: [] };
    for (const status of [201, 200])
      assert.equal((await ada.post("/conversations", created)).status, status);
    await find("transactioncanceled", true);
    await openRow("condition failed");

    await tab("faults");
    await page.getByTestId("function-killBefore").check();
    const rates = page.getByLabel("rate of function killBefore in percent");
    await rates.focus();
    await rates.press("End");
    await page.getByTestId("apply").click();
    await page.getByText("function killBefore: 0 of 0").waitFor();
    await assert.rejects(client.request("ping"));
    await find("ping");
    await openRow("ping");
    await event("fault", "killBefore").waitFor();
    await event("invocation", "processEnded").waitFor();
    await stack.injectFaults();

    const denied = await fetch(stack.dynamodb, {
      method: "POST",
      headers: {
        "content-type": "application/x-amz-json-1.0",
        "x-amz-target": "DynamoDB_20120810.ListTables",
      },
      body: "{}",
    });
    assert.equal(denied.status, 400);
    await find("missingauthentication", true);
    await openRow("denied");
    await client.close();
  });

  test("items are found by their keys, and shown when they are opened", async () => {
    await tab("tables");
    await page.getByRole("button", { name: "Show" }).click();
    const item = page.locator(".item").first();
    await item.locator("summary").click();
    await item.getByRole("button").click();
    await page.locator(".item").first().waitFor();
    assert.notEqual(await page.getByTestId("partition").inputValue(), "");
  });

  test("a sample event is sent, and its trace is shown", async () => {
    await tab("send");
    await page.getByTestId("function").selectOption("DefaultFunction");
    await page.getByTestId("sample").selectOption("default");
    await page.getByTestId("event-text").filter({ hasText: "" }).waitFor();
    await page.waitForFunction(
      () => document.querySelector("[data-testid=event-text]").value.length > 10,
    );
    await page.getByTestId("send").click();
    await page.getByRole("heading", { name: "answer" }).waitFor();
    await page.getByRole("button", { name: "Show its trace" }).click();
    await page.getByTestId("list").waitFor();
  });

  test("every panel opens by key, has no violation of accessibility, and no error", async () => {
    const violations = [];
    for (const [index, panel] of PANELS.entries()) {
      await page.locator("body").press(String(index + 1));
      await page.locator(`main[data-panel="${panel}"]`).waitFor();
      violations.push(...(await audit({ page })).violations.map((it) => `${panel}: ${it}`));
    }
    assert.deepEqual(violations, []);
    await page.getByTestId("tab-bill").click();
    await page.getByTestId("total").waitFor();
    assert.deepEqual(problems, []);
  });

  test("100,000 events stay usable: what is kept is bounded, and only visible rows are elements", async () => {
    await tab("timeline");
    await page.getByTestId("search").fill("");
    await page.getByTestId("every").check();
    const measured = await page.evaluate(async () => {
      const { Store } = await import("/.local/console/files/store.js");
      const { timeline } = await import("/.local/console/files/timeline.js");
      const store = new Store();
      const { panel, end } = timeline(store, () => {});
      const main = document.querySelector("main");
      main.dataset.panel = "timeline";
      main.replaceChildren(panel);
      const event = (number) => ({
        number,
        kind: "dynamodb",
        name: "Query",
        level: "ok",
        traceId: String(number >> 3),
        spanId: String(number),
        parentSpanId: number % 8 === 0 ? undefined : String(number - 1),
        startTimeUnixMicro: 1_000 * number,
        durationMicro: 900,
        attributes: { "aws.dynamodb.key": `pk=${number}` },
      });
      for (let number = 0; number < 110_000; number += 1_000)
        store.add(Array.from({ length: 1_000 }, (_, index) => event(number + index)));
      const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
      const list = panel.querySelector("[data-testid=list]");
      await frame();
      await frame();
      for (let step = 0; step < 60; step += 1) {
        list.scrollTop = (list.scrollHeight * step) / 60;
        await frame();
      }
      await frame();
      const elements = panel.querySelectorAll("[role=option]").length;
      end();
      return { kept: store.events.length, elements, traces: store.traces.size };
    });
    assert.ok(measured.kept <= 100_000 && measured.kept >= 90_000, String(measured.kept));
    assert.ok(measured.traces <= 12_501, String(measured.traces));
    assert.ok(measured.elements > 5 && measured.elements < 100, String(measured.elements));
  });

  test("other pages and other hosts reach neither the page nor its events", async () => {
    const { host, port, hostname } = new URL(stack.http);
    const status = (headers, path = "/.local/", method = "GET") =>
      new Promise((resolve, reject) =>
        request({ hostname, port, path, method, headers }, (response) => {
          response.resume();
          resolve(response.statusCode);
        })
          .on("error", reject)
          .end(),
      );
    assert.equal(await status({ host }), 200);
    for (const headers of [
      { host: `rebound.example:${port}` },
      { host, origin: "https://foreign.example" },
      { host, origin: `http://localhost:${Number(port) + 1}` },
      { host, "sec-fetch-site": "cross-site" },
    ]) {
      assert.equal(await status(headers), 403, JSON.stringify(headers));
      assert.equal(await status(headers, "/.local/console/overview"), 403);
      const path = "/.local/console/tables/Scan";
      assert.equal(await status(headers, path, "POST"), 403);
    }
    for (const [origin, opens] of [
      [stack.http, true],
      ["http://localhost:1", false],
      ["https://foreign.example", false],
    ]) {
      const address = `${stack.http.replace("http", "ws")}/.local/console/events`;
      const socket = new WebSocket(address, { origin });
      const opened = await new Promise((resolve) =>
        socket.once("open", () => resolve(true)).once("error", () => resolve(false)),
      );
      assert.equal(opened, opens, origin);
      socket.terminate();
    }
  });
});
