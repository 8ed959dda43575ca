import assert from "node:assert/strict";
import { test } from "node:test";

import { Client } from "../lib/client.js";
import { suite } from "../lib/suite.js";
import { Program, recipesOf, replacements, run } from "./recipes.js";

suite("the recipes of docs/recipes.md", (stack) => {
  const recipes = recipesOf("docs/recipes.md");

  /** Returns the next recipe, adapted to this stack. The last test asserts that none is left. */
  const next = (language, beginning) => {
    const recipe = recipes.shift();
    assert.equal(recipe?.language, language);
    assert.ok(
      recipe.text.startsWith(beginning),
      `the next recipe does not start with ${beginning}: ${recipe.text}`,
    );
    return replacements(stack)(recipe.text);
  };
  /**
   * Runs a recipe in bash; every command must succeed. Because of the pipe, `/dev/stdout` is not a
   * socket.
   */
  const shell = (text) =>
    run("bash", ["--norc", "-euo", "pipefail", "-c", '(eval "$RECIPE") 2>&1 | cat'], {
      RECIPE: text,
    });

  let login;
  let credentials;
  let token;
  let wscat;

  test("curl logs in and sends a message over HTTP", async () => {
    login = next("sh", "TOKEN=");
    const output = await shell(login);
    assert.match(output, /"id":"lunch"/);
    assert.match(output, /"seq":1/);
    assert.match(output, /"body":"Shall we\?"/);
    const [assignment] = login.split("\n");
    token = stack.secretToken((await shell(`${assignment}\necho "$TOKEN"`)).trim());
    assert.equal(token.split(".").length, 3, "the shell has a token");
  });

  test("wscat receives the messages of a conversation", async () => {
    const [command, ...typed] = next("sh", "wscat ").split("\n");
    // wscat requires a terminal, which `script` provides.
    wscat = new Program(
      "script",
      ["--quiet", "--flush", "--return", "--command", command, "/dev/null"],
      {
        TOKEN: token,
      },
    );
    await wscat.says(/Connected/);
    for (const line of typed) wscat.types(line.replace(/^> /, ""));
    await wscat.says(/"event":"subscribed".*Shall we\?/);

    const grace = await Client.connect(stack, await stack.tokenFor("grace"));
    const sent = await grace.request("sendMessage", {
      conversation: "lunch",
      id: "g-1",
      body: "Gladly.",
    });
    assert.equal(sent.event, "sent");
    await wscat.says(/"body":"Gladly\."/);
    await grace.close();
  });

  test("websocat sends one request", async () => {
    const output = await shell(`TOKEN=${token}\n${next("sh", "echo ")}`);
    const { event, head } = JSON.parse(output);
    assert.deepEqual([event, head], ["subscribed", 2]);
  });

  test("the environment holds a local administrator's key", () => {
    credentials = next("sh", "export AWS_ACCESS_KEY_ID");
  });

  test("cargo lambda, aws lambda and aws dynamodb run sample events, show logs and read the table", async () => {
    const output = await shell(`${credentials}\n${next("sh", "cargo lambda invoke rest")}`);
    assert.match(output, /"?statusCode"?:\s*201/);
    assert.match(output, /\\"event\\":\\"sent\\"/);
    assert.match(output, /"ExecutedVersion": "\$LATEST"/);
    assert.match(output, /"type":"platform.report"/);
    assert.match(output, /"S": "conversation#welcome"/);
  });

  test("aws apigatewaymanagementapi pushes to wscat, describes its connection and closes it", async () => {
    const output = await shell(`${credentials}\n${next("sh", "CONNECTION=")}`);
    await wscat.says(/"lunchIsReady"/);
    assert.match(output, /"ConnectedAt"/);
    await wscat.says(/Disconnected \(code: 1000/);
    await wscat.stop();
  });

  test("Python's websockets and boto3 talk and read the table", async () => {
    const window = await Client.connect(stack, await stack.tokenFor("grace"));
    await window.request("subscribe", { conversation: "lunch" });
    const program = next("python", "import json");
    const keys = Object.fromEntries(
      [...credentials.matchAll(/(AWS_\w+)=(\S+)/g)].map(([, name, value]) => [name, value]),
    );
    const output = await run("python", ["-c", program], { ...keys, TOKEN: token });
    assert.match(output, /'subscribed'/);
    assert.match(output, /'sent'/);
    assert.match(output, /^Lunch$/m);
    const heard = await window.next();
    assert.equal(heard.body, "I am hungry.");
    await window.close();
  });

  test("the recipes of cargo lambda watch are the last ones", () => {
    // events.test.js runs them with every sample event.
    next("sh", "cargo lambda watch -A ::1 -P 9001 --env-file events/local.env");
    next("sh", "cargo lambda invoke -P 9001 send_message --data-file events/send_message.json");
    assert.deepEqual(recipes, []);
  });
});
