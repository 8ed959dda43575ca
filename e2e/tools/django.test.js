/** The migration guide, applied to a Django project whose users then talk. */
import assert from "node:assert/strict";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { call } from "../lib/client.js";
import { suite } from "../lib/suite.js";
import { launch } from "../lib/window.js";
import { DjangoProject, steps } from "./django_project.js";
import { freePort } from "./recipes.js";

const PASSWORD = "correct horse battery staple";
const KEY_PAIR = "With a key pair instead";
const all = await steps();
const settingUp = all.filter(
  ({ section, language, file }) => /^[2-5]\./.test(section) && (file || language !== "python"),
);
const inSection = (section) => all.filter((step) => step.section.startsWith(section));

/** Opens a browser and logs a user in with Django's own form. */
async function visitor(browser, stack, site, username) {
  const page = await (await browser.newContext()).newPage();
  page.on("response", async (response) => {
    if (response.url().endsWith("/chat/token/") && response.ok())
      stack.secretToken(await response.text());
  });
  page.on("pageerror", (error) => assert.fail(`${username}: ${error.message}`));
  await page.goto(`${site}/accounts/login/`);
  await page.getByLabel("Username").fill(username);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button").click();
  await page.waitForURL(`${site}/chat/`);
  const open = async (conversation) => {
    await page.goto(`${site}/chat/${conversation}/`);
    await page.getByRole("status").filter({ hasText: "connected" }).waitFor();
  };
  const say = async (body) => {
    await page.getByLabel("Message").fill(stack.secret(body));
    await page.getByRole("button").click();
  };
  const sees = (line) => page.getByRole("listitem").filter({ hasText: line }).waitFor();
  const lines = () => page.getByRole("listitem").allTextContents();
  const token = () => page.evaluate(async () => (await fetch("/chat/token/")).text());
  return { page, open, say, sees, lines, token };
}

/** Creates users and an old conversation with messages of a user who has left it. */
const PAST = `
from datetime import datetime, timezone
from django.contrib.auth import get_user_model
from chat.models import Conversation, Message
people = {name: get_user_model().objects.create_user(name, password="${PASSWORD}") for name in ("ada", "grace", "linus")}
people["ada"].first_name, people["ada"].last_name = "Ada", "Lovelace"
people["ada"].save()
conversation = Conversation.objects.create(title="The engine")
conversation.participants.set([people["ada"], people["grace"]])
for minute, (name, body) in enumerate([("ada", "Does it compute?\\r\\nI hope so."), ("linus", "It does."), ("grace", "Indeed.")]):
    message = Message.objects.create(conversation=conversation, sender=people[name], body=body)
    Message.objects.filter(pk=message.pk).update(created_at=datetime(2024, 5, 3, 14, minute, tzinfo=timezone.utc))
`;

/** Reactions to the last message, also of the user who has left, and a message that was deleted. */
const CHANGES = `
from datetime import datetime, timezone
from django.contrib.auth import get_user_model
from chat.models import Conversation, Message, Reaction
people = {name: get_user_model().objects.get(username=name) for name in ("ada", "grace", "linus")}
last = Message.objects.get(pk=3)
for name, emoji in [("ada", "👍"), ("ada", "❤️"), ("linus", "👍"), ("linus", "#️⃣"), ("grace", "a word")]:
    Reaction.objects.create(message=last, user=people[name], emoji=emoji)
conversation = Conversation.objects.get(pk=1)
Message.objects.create(conversation=conversation, sender=people["grace"], body="The door code is 4711.", deleted_at=datetime.now(timezone.utc))
`;

// The ports are chosen before the stacks start, because a stack must allow the origin.
const [port, otherPort] = [await freePort(), await freePort()];
const secret = randomBytes(32).toString("hex");
const SECRET_ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:chat/token-AbCdEf";
/** The harness reads the file at its start only. */
async function secretsFile() {
  const folder = await mkdtemp(join(tmpdir(), "confab-secrets-"));
  process.on("exit", () => rmSync(folder, { recursive: true }));
  const path = join(folder, "secrets.json");
  await writeFile(path, JSON.stringify({ secretsmanager: { [SECRET_ARN]: secret } }));
  return path;
}
const issuer = ["TokenIssuer=https://www.example.org", "TokenAudience=chat"];

