/** The Django project beside this file, migrated as `docs/migration-from-django-channels.md` says: by the blocks that stand there. */
import assert from "node:assert/strict";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { Program, ROOT, run } from "./recipes.js";

const BEFORE = fileURLToPath(new URL("django", import.meta.url));
const PYTHON = join(ROOT, ".tools/django/bin/python");

/**
 * What the page has its reader do, in its order.
 *
 * @typedef {object} Step
 * @property {string} section the heading above it
 * @property {string} language
 * @property {string} text
 * @property {string} [file] that it is the content of
 */

/** @returns {Promise<Step[]>} */
export async function steps() {
  const page = await readFile(join(ROOT, "docs/migration-from-django-channels.md"), "utf8");
  const found = page.matchAll(/^## ([^\n]*)$|^(?:`([^`\n]+)`:\n\n)?```(\w+)\n(.*?)^```$/gms);
  const all = [];
  let section = "";
  for (const [, heading, file, language, text] of found) {
    if (heading !== undefined) section = heading;
    else all.push({ section, language, text, file });
  }
  return all;
}

/** A project in a folder of its own. */
export class DjangoProject {
  /** @type {Program | undefined} */ #server;

  /** @param {Record<string, string>} environment what its settings ask for */
  static async before(environment) {
    const project = new DjangoProject();
    project.folder = await mkdtemp(join(tmpdir(), "confab-django-"));
    project.environment = {
      SECRET_KEY: "not-a-secret-of-anybody",
      CONFAB: ROOT,
      PYTHONDONTWRITEBYTECODE: "1",
      ...environment,
    };
    await cp(BEFORE, project.folder, { recursive: true });
    return project;
  }

  /** Does one step: writes a file, applies a change, runs commands. @param {Step} step */
  async take({ language, text, file }) {
    if (file !== undefined) {
      const path = join(this.folder, file);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, text);
    } else if (language === "diff") {
      await writeFile(join(this.folder, "change.diff"), text);
      await this.shell("git apply --unidiff-zero change.diff && rm change.diff");
    } else {
      assert.equal(language, "sh");
      return this.shell(text);
    }
  }

  /** Runs commands in the project's folder; `python` is the one that has Django. @param {string} commands */
  shell(commands) {
    const PATH = `${dirname(PYTHON)}:${process.env.PATH}`;
    // Where standard input is a socket, as Node.js makes it, bash may take itself for a remote shell and read its start files.
    return run("bash", ["--norc", "-euo", "pipefail", "-c", `cd "$FOLDER"\n${commands}`], {
      ...this.environment,
      FOLDER: this.folder,
      PATH,
    });
  }

  /** Runs Python within the project. @param {string} code @returns {Promise<string>} what it printed */
  python(code) {
    return run(PYTHON, [join(this.folder, "manage.py"), "shell", "-c", code], this.environment);
  }

  /** Serves it, as Django does on a developer's machine. @param {number} port */
  async serve(port) {
    this.#server = new Program(
      PYTHON,
      [join(this.folder, "manage.py"), "runserver", "--noreload", `localhost:${port}`],
      {
        ...this.environment,
        PYTHONUNBUFFERED: "1",
      },
    );
    await this.#server.says(/Quit the server/);
  }

  async end() {
    await this.#server?.stop();
    await rm(this.folder, { recursive: true });
  }
}
