/** The checker's word on a history. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import { TARGET } from '../stack.js';

/** @param {string} path of a history @returns {Promise<{isGood: boolean, says: string}>} */
export async function judge(path) {
  const checker = spawn(join(TARGET, 'debug', 'checker'), [path], { stdio: ['ignore', 'pipe', 'pipe'] });
  const [out, err, [code]] = await Promise.all([text(checker.stdout), text(checker.stderr), once(checker, 'exit')]);
  return { isGood: code === 0, says: `${out}${err}`.trim() };
}
