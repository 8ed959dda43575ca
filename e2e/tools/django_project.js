/**
 * The Django project beside this file, migrated with the code blocks of
 * `docs/migration-from-django-channels.md`.
 */
import assert from "node:assert/strict";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { Program, ROOT, run } from "./recipes.js";

const BEFORE = fileURLToPath(new URL("django", import.meta.url));
const PYTHON = join(ROOT, ".tools/django/bin/python");

/**
 * A code block of the guide.
 *
 * @typedef {object} Step
 * @property {string} section the heading above it
 * @property {string} language
 * @property {string} text
 * @property {string} [file] the file whose content the block is
 */

/** Returns the code blocks of the guide, in order. @returns {Promise<Step[]>} */
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

/** A copy of the project in a temporary folder. */
export class DjangoProject {
  /** @type {Program | undefined} */ #server;

  /**
   * Copies the project as it was before the migration.
   *
   * @param {Record<string, string>} environment the variables that its settings read
   */
  static async before(environment) {
    const project = new DjangoProject();
    project.folder = await mkdtemp(join(tmpdir(), "confab-django-"));
    project.environment = {
      SECRET_KEY: "only-for-tests",
      CONFAB: ROOT,
      PYTHONDONTWRITEBYTECODE: "1",
      ...environment,
    };
    await cp(BEFORE, project.folder, { recursive: true });
    return project;
  }

  /** Performs one step: writes a file, applies a diff, or runs commands. @param {Step} step */
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

  /**
   * Runs commands in the project's folder, with the `python` that has Django.
   *
   * @param {string} commands
   */
  shell(commands) {
    const PATH = `${dirname(PYTHON)}:${process.env.PATH}`;
    // If standard input is a socket, as Node.js creates it, bash may assume a remote shell and
    // read its start files.
    return run("bash", ["--norc", "-euo", "pipefail", "-c", `cd "$FOLDER"\n${commands}`], {
      ...this.environment,
      FOLDER: this.folder,
      PATH,
    });
  }

  /** Runs Python code in the project's shell and returns its output. */
  python(code) {
    return run(PYTHON, [join(this.folder, "manage.py"), "shell", "-c", code], this.environment);
  }

  /** Starts Django's development server. @param {number} port */
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
