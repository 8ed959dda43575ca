"""Tests that CloudFormation refuses the values with which the functions would not start.

CloudFormation checks `AllowedPattern` and `AllowedValues` before it changes anything. A pattern must
match the whole value; for a list, each item.
"""

import pathlib
import re
import unittest

from samtranslator.yaml_helper import yaml_parse

ROOT = pathlib.Path(__file__).parents[2]
SECRET = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:confab/token-AbCdEf"
ROLE = "arn:aws:iam::123456789012:role/service-role/api-gateway-logs"

# By template and parameter: values that a deployment accepts, and values that it refuses.
CASES = {
    "infra/template.yaml": {
        "StageName": (["dev", "v1_2-a"], ["", "a/b", "a b", "é", "x" * 129]),
        "AllowedOrigins": (
            [
                "https://chat.example.com",
                "https://a.example,https://b.example:8443",
                "http://localhost:3000,http://127.0.0.1:3000,http://[::1]:3000",
                "app://confab",
                "*",
            ],
            [
                "",
                "https://chat.example.com/",
                "https://a.example,",
                "https://a.example,https://b.example/chat",
                "chat.example.com",
                "https://user@chat.example.com",
                "https://chat.example.com?x",
                "https://*.example.com",
                "null",
            ],
        ),
        "TokenIssuer": (
            [
                "https://issuer.example",
                "https://issuer.example/",
                "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEfGhI",
                "http://127.0.0.1:3000/.local",
                "http://localhost",
            ],
            [
                "",
                "issuer.example",
                "http://issuer.example",
                "https://",
                " https://issuer.example",
                "https://issuer.example?x",
                "http://127.0.0.1.example/",
            ],
        ),
        "TokenAudience": (["confab", "https://chat.example.com/", "a b"], ["", " ", "confab ", " confab"]),
        "TokenAudienceClaim": (["aud", "client_id"], ["", "azp", "AUD"]),
        "TokenJwksUrl": (
            ["", "https://issuer.example/jwks.json?v=1", "http://localhost:8000/keys/"],
            ["issuer.example/jwks", "http://issuer.example/jwks", "https://issuer.example/a b", " "],
        ),
        "TokenSecretArn": (
            ["", SECRET, SECRET.replace("arn:aws:", "arn:aws-us-gov:")],
            ["confab/token", "0123456789abcdef0123456789abcdef", SECRET + ":key", SECRET + "}}", "{{resolve:" + SECRET],
        ),
        "TokenSecondSecretArn": (["", SECRET], ["x", SECRET + " "]),
        "TokenNameClaim": (["name", "cognito:username", "https://example.com/name"], ["", " name"]),
        "Architecture": (["arm64", "x86_64"], ["", "amd64"]),
        "LogLevel": (["DEBUG", "INFO", "WARN", "ERROR"], ["TRACE", "info", ""]),
        "Metrics": (["on", "off"], ["true", ""]),
        "Tracing": (["Active", "Disabled"], ["PassThrough", ""]),
        "AlarmEmail": (
            ["", "alarms@example.com", "a+b@mail.example.co"],
            ["alarms", "a@b", "a@example.com,b@example.com", "a b@example.com"],
        ),
        "AccessLogRoleArn": (["", ROLE], ["api-gateway-logs", ROLE + " ", "arn:aws:iam::1:role/x"]),
        "DeletionProtection": (["true", "false"], ["yes", ""]),
        "HttpDomainName": (["", "api.chat.example.com"], ["https://api.example.com", "api", "API.example.com", "*.example.com"]),
        "WebSocketDomainName": (["", "ws.chat.example.com"], ["wss://ws.example.com", "ws.example.com/dev", "*.example.com"]),
        "ApiCertificateArn": (
            ["", "arn:aws:acm:eu-central-1:123456789012:certificate/11111111-2222-3333-4444-555555555555"],
            ["x", "arn:aws:iam::123456789012:server-certificate/x"],
        ),
    },
    "infra/web.yaml": {
        "HttpUrl": (
            ["https://abc123.execute-api.eu-central-1.amazonaws.com", "https://api.example.com"],
            ["", "https://abc123.execute-api.eu-central-1.amazonaws.com/", "http://api.example.com", "https://a b", "https://a;b"],
        ),
        "WebSocketUrl": (
            ["wss://abc123.execute-api.eu-central-1.amazonaws.com/dev", "wss://ws.example.com/"],
            ["", "ws://ws.example.com", "https://ws.example.com", "wss://ws.example.com/dev?x", "wss://a;b/dev"],
        ),
        "OidcIssuer": (
            ["", "https://login.example.com", "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbC"],
            ["http://login.example.com", "https://login.example.com?x", 'https://a"b', "https://a b"],
        ),
        "OidcClientId": (["", "5f3k0example", "https://chat.example.com/"], ['a"b', "a b", "a;b"]),
        "OidcScope": (["openid", "openid profile", "openid https://api.example/read"], ["", "profile", "openid  profile", 'openid "']),
        "OidcOrigins": (
            ["", "https://login.example.com", "https://a.example https://b.example:8443"],
            ["https://login.example.com/", "https://a.example;", "https://a.example,https://b.example"],
        ),
        "DomainName": (["", "chat.example.com"], ["https://chat.example.com", "chat", "Chat.example.com", "*.example.com"]),
        "CertificateArn": (
            ["", "arn:aws:acm:us-east-1:123456789012:certificate/11111111-2222-3333-4444-555555555555"],
            ["x", "arn:aws:acm:eu-central-1:123456789012:certificate/11111111-2222-3333-4444-555555555555"],
        ),
        "PriceClass": (["PriceClass_100", "PriceClass_200", "PriceClass_All"], ["", "100"]),
    },
}


