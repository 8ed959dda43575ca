/**
 * The expected result of every sample event: `[file, function, expected]`. Each event depends on
 * the earlier ones.
 *
 * - `frame`: the body of a WebSocket reply with status 200.
 * - `status` and `body`: a REST response.
 * - `failure`: the `errorMessage` of a function that fails.
 * - `result`: what a function returns that serves no gateway.
 *
 * Members that are not listed may have any value.
 */
export const SAMPLE_EVENTS = [
  ["authorizer_websocket", "authorizer", { failure: "Unauthorized" }],
  ["authorizer_websocket_foreign_origin", "authorizer", { effect: "Deny" }],
  ["authorizer_http", "authorizer", { failure: "Unauthorized" }],
  ["connect", "connect", { status: 200, headers: { "Sec-WebSocket-Protocol": "confab.v1" } }],
  ["rest_create_conversation", "rest", { status: [201, 200], body: { id: "welcome" } }],
  [
    "rest_list_conversations",
    "rest",
    { status: 200, body: { conversations: [{ id: "welcome" }] } },
  ],
  ["rest_get_conversation", "rest", { status: 200, body: { id: "welcome", title: "Welcome" } }],
  [
    "subscribe",
    "subscriptions",
    { frame: { event: "subscribed", ref: "1", conversation: "welcome" } },
  ],
  [
    "subscribe_not_found",
    "subscriptions",
    { frame: { event: "error", ref: "1", code: "not_found" } },
  ],
  [
    "send_message",
    "send_message",
    { frame: { event: "sent", ref: "2", conversation: "welcome", seq: 1 } },
  ],
  [
    "send_message_invalid",
    "send_message",
    { frame: { event: "error", ref: "3", code: "invalid", field: "body" } },
  ],
  [
    "send_message_unauthenticated",
    "send_message",
    { frame: { event: "error", ref: "4", code: "unauthenticated" } },
  ],
  ["ping", "subscriptions", { frame: { event: "pong", ref: "5" } }],
  // The gateway sends no reply of these two.
  ["typing", "signals", { frame: {} }],
  ["receipt", "signals", { frame: { conversation: "welcome", readTo: 1, messages: 1 } }],
  [
    "catch_up",
    "subscriptions",
    { frame: { event: "caughtUp", ref: "10", conversation: "welcome", subscribed: true } },
  ],
  [
    "unsubscribe",
    "subscriptions",
    { frame: { event: "unsubscribed", ref: "6", conversation: "welcome" } },
  ],
  ["default", "default", { frame: { event: "error", ref: "7", code: "unknown_action" } }],
  [
    "default_malformed",
    "default",
    { frame: { event: "error", ref: undefined, code: "malformed" } },
  ],
  ["rest_send_message", "rest", { status: [201, 200], body: { seq: 2 } }],
  ["rest_send_message_invalid", "rest", { status: 422, body: { code: "invalid", field: "id" } }],
  ["rest_send_message_unauthenticated", "rest", { status: 401, body: { code: "unauthenticated" } }],
  [
    "edit_message",
    "messages",
    { frame: { event: "edited", ref: "8", conversation: "welcome", seq: 3 } },
  ],
  [
    "delete_message",
    "messages",
    { frame: { event: "deleted", ref: "9", conversation: "welcome", seq: 4 } },
  ],
  [
    "react",
    "messages",
    { frame: { event: "reacted", ref: "10", target: 1, emoji: "👍", on: true } },
  ],
  ["rest_edit_message", "rest", { status: [201, 200], body: { event: "edited", seq: 6 } }],
  [
    "rest_delete_message",
    "rest",
    { status: 200, body: { event: "deleted", seq: 4, duplicate: true } },
  ],
  ["rest_react", "rest", { status: 200, body: { event: "reacted", emoji: "❤", on: true } }],
  ["rest_withdraw_reaction", "rest", { status: 200, body: { event: "reacted", on: false } }],
  ["rest_add_participant", "rest", { status: 200 }],
  ["rest_remove_participant", "rest", { status: 200 }],
  ["rest_receipt", "rest", { status: 200, body: { conversation: "welcome", readTo: 1 } }],
  ["rest_show_presence", "rest", { status: 200, body: { shown: true } }],
  [
    "rest_remove_participants",
    "rest",
    { status: 200, body: { users: [{ user: "alan", outcome: "unchanged" }, { user: "edsger" }] } },
  ],
  [
    "rest_read_events",
    "rest",
    {
      status: 200,
      body: {
        events: [
          { seq: 1, body: "Hello again, Grace!" },
          { seq: 2, body: "" },
        ],
      },
    },
  ],
  ["rest_read_messages", "rest", { status: 200 }],
  ["rest_read_messages_not_found", "rest", { status: 404, body: { code: "not_found" } }],
  [
    "user_data_export",
    "user_data",
    { result: { done: true, records: [{ record: "entry" }, { record: "entry" }] } },
  ],
  ["user_data_erase", "user_data", { result: { done: true, erased: { messages: 0 } } }],
  ["disconnect", "disconnect", { status: 200 }],
];