suite(
  "a migrated Django project with a shared secret",
  (stack) => {
    /** @type {import('playwright-core').Browser} */ let browser;
    /** @type {DjangoProject} */ let project;
    let site;

    before(async () => {
      browser = await launch();
      site = `http://localhost:${port}`;
      project = await DjangoProject.before({
        CONFAB_HTTP: stack.http,
        CONFAB_WS: stack.ws,
        CONFAB_SECRET: stack.secret(secret),
      });
      const copying = [...inSection("7."), ...inSection("8.")];
      for (const step of [
        ...settingUp,
        ...copying.filter(({ language }) => language !== "sh"),
        ...inSection("9.").filter(({ language }) => language === "diff"),
      ])
        await project.take(step);
      await project.shell("python manage.py migrate");
      await project.python(PAST);
      await project.serve(port);
    });
    after(async () => {
      await browser?.close();
      await project?.end();
    });

    test("nothing of Channels is left, and Django reports no problem", async () => {
      assert.equal(
        await project.shell("grep -rniE 'channel|daphne|redis' --include='*.py' . || true"),
        "",
      );
      assert.match(await project.shell("python manage.py check"), /no issues/);
      assert.match(
        await project.shell("python manage.py makemigrations --check --dry-run"),
        /No changes/,
      );
    });

    test("old messages are copied once and in order, and former participants stay out", async () => {
      const [copy] = inSection("7.").filter(({ language }) => language === "sh");
      assert.match(await project.take(copy), /^django-1: 3 messages$/m);
      assert.match(await project.take(copy), /^django-1: 0 messages$/m);
      const ada = await visitor(browser, stack, site, "ada");
      const token = await ada.token();
      const { body } = await call(stack, token, "GET", "/conversations/django-1");
      assert.equal(body.title, "The engine");
      assert.deepEqual(body.participants.map(({ user }) => user).toSorted(), ["1", "2"]);
      const { body: log } = await call(
        stack,
        token,
        "GET",
        "/conversations/django-1/events?after=0",
      );
      assert.deepEqual(
        log.events
          .filter(({ event }) => event === "message")
          .map(({ id, sender, body: text }) => [id, sender, text]),
        [
          ["django-1", "1", "[2024-05-03 14:00 UTC] Does it compute?\nI hope so."],
          ["django-2", "3", "[2024-05-03 14:01 UTC] It does."],
          ["django-3", "2", "[2024-05-03 14:02 UTC] Indeed."],
        ],
      );
      const { body: list } = await call(stack, token, "GET", "/conversations");
      assert.deepEqual(
        list.conversations.map(({ unread }) => unread),
        [0],
      );
      await ada.page.context().close();
    });

    test("reactions and deletions are copied once, and no deleted text", async () => {
      await project.python(CHANGES);
      const [[messages], [changes]] = ["7.", "8."].map((section) =>
        inSection(section).filter(({ language }) => language === "sh"),
      );
      assert.match(await project.take(messages), /^django-1: 1 messages$/m);
      const copied = await project.take(changes);
      assert.match(copied, /^left out: PUT .*emoji/m);
      assert.match(copied, /^django-1: 5 changes$/m);
      assert.match(await project.take(changes), /^django-1: 0 changes$/m);
      const ada = await visitor(browser, stack, site, "ada");
      const path = "/conversations/django-1/messages?reactions=true";
      const { body: page } = await call(stack, await ada.token(), "GET", path);
      const { seq } = page.messages.find(({ id }) => id === "django-3");
      assert.deepEqual(
        page.reactions.map(({ target, emoji, user }) => [target, emoji, user]),
        [
          [seq, "#⃣", "3"],
          [seq, "❤", "1"],
          [seq, "👍", "1"],
          [seq, "👍", "3"],
        ],
      );
      const last = page.messages.at(-1);
      assert.deepEqual([last.body, last.deleted.by], ["", "2"]);
      assert.equal(JSON.stringify(page).includes("4711"), false);
      await ada.page.context().close();
    });

    test("the page shows who types, who has read and who is here", async () => {
      const [ada, grace] = [
        await visitor(browser, stack, site, "ada"),
        await visitor(browser, stack, site, "grace"),
      ];
      for (const one of [ada, grace]) await one.open(1);
      const shows = ({ page }, text) =>
        page.locator("#company").filter({ hasText: text }).waitFor({ timeout: 90_000 });
      const draft = stack.secret("Does it see me?");
      await grace.page.getByLabel("Message").pressSequentially(draft, { delay: 100 });
      await shows(ada, "grace is typing…");
      await grace.page.getByRole("button").click();
      await ada.sees(`grace: ${draft}`);
      await shows(grace, "Seen");
      await shows(ada, "grace is online");
      for (const { page } of [ada, grace]) await page.context().close();
    });

    test("Django's users exchange messages, and the server sends one too", async () => {
      const [ada, grace] = [
        await visitor(browser, stack, site, "ada"),
        await visitor(browser, stack, site, "grace"),
      ];
      for (const one of [ada, grace]) await one.open(1);
      await ada.sees("grace: [2024-05-03 14:02 UTC] Indeed.");
      await ada.say("Good morning, from the same users.");
      await grace.sees("Ada Lovelace: Good morning, from the same users.");
      await grace.say("And in the same order.");
      await ada.sees("grace: And in the same order.");
      stack.secret("Your order is on its way.");
      const [{ text }] = inSection("6.");
      const names = `
from django.contrib.auth import get_user_model
from chat import confab
from chat.models import Conversation
conversation, sender = Conversation.objects.get(pk=1), get_user_model().objects.get(username="ada")
user = get_user_model().objects.get(username="linus")
`;
      for (let twice = 0; twice < 2; twice += 1) await project.python(names + text);
      await grace.sees("Ada Lovelace: Your order is on its way.");
      await ada.sees("Ada Lovelace: Your order is on its way.");
      assert.deepEqual(await ada.lines(), await grace.lines());
      assert.equal((await ada.lines()).filter((line) => line.includes("Your order")).length, 1);

      // Adding and removing a participant in Django changes access here.
      const linus = await visitor(browser, stack, site, "linus");
      const status = async () =>
        (await call(stack, await linus.token(), "GET", "/conversations/django-1")).status;
      assert.equal(await status(), 404);
      const changes = inSection("4.").filter(({ language }) => language === "python");
      assert.equal(changes.length, 2);
      await project.python(names + changes[0].text);
      assert.equal(await status(), 200);
      await linus.open(1);
      await linus.sees("And in the same order.");
      await project.python(names + changes[1].text);
      assert.equal(await status(), 404);
      for (const { page } of [ada, grace, linus]) await page.context().close();
    });

    test("the old form starts a conversation", async () => {
      const [ada, linus] = [
        await visitor(browser, stack, site, "ada"),
        await visitor(browser, stack, site, "linus"),
      ];
      await ada.page.goto(`${site}/chat/`);
      await ada.page.getByLabel("Title").fill("A new engine");
      await ada.page.getByLabel("With").fill("linus");
      await ada.page.getByRole("button").click();
      await ada.page.waitForURL(`${site}/chat/2/`);
      await linus.open(2);
      await ada.say("Only the two of us are here.");
      await linus.sees("Ada Lovelace: Only the two of us are here.");
      for (const { page } of [ada, linus]) await page.context().close();
    });

    test("a token requires a login and the right secret", async () => {
      assert.equal((await fetch(`${site}/chat/token/`)).status, 401);
      const code =
        'import jwt, time; print(jwt.encode({"iss": "https://www.example.org", "aud": "chat", "sub": "1", "exp": int(time.time()) + 60}, "x" * 32, algorithm="HS256"))';
      const forged = (await project.python(code)).trim().split("\n").at(-1);
      assert.ok(
        [401, 403].includes(
          (await call(stack, stack.secretToken(forged), "GET", "/conversations")).status,
        ),
      );
    });
  },
  async () => ({
    "parameter-overrides": [
      ...issuer,
      `TokenSecretArn=${SECRET_ARN}`,
      `AllowedOrigins=http://localhost:${port}`,
    ],
    secrets: await secretsFile(),
  }),
);

