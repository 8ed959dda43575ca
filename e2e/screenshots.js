/**
 * Takes the README's pictures of the page, of a small conversation between three people: `npm run
 * screenshots`.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { Person } from "./lib/people.js";
import { Stack } from "./lib/stack.js";
import { launch, Window } from "./lib/window.js";

const FOLDER = fileURLToPath(new URL("../docs/images", import.meta.url));

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
  ["Grace", "Wonderful. I’ll bring coffee — who takes milk?"],
  ["Alan", "Me, please. And here is the map: https://example.org/old-mill-trail"],
  ["Grace", "The long loop or the short one?"],
  ["Alan", "Long if it stays dry, short if not. Sun until four, they say."],
  ["Ada", "Long, then. There is a bakery halfway, and it is open on Sundays."],
  ["Grace", "You had me at bakery."],
];

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
  for (const [title, others, body] of [
    ["Reading group", [grace], "Chapter five for Thursday?"],
    ["Garden", [alan], "The tomatoes are in."],
  ]) {
    const conversation = await ada.start(others, title);
    await ada.post(`/conversations/${conversation}/messages`, { id: "m1", body });
  }
  const hike = await ada.start([grace, alan], "Sunday hike");
  for (const [index, [name, body]] of TALK.entries())
    await people[name].post(`/conversations/${hike}/messages`, { id: `m${index}`, body });

  await mkdir(FOLDER, { recursive: true });
  for (const [device, options] of Object.entries(DEVICES))
    for (const colorScheme of ["light", "dark"]) {
      const window = await (
        await Window.open(browser, stack, ada, { ...options, colorScheme, reducedMotion: "reduce" })
      ).logIn();
      await window.openListed("Sunday hike");
      await window.message(TALK.at(-1)[1]).waitFor();
      await window.page.locator(".people").filter({ hasNotText: "…" }).waitFor();
      // Playwright does not support WebP, which is a fifth of the size of a PNG at this quality.
      const session = await window.context.newCDPSession(window.page);
      const { data } = await session.send("Page.captureScreenshot", {
        format: "webp",
        quality: 90,
      });
      await writeFile(join(FOLDER, `chat-${device}-${colorScheme}.webp`), data, "base64");
      await window.close();
    }
} finally {
  await browser.close();
  await stack.stop();
}
