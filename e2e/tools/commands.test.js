/**
 * Every command of the AWS CLI in the pages for operators is one that the AWS CLI accepts: each page
 * is run with a program in place of `aws` that makes the AWS CLI check its arguments and sends no request.
 */
import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { recipesOf, run } from "./recipes.js";
import { REFUSED, refuseEverything } from "./refusal.js";

/** Other commands do nothing here. */
const STUBS = [
  "sam",
  "pip",
  "rustup",
  "infra/gradual",
  "infra/publish",
  "bin/smoke",
  "bin/user-data",
];

/** Checks a command, and prints something in place of its answer. */
const WRAPPER = `#!/bin/bash
echo "$*" >>"$CALLS"
case "$1 $2" in
  "configure ") exit 0 ;;
  "configure get") echo eu-central-1; exit 0 ;;
  "dynamodb wait") set -- dynamodb describe-table "\${@:4}" ;;
esac
complaint=$("$REAL_AWS" "$@" 2>&1 >/dev/null)
if [[ $complaint != *"${REFUSED}"* ]]; then
  echo "aws $*: $complaint" >&2
  exit 1
fi
if [[ "$1 $2" == "dynamodb query" ]]; then echo '{"Items": [{"pk": {"S": "p"}, "sk": {"S": "s"}}]}'
else echo answer-of-aws-which-is-as-long-as-ids-and-arns; fi
`;

for (const [page, least] of [
  ["docs/operations.md", 30],
  ["infra/README.md", 1],
]) {
  test(`the commands of ${page}`, async () => {
    const folder = await mkdtemp(join(tmpdir(), "confab-commands-"));
    const server = await refuseEverything();
    try {
      const real = (await run("sh", ["-c", "command -v aws"])).trim();
      for (const name of ["infra", "bin"]) await mkdir(join(folder, name));
      const programs = [["aws", WRAPPER], ...STUBS.map((name) => [name, "#!/bin/sh\n"])];
      for (const [name, text] of programs) {
        await writeFile(join(folder, name), text);
        await chmod(join(folder, name), 0o755);
      }
      const blocks = recipesOf(page).filter(({ language }) => language === "sh");
      // A file that the page shows.
      await writeFile(join(folder, "trust.json"), "{}");
      const text = blocks.map((block) => block.text).join("\n");
      // Places that a reader fills in.
      const script = text.replaceAll("…", "x").replaceAll(/\bUSER\b/g, "ada");
      const calls = join(folder, "calls");
      await run("bash", ["-c", `cd ${folder}\nset -euo pipefail\n${script}`], {
        PATH: `${folder}:${process.env.PATH}`,
        REAL_AWS: real,
        CALLS: calls,
        AWS_ACCESS_KEY_ID: "AKIAIOSFODNN7EXAMPLE",
        AWS_SECRET_ACCESS_KEY: "nobody",
        AWS_DEFAULT_REGION: "eu-central-1",
        AWS_ENDPOINT_URL: server.url,
        AWS_MAX_ATTEMPTS: "1",
      });
      const made = (await readFile(calls, "utf8")).trim().split("\n");
      assert.ok(made.length >= least, made.join("\n"));
    } finally {
      server.close();
      await rm(folder, { recursive: true });
    }
  });
}
