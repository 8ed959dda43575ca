"""Tests the parameters that the workflow `rollout` gives to SAM, as SAM reads them."""

import os
import pathlib
import subprocess
import tempfile
import unittest

import yaml
from samcli.cli.types import CfnParameterOverridesType

from translated_template import ROOT

# Prints its arguments, one a line.
SAM = "#!/bin/sh\nprintf '%s\\n' \"$@\" > \"$ARGUMENTS\"\n"


def deployed(environment, parameters):
    """Runs the step of the workflow that deploys, and returns the parameters of `sam deploy`."""
    workflow = yaml.safe_load((ROOT / ".github/workflows/rollout.yml").read_text())
    steps = workflow["jobs"]["deploy"]["steps"]
    script = next(step["run"] for step in steps if step.get("name") == "Deploy")
    with tempfile.TemporaryDirectory() as folder:
        sam = pathlib.Path(folder, "sam")
        sam.write_text(SAM)
        sam.chmod(0o755)
        given = {"ENVIRONMENT": environment, "PARAMETERS": parameters, "ARGUMENTS": f"{folder}/arguments"}
        path = f"{folder}:{os.environ['PATH']}"
        subprocess.run(["bash", "-euc", script], check=True, cwd=ROOT, env={**os.environ, **given, "PATH": path})
        arguments = pathlib.Path(folder, "arguments").read_text().splitlines()
    overrides = arguments[arguments.index("--parameter-overrides") + 1 :]
    return CfnParameterOverridesType().convert(tuple(overrides), None, None)


class Rollout(unittest.TestCase):
    def test_values_with_blanks_arrive_whole_and_those_of_the_environment_stay(self):
        given = 'AllowedOrigins=https://a.example,https://b.example TokenAudience="a b"\nAlarmEmail=a@example.com'
        expected = {
            "AllowedOrigins": "https://a.example,https://b.example",
            "TokenAudience": "a b",
            "AlarmEmail": "a@example.com",
        }
        self.assertEqual(deployed("dev", given), {"StageName": "dev", "LogLevel": "DEBUG", **expected})
        self.assertEqual(deployed("prod", given), {"StageName": "prod", **expected})

    def test_a_variable_may_replace_a_parameter_of_the_environment(self):
        self.assertEqual(deployed("dev", "LogLevel=WARN"), {"StageName": "dev", "LogLevel": "WARN"})
        self.assertEqual(deployed("staging", ""), {"StageName": "staging"})


if __name__ == "__main__":
    unittest.main()