def is_accepted(parameter, value):
    if "AllowedValues" in parameter:
        return value in parameter["AllowedValues"]
    is_list = parameter["Type"] == "CommaDelimitedList"
    values = [item.strip() for item in value.split(",")] if is_list else [value]
    return all(re.fullmatch(parameter["AllowedPattern"], one) for one in values)


class Parameters(unittest.TestCase):
    def test_each_wrong_value_is_refused_and_each_right_one_accepted(self):
        for template, cases in CASES.items():
            parameters = yaml_parse((ROOT / template).read_text())["Parameters"]
            for name, (accepted, refused) in cases.items():
                with self.subTest(template=template, parameter=name):
                    for value in accepted:
                        self.assertTrue(is_accepted(parameters[name], value), f"{value!r} is refused")
                    for value in refused:
                        self.assertFalse(is_accepted(parameters[name], value), f"{value!r} is accepted")

    def test_every_text_is_checked_and_says_what_is_right(self):
        for template, cases in CASES.items():
            for name, parameter in yaml_parse((ROOT / template).read_text())["Parameters"].items():
                with self.subTest(template=template, parameter=name):
                    self.assertTrue(parameter.get("Description"))
                    if parameter["Type"] == "Number":
                        self.assertIn("MinValue", parameter)
                        continue
                    self.assertIn(name, cases, "no test of this parameter")
                    if "AllowedPattern" in parameter:
                        self.assertTrue(parameter.get("ConstraintDescription"))

    def test_every_parameter_can_be_answered_on_a_terminal(self):
        # `sam deploy --guided` asks for a parameter with NoEcho until the answer is not empty.
        for template in CASES:
            for name, parameter in yaml_parse((ROOT / template).read_text())["Parameters"].items():
                self.assertNotIn("NoEcho", parameter, f"{template}: {name}")
                if "Default" in parameter and "AllowedPattern" in parameter:
                    self.assertTrue(is_accepted(parameter, parameter["Default"]), f"{template}: {name}")


if __name__ == "__main__":
    unittest.main()
