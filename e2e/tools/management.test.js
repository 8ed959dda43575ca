/** The management API through boto3, whose model decides how responses and errors are read. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";

import WebSocket from "ws";

import { Person } from "../lib/people.js";
import { suite } from "../lib/suite.js";
import { connectionsOf } from "../lib/table.js";
import { run } from "./recipes.js";

suite("boto3 and the management API", (stack) => {
  const environment = (more = {}) => ({
    MANAGEMENT: stack.management,
    AWS_ACCESS_KEY_ID: stack.accessKeyId,
    AWS_SECRET_ACCESS_KEY: stack.secretAccessKey,
    AWS_DEFAULT_REGION: "us-east-1",
    ...more,
  });

  test("post, get and delete work, and a gone connection and too long data raise boto3's exceptions", async () => {
    const ada = await Person.create(stack, "Ada");
    const socket = new WebSocket(stack.ws, ["confab.v1", `bearer.${ada.token}`]);
    const heard = [];
    socket.on("message", (data) => heard.push(data.toString()));
    await once(socket, "open");
    const closed = once(socket, "close");
    const [connection] = await connectionsOf(stack, ada);

    const output = await run(
      "python",
      ["e2e/tools/management.py"],
      environment({ CONNECTION: connection }),
    );
    assert.deepEqual(JSON.parse(output), [
      ["post", 200],
      ["post the longest", 200],
      ["post more", ["PayloadTooLargeException", 413]],
      ["get", [200, ["SourceIp"], [true, true]]],
      ["post to an unknown connection", ["GoneException", 410]],
      ["get an unknown connection", ["GoneException", 410]],
      ["delete an unknown connection", ["GoneException", 410]],
      ["post to nonsense", ["BadRequestException", "Invalid connectionId: nonsense", 400]],
      ["delete", 204],
      ["post again", ["GoneException", 410]],
      ["delete again", ["GoneException", 410]],
    ]);
    const [code] = await closed;
    assert.equal(code, 1000);
    assert.deepEqual(heard.slice(-2), ['{"event":"fromPython"}', "x".repeat(128 * 1024)]);
  });

  test("an unknown access key is rejected", async () => {
    const unknown = environment({
      CONNECTION: "BFHPhfCWIAMCKlQ=",
      AWS_ACCESS_KEY_ID: "AKIAUNKNOWN",
    });
    const outcomes = JSON.parse(await run("python", ["e2e/tools/management.py"], unknown));
    for (const [name, outcome] of outcomes)
      assert.equal(outcome.at(-1), 403, `${name}: ${JSON.stringify(outcome)}`);
  });
});
