import assert from "node:assert/strict";
import { test } from "node:test";
import { Api } from "../client/api.js";
import { systemClock } from "../client/clock.js";
import { addParticipant, removeParticipant } from "../client/membership.js";

/** @import { ApiOptions } from "../client/types.js" */

test("user ids that a gateway would change in a path are encoded", async () => {
  /** @type {string[]} */
  const paths = [];
  const api = new Api(
    /** @type {ApiOptions} */ (
      /** @type {unknown} */ ({
        base: "",
        clock: systemClock,
        credentials: { token: "t", accepted() {} },
        fetch: async (/** @type {string} */ path) => {
          paths.push(path);
          return new Response('{"seq": 1}');
        },
      })
    ),
  );
  for (const [user, expected] of /** @type {[string, string][]} */ ([
    ["ada", "ada"],
    ["auth0|5f7c", "auth0%7C5f7c"],
    ["ada@example.org", "ada%40example.org"],
    ["Zo\u00eb L", "Zo%C3%AB%20L"],
    ["100% sure?", "base64url.MTAwJSBzdXJlPw%3D%3D"],
    ["a/b\u{1f600}>", "base64url.YS9i8J-YgD4%3D"],
    ["..", "base64url.Li4%3D"],
    ["base64url.x", "base64url.YmFzZTY0dXJsLng%3D"],
  ])) {
    await addParticipant(api, "c", user);
    await removeParticipant(api, "c", user);
    const path = `/conversations/c/participants/${expected}`;
    assert.deepEqual(paths.splice(0), [path, path], user);
  }
});
