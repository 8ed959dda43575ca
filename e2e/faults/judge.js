/** The checker's word on a history. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import { TARGET } from '../stack.js';

/** @param {string} path of a history @returns {Promise<{isGood: boolean, says: string}>} */
export async function judge(path) {
  const checker = spawn(join(TARGET, 'debug', 'checker'), [path], { stdio: ['ignore', 'pipe', 'pipe'] });
  const [out, err, [code]] = await Promise.all([text(checker.stdout), text(checker.stderr), once(checker, 'exit')]);
  return { isGood: code === 0, says: `${out}${err}`.trim() };
}

/**
 * Whether the checker would have missed a message of this history: takes the last one out of each log, and asks again. So no
 * verdict is good for want of evidence.
 *
 * @param {string} path of a history
 */
export async function findsWhatIsMissing(path) {
  const altered = `${path}.altered`;
  const lines = (await readFile(path, 'utf8')).split('\n').map((line) => {
    if (!line.startsWith('{"type":"log"')) return line;
    const { events, ...log } = JSON.parse(line);
    const last = events.findLastIndex(({ event }) => event === 'message');
    return JSON.stringify({ ...log, events: events.slice(0, Math.max(last, 0)) });
  });
  await writeFile(altered, lines.join('\n'));
  const { isGood, says } = await judge(altered);
  await rm(altered);
  return !isGood && says.includes('broken: acknowledged');
}
