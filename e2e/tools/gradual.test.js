/** The output of `infra/gradual` is a template that runs: aliases stand for the functions. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { Person } from "../lib/people.js";
import { suite } from "../lib/suite.js";
import { ROOT, run } from "./recipes.js";

/** Git ignores the file. The folders of the functions are relative to it. */
const TEMPLATE = join(ROOT, "infra/gradual.yaml");

suite(
  "a stack with aliases",
  (stack) => {
    test("people talk over both transports", async () => {
      const [ada, grace] = await Promise.all(
        ["Ada", "Grace"].map((name) => Person.create(stack, name)),
      );
      const conversation = await ada.start([grace]);
      const socket = await grace.connect();
      await socket.request("subscribe", { conversation, after: 0 });
      const message = { id: "m-1", body: "Through an alias." };
      assert.equal(
        (await ada.post(`/conversations/${conversation}/messages`, message)).status,
        201,
      );
      assert.equal((await socket.next(({ event }) => event === "message")).body, message.body);
      const answer = { conversation, id: "g-1", body: "And back.", after: 1 };
      assert.equal((await socket.request("sendMessage", answer)).seq, 2);
      await socket.close();
    });
  },
  async () => {
    await writeFile(TEMPLATE, await run("infra/gradual", ["AllAtOnce"]));
    return { template: TEMPLATE };
  },
);