suite(
  "a migrated Django project with a key pair",
  (stack) => {
    /** @type {import('playwright-core').Browser} */ let browser;
    /** @type {DjangoProject} */ let project;

    before(async () => {
      browser = await launch();
      project = await DjangoProject.before({ CONFAB_HTTP: stack.http, CONFAB_WS: stack.ws });
      project.environment.CONFAB_PRIVATE_KEY = join(project.folder, "key.pem");
      const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
      await writeFile(
        project.environment.CONFAB_PRIVATE_KEY,
        privateKey.export({ type: "pkcs8", format: "pem" }),
      );
      for (const step of [...settingUp, ...inSection(KEY_PAIR)]) await project.take(step);
      await project.shell("python manage.py migrate");
      await project.python(PAST);
      await project.serve(otherPort);
    });
    after(async () => {
      await browser?.close();
      await project?.end();
    });

    test("its users exchange messages with keys that Confab fetches from the project", async () => {
      const site = `http://localhost:${otherPort}`;
      const [ada, grace] = [
        await visitor(browser, stack, site, "ada"),
        await visitor(browser, stack, site, "grace"),
      ];
      await ada.page.goto(`${site}/chat/`);
      await ada.page.getByLabel("Title").fill("Signed");
      await ada.page.getByLabel("With").fill("grace");
      await ada.page.getByRole("button").click();
      await grace.open(2);
      await grace.say("Signed by Django.");
      await ada.sees("grace: Signed by Django.");
      for (const { page } of [ada, grace]) await page.context().close();
    });
  },
  async () => ({
    "parameter-overrides": [
      ...issuer,
      `TokenJwksUrl=http://localhost:${otherPort}/chat/keys/`,
      `AllowedOrigins=http://localhost:${otherPort}`,
    ],
  }),
);
