"""Tests the template and the script that host the page."""

import fnmatch
import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from samtranslator.yaml_helper import yaml_parse

ROOT = pathlib.Path(__file__).parents[2]
RESOURCES = yaml_parse((ROOT / "infra/web.yaml").read_text())["Resources"]
FAKE_AWS = """#!/bin/sh
echo "$*" >>"$CALLS"
case "$*" in
  *OutputKey==?Bucket?*) echo files-of-the-page ;;
  *OutputKey==?DistributionId?*) echo E123 ;;
esac
"""


def directives(policy):
    return dict(part.strip().split(" ", 1) for part in policy.split(";") if part.strip())


class Hosting(unittest.TestCase):
    def test_the_page_has_the_policy_of_the_local_page_with_the_deployed_addresses(self):
        local = (ROOT / "harness/src/page.rs").read_text()
        local = re.search(r'"(default-src .*?)"', local, re.S)[1].replace("\\\n", "")
        local = directives(re.sub(r"\s+", " ", local))
        headers = RESOURCES["Headers"]["Properties"]["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"]
        policy, values = headers["ContentSecurityPolicy"]["ContentSecurityPolicy"]["Fn::Sub"]
        deployed = directives(policy)
        self.assertEqual(deployed.pop("connect-src"), "'self' ${HttpUrl} wss://${Host}${Issuer}")
        local.pop("connect-src")
        self.assertEqual(deployed, local)
        self.assertEqual(values["Host"], {"Fn::Select": [2, {"Fn::Split": ["/", {"Ref": "WebSocketUrl"}]}]})
        for name, header in headers.items():
            self.assertTrue(header["Override"], name)
        self.assertGreaterEqual(headers["StrictTransportSecurity"]["AccessControlMaxAgeSec"], 31536000)

    def test_every_behaviour_has_the_headers_and_only_configuration_is_uncached(self):
        distribution = RESOURCES["Distribution"]["Properties"]["DistributionConfig"]
        default, (configuration,) = distribution["DefaultCacheBehavior"], distribution["CacheBehaviors"]
        for behaviour in (default, configuration):
            self.assertEqual(behaviour["ResponseHeadersPolicyId"], {"Ref": "Headers"})
            self.assertEqual(behaviour["ViewerProtocolPolicy"], "redirect-to-https")
        self.assertEqual(configuration["PathPattern"], "/config.json")
        self.assertNotEqual(configuration["CachePolicyId"], default["CachePolicyId"])

    def test_the_configuration_is_the_one_that_the_page_reads(self):
        code, values = RESOURCES["Configuration"]["Properties"]["FunctionCode"]["Fn::Sub"]
        login = values["Login"]["Fn::If"][1]["Fn::Sub"]
        self.assertLess(len(code) + len(login) + 1000, 10 * 1024, "CloudFront's limit")
        for given, expected in (
            ("", {"http": "https://h", "ws": "wss://w/dev"}),
            (login, {"http": "https://h", "ws": "wss://w/dev", "oidc": {"issuer": "https://i", "clientId": "c", "scope": "openid s"}}),
        ):
            filled = code.replace("${Login}", given)
            for name, value in (("HttpUrl", "https://h"), ("WebSocketUrl", "wss://w/dev"), ("OidcIssuer", "https://i"), ("OidcClientId", "c"), ("OidcScope", "openid s")):
                filled = filled.replace("${%s}" % name, value)
            self.assertNotIn("${", filled)
            written = re.search(r"JSON\.stringify\((.*)\),", filled)[1]
            # An object of JavaScript becomes JSON with quotes around its names.
            self.assertEqual(json.loads(re.sub(r"(?<=[{,] )(\w+):", r'"\1":', written)), expected)
            self.assertIn('"cache-control": { value: "no-store" }', filled)

    def test_nobody_reaches_the_bucket_but_this_distribution(self):
        bucket = RESOURCES["Files"]["Properties"]
        self.assertEqual(set(bucket["PublicAccessBlockConfiguration"].values()), {True})
        statements = RESOURCES["FilesPolicy"]["Properties"]["PolicyDocument"]["Statement"]
        (allowed,) = [it for it in statements if it["Effect"] == "Allow"]
        self.assertEqual(allowed["Principal"], {"Service": "cloudfront.amazonaws.com"})
        self.assertEqual(allowed["Action"], "s3:GetObject")
        self.assertIn("${Distribution}", allowed["Condition"]["StringEquals"]["AWS:SourceArn"]["Fn::Sub"])


class Publishing(unittest.TestCase):
    def publish(self, *arguments):
        """Runs the script with an AWS CLI that only writes down its arguments, and returns these."""
        with tempfile.TemporaryDirectory() as folder:
            aws = pathlib.Path(folder, "aws")
            aws.write_text(FAKE_AWS)
            aws.chmod(0o755)
            calls = pathlib.Path(folder, "calls")
            environment = os.environ | {"PATH": f"{folder}:{os.environ['PATH']}", "CALLS": str(calls)}
            ran = subprocess.run([ROOT / "infra/publish", *arguments], env=environment, capture_output=True, text=True)
            return ran, calls.read_text().splitlines() if calls.exists() else []

    def test_the_page_goes_into_the_bucket_and_the_cache_is_emptied(self):
        ran, calls = self.publish("confab-web", "--region", "eu-central-1")
        self.assertEqual(ran.returncode, 0, ran.stderr)
        *outputs, sync, invalidation = calls
        self.assertTrue(all("--stack-name confab-web" in call for call in outputs))
        self.assertTrue(all(call.endswith("--region eu-central-1") for call in calls))
        self.assertTrue(sync.startswith("s3 sync web s3://files-of-the-page --delete "), sync)
        self.assertIn("--distribution-id E123 --paths /*", invalidation)
        # Nothing is left out that a page loads, and the bucket gets no tests.
        excluded = re.findall(r"--exclude (\S+)", sync)
        is_copied = lambda path: not any(fnmatch.fnmatch(path, pattern) for pattern in excluded)
        for path in ("index.html", "app.js", "style.css", "favicon.svg", "client/index.js", "vendor/linkify-it.js"):
            self.assertTrue((ROOT / "web" / path).exists() and is_copied(path), path)
        for path in ("test/page.test.js", "package.json", "node_modules/x/y.js", "README.md"):
            self.assertFalse(is_copied(path), path)

    def test_without_a_stack_nothing_is_done(self):
        ran, calls = self.publish()
        self.assertEqual((ran.returncode, calls), (2, []))
        self.assertIn("usage: infra/publish STACK", ran.stderr)


if __name__ == "__main__":
    unittest.main()
