"""Drives `sam deploy --guided` on a terminal with the answers of the README, up to the first call of
AWS. Every question must take its answer, and none may be asked twice."""

import os
import pathlib
import pty
import re
import select
import shutil
import sys
import tempfile
import time
import unittest

from samtranslator.yaml_helper import yaml_parse

ROOT = pathlib.Path(__file__).parents[2]
# The answers of the README. All other questions get an empty answer.
ANSWERS = {
    "AllowedOrigins": "https://chat.example.com",
    "TokenIssuer": "https://issuer.example.com",
    "TokenAudience": "confab",
}
# Far longer than the command takes.
PATIENCE = 120


def run(folder):
    """Runs the command as after `sam build`. Returns its questions and its output."""
    built = folder / ".aws-sam/build"
    built.mkdir(parents=True)
    shutil.copy(ROOT / "infra/template.yaml", built)
    shutil.copy(ROOT / "samconfig.toml", folder)
    environment = {
        "HOME": str(folder),
        "PATH": os.environ["PATH"],
        "TERM": "dumb",
        "COLUMNS": "500",
        "SAM_CLI_TELEMETRY": "0",
        "AWS_EC2_METADATA_DISABLED": "true",
        # Whatever tries to call AWS in spite of missing credentials reaches nobody.
        "HTTPS_PROXY": "http://127.0.0.1:9",
    }
    sam = pathlib.Path(sys.executable).parent / "sam"
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(folder)
        os.execve(sam, ["sam", "deploy", "--guided"], environment)
    output, questions, answered, end = "", [], 0, time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if not select.select([terminal], [], [], 1)[0]:
            continue
        try:
            output += re.sub(r"\x1b\[[0-9;]*m", "", os.read(terminal, 65536).decode(errors="replace"))
        except OSError:
            # The command has ended.
            break
        # A question is an unfinished line with a colon.
        line = output[answered:].rsplit("\n", 1)[-1]
        question = re.fullmatch(r"\s*(.+?)( \[.*\])?: ", line)
        if question:
            answered = len(output)
            questions.append(question[1])
            name = re.fullmatch(r"Parameter (\w+)", question[1])
            answer = ANSWERS.get(name[1], "") if name else ""
            os.write(terminal, answer.encode() + b"\n")
    os.waitpid(child, 0)
    return questions, output


class Guided(unittest.TestCase):
    def test_every_question_is_asked_once_and_takes_the_answer_of_the_readme(self):
        template = yaml_parse((ROOT / "infra/template.yaml").read_text())
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            questions, output = run(folder)
        asked = [question.removeprefix("Parameter ") for question in questions if question.startswith("Parameter ")]
        self.assertEqual(sorted(asked), sorted(template["Parameters"]), output)
        # What comes next is the first call of AWS.
        self.assertIn("Unable to locate credentials", output)
        # SAM asks about routes that anybody may call. There are none.
        self.assertNotIn("has no authentication", output)
        self.assertEqual(len(questions), len(set(questions)), questions)
        # SAM shows the default in brackets, and keeps it for an empty answer.
        for name, parameter in template["Parameters"].items():
            if "Default" in parameter:
                self.assertIn(f"Parameter {name} [{parameter['Default']}]", output)
        for name, answer in ANSWERS.items():
            self.assertIn(f"Parameter {name} []: {answer}", output)
        self.assertIn("Stack Name [confab]", output)


if __name__ == "__main__":
    unittest.main()
