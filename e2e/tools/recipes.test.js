import assert from "node:assert/strict";
import { test } from "node:test";

import { Client } from "../lib/client.js";
import { suite } from "../lib/suite.js";
import { Program, recipesOf, replacements, run } from "./recipes.js";

const TOOLS = "With AWS's tools";
const BACKEND = "From an own backend";

suite("the README's recipes", (stack) => {
  const recipes = recipesOf("README.md").filter(({ section }) =>
    [TOOLS, BACKEND].includes(section),
  );

  /** The next recipe, as it has to be run here; the test of the last one finds that none is left. */
  const next = (language, beginning) => {
    const recipe = recipes.shift();
    assert.equal(recipe?.language, language);
    assert.ok(
      recipe.text.startsWith(beginning),
      `the README's next recipe is not ${beginning}, but ${recipe.text}`,
    );
    return replacements(stack)(recipe.text);
  };
  /** Bash runs it as it stands, and every line of it has to succeed. The pipe is for `/dev/stdout`, which must be no socket. */
  const shell = (text) =>
    run("bash", ["--norc", "-euo", "pipefail", "-c", '(eval "$RECIPE") 2>&1 | cat'], {
      RECIPE: text,
    });

  let login;
  let credentials;
  let token;
  let wscat;

  test("curl: log in, and talk by HTTP", async () => {
    login = next("sh", "TOKEN=");
    const said = await shell(login);
    assert.match(said, /"id":"lunch"/);
    assert.match(said, /"seq":1/);
    assert.match(said, /"body":"Shall we\?"/);
    const [assignment] = login.split("\n");
    token = stack.secretToken((await shell(`${assignment}\necho "$TOKEN"`)).trim());
    assert.equal(token.split(".").length, 3, "the shell got a token");
  });

  test("wscat: a socket that hears the conversation", async () => {
    const [command, ...typed] = next("sh", "wscat ").split("\n");
    // It speaks to terminals only, and `script` is one.
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

  test("websocat: one question", async () => {
    const said = await shell(`TOKEN=${token}\n${next("sh", "echo ")}`);
    const { event, head } = JSON.parse(said);
    assert.deepEqual([event, head], ["subscribed", 2]);
  });

  test("the key of a local administrator", () => {
    credentials = next("sh", "export AWS_ACCESS_KEY_ID");
  });

  test("cargo lambda, aws lambda and aws dynamodb: sample events, their log, the table", async () => {
    const said = await shell(`${credentials}\n${next("sh", "cargo lambda invoke rest")}`);
    assert.match(said, /"?statusCode"?:\s*201/);
    assert.match(said, /\\"event\\":\\"sent\\"/);
    assert.match(said, /"ExecutedVersion": "\$LATEST"/);
    assert.match(said, /"type":"platform.report"/);
    assert.match(said, /"S": "conversation#welcome"/);
  });

  test("aws apigatewaymanagementapi: the push reaches wscat, whose connection can be looked at and ended", async () => {
    const said = await shell(`${credentials}\n${next("sh", "CONNECTION=")}`);
    await wscat.says(/"lunchIsReady"/);
    assert.match(said, /"ConnectedAt"/);
    await wscat.says(/Disconnected \(code: 1000/);
    await wscat.stop();
  });

  test("Python: websockets and boto3", async () => {
    const window = await Client.connect(stack, await stack.tokenFor("grace"));
    await window.request("subscribe", { conversation: "lunch" });
    const program = next("python", "import json");
    const keys = Object.fromEntries(
      [...credentials.matchAll(/(AWS_\w+)=(\S+)/g)].map(([, name, value]) => [name, value]),
    );
    const said = await run("python", ["-c", program], { ...keys, TOKEN: token });
    assert.match(said, /'subscribed'/);
    assert.match(said, /'sent'/);
    assert.match(said, /^Lunch$/m);
    const heard = await window.next();
    assert.equal(heard.body, "I am hungry.");
    await window.close();
  });

  test("cargo lambda watch has recipes of its own, and then there are no more", () => {
    // Their execution is that of every sample event, see `events.test.js`.
    next("sh", "cargo lambda watch -A ::1 -P 9001 --env-file events/local.env");
    next("sh", "cargo lambda invoke -P 9001 send_message --data-file events/send_message.json");
    assert.deepEqual(recipes, []);
  });
});
