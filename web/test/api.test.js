import assert from "node:assert/strict";
import { test } from "node:test";
import { Api } from "../client/api.js";
import { systemClock } from "../client/browser.js";
import { addParticipant, removeParticipant } from "../client/membership.js";

/** @import { ApiOptions } from "../client/types.js" */

/** An API that answers from `answer`. @param {(path: string) => object} answer */
const apiOf = (answer) =>
  new Api(
    /** @type {ApiOptions} */ (
      /** @type {unknown} */ ({
        base: "",
        clock: systemClock,
        credentials: { token: "t", accepted() {} },
        fetch: async (/** @type {string} */ path) => new Response(JSON.stringify(answer(path))),
      })
    ),
  );

test("the participants of all pages are read", async () => {
  const member = (/** @type {string} */ user) => ({ user, name: user, role: "member" });
  const page = (/** @type {string} */ user, /** @type {string | null} */ next) => ({
    id: "c",
    participants: [member(user)],
    next,
  });
  /** @type {Record<string, object>} */
  const pages = {
    "/conversations/c": page("a", "a & b"),
    "/conversations/c?next=a%20%26%20b": page("d", "d"),
    "/conversations/c?next=d": page("e", null),
  };
  const { participants } = await apiOf((path) => pages[path] ?? {}).conversation("c");
  assert.deepEqual(participants, ["a", "d", "e"].map(member));
});

test("user ids that a gateway would change in a path are encoded", async () => {
  /** @type {string[]} */
  const paths = [];
  const api = apiOf((path) => {
    paths.push(path);
    return { seq: 1 };
  });
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
