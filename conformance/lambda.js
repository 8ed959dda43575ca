/** Section 6: functions, through the Invoke API. */
import assert from "node:assert/strict";

import { answer, fact, KB, keys } from "./fact.js";
import { invoke, open } from "./target.js";

const MB = KB * KB;
const TYPE = "x-amzn-errortype";
const FAILURE = "x-amz-function-error";

export function lambdaFacts() {
  fact(
    "6.5 [D]",
    "Invoke: the response has the function's result, its version and the request id",
    async () => {
      const { status, headers, json } = await invoke("message", {
        script: answer({ id: "$request" }),
      });
      assert.deepEqual(
        [status, headers.get("x-amz-executed-version"), headers.get(FAILURE)],
        [200, "$LATEST", null],
      );
      assert.deepEqual(json(), { id: headers.get("x-amzn-requestid") });
    },
  );

  const failures = [
    ["6.5 [D]", "returns an error", "message", [{ fail: "on purpose" }], undefined, /^on purpose$/],
    ["6.4 [M]", "exits", "message", [{ exit: 3 }], "Runtime.ExitError", /exit status 3$/],
    ["6.4 [M]", "times out", "hasty", ["hang"], undefined, /Task timed out after 1\.00 seconds$/],
  ];
  for (const [source, name, of, script, type, message] of failures) {
    fact(source, `Invoke: a function that ${name} is a 200 with an error`, async () => {
      const { status, headers, json } = await invoke(of, { script });
      assert.deepEqual([status, headers.get(FAILURE)], [200, "Unhandled"]);
      const { errorType, errorMessage } = json();
      assert.match(errorMessage, message);
      if (type) assert.equal(errorType, type);
    });
  }
  fact("6.5 [D]", "Invoke: a result over 6 MB is an error", async () => {
    // The event grows when it is embedded in JSON as text.
    const { status, headers } = await invoke("message", {
      script: answer("$event"),
      pad: '"'.repeat(2 * MB),
    });
    assert.deepEqual([status, headers.get(FAILURE)], [200, "Unhandled"]);
  });

  fact("6.5 [D]", "Invoke: an event is accepted at once and handled later", async () => {
    const observer = await open();
    const script = [{ report: { to: observer.id, as: "later" } }];
    const { status, text } = await invoke(
      "message",
      { script },
      { headers: { "x-amz-invocation-type": "Event" } },
    );
    assert.deepEqual([status, text], [202, ""]);
    assert.equal((await observer.json()).as, "later");
    observer.cut();
  });
  fact("6.5 [D]", "Invoke: a dry run does nothing", async () => {
    const observer = await open();
    const post = (data) => ({ script: [{ post: { to: observer.id, data } }] });
    const { status, text } = await invoke("message", post("dry"), {
      headers: { "x-amz-invocation-type": "DryRun" },
    });
    assert.deepEqual([status, text], [204, ""]);
    await invoke("message", post("marker"));
    assert.equal((await observer.next()).text, "marker");
    observer.cut();
  });
  fact("6.5 [D]", "Invoke: the response has the tail of the log if requested", async () => {
    const event = { script: answer("x") };
    const { headers } = await invoke("message", event, { headers: { "x-amz-log-type": "Tail" } });
    const log = Buffer.from(headers.get("x-amz-log-result"), "base64").toString();
    assert.ok(log.includes(headers.get("x-amzn-requestid")), log);
    assert.equal((await invoke("message", event)).headers.get("x-amz-log-result"), null);
  });

  const event = (length) => JSON.stringify({ script: answer("x"), pad: "x".repeat(length) });
  const later = { headers: { "x-amz-invocation-type": "Event" } };
  const rejections = [
    ["6.5 [D]", "an unknown function", "unknown", "{}", {}, 404, "ResourceNotFoundException"],
    [
      "6.5 [D]",
      "an unknown version",
      "message",
      "{}",
      { query: "?Qualifier=7" },
      404,
      "ResourceNotFoundException",
    ],
    [
      "6.5 [D]",
      "a function with no concurrency",
      "throttled",
      "{}",
      {},
      429,
      "TooManyRequestsException",
    ],
    [
      "6.5 [D]",
      "a payload that is not JSON",
      "message",
      "{",
      {},
      400,
      "InvalidRequestContentException",
    ],
    [
      "6.5 [D]",
      "a payload over 6 MB",
      "message",
      event(6 * MB),
      {},
      413,
      "RequestTooLargeException",
    ],
    ["6.5 [D]", "an event over 1 MB", "message", event(MB), later, 413, "RequestTooLargeException"],
    [
      "6.5 [D]",
      "an unknown invocation type",
      "message",
      "{}",
      { headers: { "x-amz-invocation-type": "Sometime" } },
      400,
      "InvalidParameterValueException",
    ],
  ];
  for (const [source, name, of, payload, options, status, type] of rejections) {
    fact(source, `Invoke: ${name}: ${status}`, async () => {
      const rejection = await invoke(of, payload, options);
      assert.deepEqual(
        [rejection.status, rejection.headers.get(TYPE)?.split(":")[0]],
        [status, type],
      );
      const { message, Message = message } = rejection.json();
      assert.equal(typeof Message, "string");
    });
  }
  fact("6.5 [D]", "Invoke: payloads just below the limits are accepted", async () => {
    assert.equal((await invoke("message", event(6 * MB - 100))).status, 200);
    assert.equal((await invoke("message", event(MB - 100), later)).status, 202);
  });

  fact("6.3 [D]", "a function's environment variables", async () => {
    const environment = (await invoke("message", { script: ["environment"] })).json();
    const named = [
      "_HANDLER",
      "_X_AMZN_TRACE_ID",
      "AWS_ACCESS_KEY_ID",
      "AWS_DEFAULT_REGION",
      "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
      "AWS_LAMBDA_FUNCTION_NAME",
      "AWS_LAMBDA_FUNCTION_VERSION",
      "AWS_LAMBDA_INITIALIZATION_TYPE",
      "AWS_LAMBDA_LOG_GROUP_NAME",
      "AWS_LAMBDA_LOG_STREAM_NAME",
      "AWS_LAMBDA_RUNTIME_API",
      "AWS_REGION",
      "AWS_SECRET_ACCESS_KEY",
      "AWS_SESSION_TOKEN",
      "LAMBDA_RUNTIME_DIR",
      "LAMBDA_TASK_ROOT",
      "LANG",
      "LD_LIBRARY_PATH",
      "PATH",
      "TZ",
    ];
    assert.deepEqual(
      named.filter((name) => !keys(environment).includes(name)),
      [],
    );
    const values = [
      "_HANDLER",
      "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
      "AWS_LAMBDA_FUNCTION_VERSION",
      "TZ",
    ];
    assert.deepEqual(
      values.map((name) => environment[name]),
      ["bootstrap", "256", "$LATEST", ":UTC"],
    );
    assert.match(environment.AWS_LAMBDA_RUNTIME_API, /^[\w.]+:\d+$/);
    assert.equal(environment.HOME, undefined);
  });

  fact("6.4 [D]", "an execution environment handles one invocation at a time", async () => {
    const gate = await open();
    const instance = (...before) =>
      invoke("message", { script: [...before, ...answer("$instance")] });
    const first = instance({ post: { to: gate.id, data: "running" } }, { awaitEnd: gate.id });
    assert.equal((await gate.next()).text, "running");
    const second = await instance();
    gate.cut();
    assert.notEqual((await first).text, second.text);
  });
}
