"""Tests the output of `infra/gradual`, as SAM translates it: every call of a function goes through an
alias, and every deployment publishes a new version."""

import os
import re
import subprocess
import unittest

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

from translated_template import ROOT, NoPolicies, function_of, join


def gradual(*arguments):
    """Returns the output of the script."""
    script = ROOT / "infra/gradual"
    return subprocess.run([script, *arguments], check=True, capture_output=True, text=True).stdout


def translate(text, **given):
    """Returns the resources of a template as CloudFormation gets it."""
    template = yaml_parse(text)
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = "s3://bucket/code"
    parameters = {name: it.get("Default", "given") for name, it in template["Parameters"].items()} | given
    os.environ["AWS_DEFAULT_REGION"] = "us-east-1"
    return transform(template, parameters, NoPolicies())["Resources"]


def of(resources, kind):
    return {name: it for name, it in resources.items() if it["Type"] == kind}


def references(value):
    """Returns the logical ids that a value refers to."""
    if isinstance(value, dict):
        found = set()
        for key, part in value.items():
            if key == "Ref":
                found.add(part)
            elif key == "Fn::GetAtt":
                found.add(part[0] if isinstance(part, list) else part.split(".")[0])
            elif key == "Fn::Sub":
                text, given = part if isinstance(part, list) else (part, {})
                found |= {name.split(".")[0] for name in re.findall(r"\$\{([\w.]+)\}", text)} | references(given)
            else:
                found |= references(part)
        return found
    if isinstance(value, list):
        return set().union(*map(references, value)) if value else set()
    return set()


class Gradual(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.text = gradual()
        cls.resources = translate(cls.text)

    def test_only_aliases_are_called_by_routes_of_both_apis_and_as_authorizers(self):
        targets = [it["Properties"]["IntegrationUri"] for it in of(self.resources, "AWS::ApiGatewayV2::Integration").values()]
        targets += [it["Properties"]["AuthorizerUri"] for it in of(self.resources, "AWS::ApiGatewayV2::Authorizer").values()]
        (body,) = [it["Properties"]["Body"] for it in of(self.resources, "AWS::ApiGatewayV2::Api").values() if "Body" in it["Properties"]]
        targets += [
            operation["x-amazon-apigateway-integration"]["uri"]
            for methods in body["paths"].values()
            for operation in methods.values()
        ]
        scheme = body["components"]["securitySchemes"]["Token"]["x-amazon-apigateway-authorizer"]
        targets.append(scheme["authorizerUri"])
        self.assertGreater(len(targets), 20)
        aliases = of(self.resources, "AWS::Lambda::Alias")
        for target in targets:
            called = references(target) & set(self.resources)
            self.assertEqual(len(called), 1, target)
            self.assertLessEqual(called, set(aliases), target)

    def test_the_gateway_may_call_the_aliases(self):
        aliases = of(self.resources, "AWS::Lambda::Alias")
        permissions = of(self.resources, "AWS::Lambda::Permission")
        self.assertGreater(len(permissions), 20)
        for name, it in permissions.items():
            self.assertLessEqual(references(it["Properties"]["FunctionName"]), set(aliases), name)

    def test_every_function_has_an_alias_of_its_newest_version_that_shifts_traffic(self):
        functions = of(self.resources, "AWS::Lambda::Function")
        versions = of(self.resources, "AWS::Lambda::Version")
        groups = of(self.resources, "AWS::CodeDeploy::DeploymentGroup")
        aliased = set()
        for alias in of(self.resources, "AWS::Lambda::Alias").values():
            (version,) = references(alias["Properties"]["FunctionVersion"])
            (function,) = references(alias["Properties"]["FunctionName"])
            self.assertEqual(references(versions[version]["Properties"]["FunctionName"]), {function})
            # The old version stays, so that traffic can go back to it.
            self.assertEqual(versions[version]["DeletionPolicy"], "Retain")
            update = alias["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
            self.assertIn(update["DeploymentGroupName"]["Ref"], groups)
            aliased.add(function)
        self.assertEqual(aliased, set(functions))
        for group in groups.values():
            strategy = group["Properties"]["DeploymentConfigName"]["Fn::Sub"][1]["ConfigName"]
            self.assertEqual(strategy, "Canary10Percent5Minutes")
            self.assertIn("DEPLOYMENT_STOP_ON_ALARM", group["Properties"]["AutoRollbackConfiguration"]["Events"])
            condition, alarms, nothing = group["Properties"]["AlarmConfiguration"]["Fn::If"]
            self.assertEqual((condition, nothing), ("HasAlarmEmail", {}))
            names = {alarm["Name"]["Ref"] for alarm in alarms["Alarms"]}
            self.assertEqual(names, {"AuthorizerAlarm", "FunctionsAlarm", "ErrorsAlarm"})

    def test_a_deployment_that_changes_only_a_parameter_publishes_new_versions(self):
        def versions(text, issuer):
            return set(of(translate(text, TokenIssuer=issuer), "AWS::Lambda::Version"))

        before = versions(self.text, "https://a.example")
        self.assertEqual(len(before), len(of(self.resources, "AWS::Lambda::Function")))
        # The same output would publish nothing, so it is used once.
        self.assertEqual(versions(self.text, "https://b.example"), before)
        after = versions(gradual(), "https://b.example")
        self.assertEqual(len(after), len(before))
        self.assertFalse(before & after)

    def test_lambda_publishes_a_version_although_code_and_configuration_are_the_same(self):
        # Lambda returns the newest version again unless something of the function has changed.
        again = translate(gradual())
        for name, function in of(self.resources, "AWS::Lambda::Function").items():
            description = again[name]["Properties"]["Description"]
            self.assertRegex(description, r"^[0-9a-f]{64}$")
            self.assertNotEqual(description, function["Properties"]["Description"])

    def test_no_resource_depends_on_itself(self):
        names = set(self.resources)
        depends = {
            name: (references(it.get("Properties", {})) | references(it.get("UpdatePolicy", {}))
                   | set(it["DependsOn"] if isinstance(it.get("DependsOn"), list) else filter(None, [it.get("DependsOn")])))
            & names
            for name, it in self.resources.items()
        }
        while leaves := [name for name, on in depends.items() if not on]:
            for leaf in leaves:
                del depends[leaf]
            for on in depends.values():
                on.difference_update(leaves)
        self.assertEqual(depends, {}, "these depend on one another")

    def test_nothing_else_differs_from_the_template(self):
        template = (ROOT / "infra/template.yaml").read_text().splitlines()
        changed = [line for line in self.text.splitlines() if line not in template]
        for line in changed:
            self.assertRegex(line, r"Alias|DeploymentPreference|Type: Canary|Alarms: |HasAlarmEmail|\[!Ref A|CodeSha256")
        restored = re.sub(r"!Ref (\w+)\.Alias\b", r"!GetAtt \1.Arn", self.text)
        missing = [line for line in template if line not in restored.splitlines()]
        self.assertEqual(missing, [])

    def test_a_wrong_strategy_is_refused(self):
        for wrong in ["", "canary", "AllAtOnce\n", "$(reboot)"]:
            with self.assertRaises(subprocess.CalledProcessError):
                gradual(wrong or " ")
        self.assertIn("Type: AllAtOnce\n", gradual("AllAtOnce"))


if __name__ == "__main__":
    unittest.main()
