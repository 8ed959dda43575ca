/**
 * Takes the README's pictures of the page: a conversation between two people, while one of them types,
 * with unread messages elsewhere. `npm run screenshots`; with `-- FOLDER`, also pictures of the menus
 * and dialogs, into that folder. Without a font for emoji, such as Debian's fonts-noto-color-emoji,
 * reactions are empty boxes.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { Person } from "./lib/people.js";
import { Stack } from "./lib/stack.js";
import { launch, Window } from "./lib/window.js";

const FOLDER = fileURLToPath(new URL("../docs/images", import.meta.url));
const MORE = process.argv[2];

const DEVICES = {
  desktop: { viewport: { width: 1200, height: 800 }, deviceScaleFactor: 2 },
  phone: {
    viewport: { width: 390, height: 780 },
    deviceScaleFactor: 2,
    isMobile: true,
    hasTouch: true,
  },
};

const TALK = [
  ["Ada", "The train leaves at 9:12, platform 4. I have the tickets."],
  ["Grace", "Wonderful. I’ll bring coffee. Milk?"],
  ["Ada", "Yes, please. And here is the map: https://example.org/old-mill-trail"],
  ["Grace", "The long loop or the short one?", 3],
  ["Ada", "Long if it stays dry, short if not. Sun until four, they say."],
  ["Grace", "Long, then. There is a bakery halfway, and it is open on Sunday."],
  ["Ada", "You had me at bakery."],
];
const LAST = TALK.at(-1)[1];

const stack = new Stack();
await stack.start();
const browser = await launch();
try {
  const people = Object.fromEntries(
    await Promise.all(
      ["Ada", "Grace", "Alan"].map(async (name) => [name, await Person.create(stack, name, name)]),
    ),
  );
  const { Ada: ada, Grace: grace, Alan: alan } = people;
  for (const [title, others, bodies] of [
    ["Reading group", [grace, alan], ["Chapter five for Thursday?", "I am already at seven."]],
    ["Garden", [alan], ["The tomatoes are in."]],
  ]) {
    const conversation = await ada.start(others, title);
    for (const [index, body] of bodies.entries())
      await alan.post(`/conversations/${conversation}/messages`, { id: `m${index}`, body });
  }
  const hike = await ada.start([grace], "Sunday hike");
  const messages = `/conversations/${hike}/messages`;
  for (const [index, [name, body, replyTo]] of TALK.entries())
    await people[name].post(messages, { id: `m${index}`, body, replyTo });
  await ada.patch(`${messages}/5`, { id: "e1", body: TALK[4][1] });
  for (const [person, seq, emoji] of [
    [ada, 2, "❤"],
    [ada, 6, "👍"],
    [grace, 7, "😂"],
  ])
    await person.put(`${messages}/${seq}/reactions/${encodeURIComponent(emoji)}`);

  // Grace has read everything, and types.
  const graces = await (await Window.open(browser, stack, grace)).logIn();
  await graces.openListed("Sunday hike");
  await graces.message(LAST, "sent").waitFor();

  for (const [device, options] of Object.entries(DEVICES))
    for (const colorScheme of ["light", "dark"]) {
      const window = await (
        await Window.open(browser, stack, ada, { ...options, colorScheme, reducedMotion: "reduce" })
      ).logIn();
      await window.openListed("Sunday hike");
      await window.message(LAST, "sent").waitFor();
      await window.hook("presence").filter({ hasText: "online" }).waitFor({ timeout: 90_000 });
      await window.hook("seen").filter({ hasText: "Seen" }).waitFor();
      await graces.hook("composer-input").fill("");
      await graces.hook("composer-input").pressSequentially("And they have", { delay: 150 });
      await window.hook("typing").filter({ hasText: "Grace" }).waitFor();
      await window.hook("composer-input").blur();
      await window.page.mouse.move(0, 0);
      const session = await window.context.newCDPSession(window.page);
      const capture = async (folder, name) => {
        // Playwright does not support WebP, which is a fifth of the size of a PNG at this quality.
        const format = folder === FOLDER ? { format: "webp", quality: 90 } : { format: "png" };
        const { data } = await session.send("Page.captureScreenshot", format);
        await mkdir(folder, { recursive: true });
        await writeFile(
          join(folder, `${name}-${device}-${colorScheme}.${format.format}`),
          data,
          "base64",
        );
      };
      await capture(FOLDER, "chat");
      if (MORE) await captureMore(window, (name) => capture(MORE, name));
      await window.close();
    }
  await graces.close();
} finally {
  await browser.close();
  await stack.stop();
}

/** Opens the menus and dialogs of a message one after the other. */
async function captureMore(window, capture) {
  const act = async (body) => {
    await window.message(body).hover();
    await window.message(body).getByTestId("message-actions").click();
    await window.hook("message-menu").waitFor();
  };
  await act(LAST);
  await capture("menu-mine");
  await window.hook("react-more").click();
  await capture("picker");
  await window.page.keyboard.press("Escape");
  await act(LAST);
  await window.hook("menu-edit").click();
  await capture("edit");
  await window.hook("composer-cancel").click();
  await act(TALK[5][1]);
  await capture("menu-theirs");
  await window.hook("menu-reply").click();
  await capture("reply");
  await window.hook("composer-cancel").click();
  await act(LAST);
  await window.hook("menu-delete").click();
  await capture("delete");
  await window.hook("delete-cancel").click();
}
