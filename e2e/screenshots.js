/** Pictures of the page for the README, of a small conversation between three people: `npm run screenshots`. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { Person } from './people.js';
import { Stack } from './stack.js';
import { launch, Window } from './window.js';

const FOLDER = fileURLToPath(new URL('../docs/images', import.meta.url));

const TALK = [
  ['Ada', 'The train leaves at 9:12, platform 4. I have the tickets.'],
  ['Grace', 'Wonderful. I’ll bring coffee — who takes milk?'],
  ['Alan', 'Me, please. And I found the map of the old mill trail.'],
  ['Grace', 'The long loop or the short one?'],
  ['Alan', 'Long if it stays dry, short if not. Sun until four, they say.'],
  ['Ada', 'Long, then. There is a bakery halfway, and it is open on Sundays.'],
  ['Grace', 'You had me at bakery.'],
];

const stack = new Stack();
await stack.start();
const browser = await launch();
try {
  const people = Object.fromEntries(
    await Promise.all(['Ada', 'Grace', 'Alan'].map(async (name) => [name, await Person.arrive(stack, name, name)])),
  );
  const { Ada: ada, Grace: grace, Alan: alan } = people;
  for (const [title, others, body] of [
    ['Reading group', [grace], 'Chapter five for Thursday?'],
    ['Garden', [alan], 'The tomatoes are in.'],
  ]) {
    const conversation = await ada.start(others, title);
    await ada.post(`/conversations/${conversation}/messages`, { id: 'm1', body });
  }
  const hike = await ada.start([grace, alan], 'Sunday hike');
  for (const [index, [name, body]] of TALK.entries())
    await people[name].post(`/conversations/${hike}/messages`, { id: `m${index}`, body });

  await mkdir(FOLDER, { recursive: true });
  await picture('chat-desktop.png', { viewport: { width: 1200, height: 800 }, deviceScaleFactor: 2 });
  await picture('chat-phone.png', {
    viewport: { width: 390, height: 780 },
    deviceScaleFactor: 2,
    isMobile: true,
    hasTouch: true,
  });

  async function picture(file, options) {
    const window = await (await Window.open(browser, stack, ada, options)).logIn();
    await window.listed('Sunday hike').click();
    await window.message(TALK.at(-1)[1]).waitFor();
    await window.page.screenshot({ path: join(FOLDER, file) });
    await window.close();
  }
} finally {
  await browser.close();
  await stack.stop();
}
