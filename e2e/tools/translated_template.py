"""What SAM makes of the template, without a network: which routes there will be, whom they call, and who may call."""

import os
import pathlib
import re
import unittest

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

ROOT = pathlib.Path(__file__).parents[2]
EVENTS = {"$connect", "$disconnect"}


class NoPolicies:
    """The template names no managed policies, so nobody has to be asked for their ARNs."""

    def load(self):
        return {}


def resources(kind=None):
    """The translated resources by logical id, all or those of one type."""
    return {name: it for name, it in TRANSLATED["Resources"].items() if kind in (None, it["Type"])}


def properties(kind):
    return {name: it["Properties"] for name, it in resources(kind).items()}


def translate():
    template = yaml_parse((ROOT / "infra/template.yaml").read_text())
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            # `sam package` puts the code somewhere and its place here.
            resource["Properties"]["CodeUri"] = "s3://bucket/code"
    parameters = {name: it.get("Default", "given") for name, it in template["Parameters"].items()}
    # It only names the region; nothing is sent there.
    os.environ["AWS_DEFAULT_REGION"] = "us-east-1"
    return transform(template, parameters, NoPolicies())


class TranslatedTemplate(unittest.TestCase):
    def test_every_route_calls_the_function_of_its_action(self):
        integrations = properties("AWS::ApiGatewayV2::Integration")
        called = {}
        for route in properties("AWS::ApiGatewayV2::Route").values():
            reference = re.fullmatch(r"integrations/(\w+)", join(route["Target"]))
            self.assertIsNotNone(reference, f"where {route['RouteKey']} goes")
            integration = integrations[reference[1]]
            self.assertEqual(integration["IntegrationType"], "AWS_PROXY")
            called[route["RouteKey"]] = function_of(integration["IntegrationUri"])
        self.assertEqual(called, declared_routes())
        self.assertGreaterEqual(len(called), 7)

    def test_the_gateway_may_make_these_calls_and_those_to_the_authorizer(self):
        allowed = {}
        for permission in properties("AWS::Lambda::Permission").values():
            self.assertEqual(permission["Principal"], "apigateway.amazonaws.com")
            source = join(permission["SourceArn"])
            function = function_of(permission["FunctionName"])
            if "${ChatApi.ApiId}" in source:
                allowed[source.rsplit("/", 1)[1]] = function
            else:
                expected = "AuthorizerFunction" if source.endswith("/authorizers/*") else "RestFunction"
                self.assertEqual(function, expected, source)
        self.assertEqual(allowed, declared_routes())

    def test_only_connections_are_authorized_and_by_the_authorizer(self):
        (authorizer,) = resources("AWS::ApiGatewayV2::Authorizer").items()
        name, it = authorizer
        self.assertEqual(it["Properties"]["AuthorizerType"], "REQUEST")
        self.assertEqual(function_of(it["Properties"]["AuthorizerUri"]), "AuthorizerFunction")
        self.assertFalse(it["Properties"].get("IdentitySource"), "the token may be in either of two headers")
        for route in properties("AWS::ApiGatewayV2::Route").values():
            expected = ("CUSTOM", {"Ref": name}) if route["RouteKey"] == "$connect" else ("NONE", None)
            self.assertEqual((route.get("AuthorizationType", "NONE"), route.get("AuthorizerId")), expected)

    def test_every_route_but_connecting_and_leaving_replies(self):
        routes = properties("AWS::ApiGatewayV2::Route")
        replying = set()
        for response in properties("AWS::ApiGatewayV2::RouteResponse").values():
            route = response["RouteId"]["Ref"]
            self.assertIn(route, routes, "the response is for a route that SAM makes")
            self.assertEqual(response["RouteResponseKey"], "$default")
            replying.add(routes[route]["RouteKey"])
        with_expression = {it["RouteKey"] for it in routes.values() if "RouteResponseSelectionExpression" in it}
        self.assertEqual(replying, {it["RouteKey"] for it in routes.values()} - EVENTS)
        self.assertEqual(replying, with_expression)

    def test_every_http_request_is_authorized_and_comes_to_rest(self):
        (body,) = [it["Body"] for it in properties("AWS::ApiGatewayV2::Api").values() if "Body" in it]
        operations = [
            (path, method, operation)
            for path, methods in body["paths"].items()
            for method, operation in methods.items()
        ]
        self.assertEqual(len(operations), 8)
        for path, method, operation in operations:
            called = function_of(operation["x-amazon-apigateway-integration"]["uri"])
            self.assertEqual(called, "RestFunction", f"{method} {path}")
            self.assertEqual(operation["security"], [{"Token": []}], f"{method} {path}")
        scheme = body["components"]["securitySchemes"]["Token"]["x-amazon-apigateway-authorizer"]
        self.assertEqual(function_of(scheme["authorizerUri"]), "AuthorizerFunction")
        self.assertTrue(scheme["enableSimpleResponses"])
        self.assertEqual(scheme["authorizerPayloadFormatVersion"], "2.0")


def declared_routes():
    """The function of each route of the WebSocket API, as the template has it."""
    template = (ROOT / "infra/template.yaml").read_text()
    return dict(re.findall(r"^        (\$?\w+):\n          FunctionArn: !GetAtt (\w+)\.Arn", template, re.M))


def join(value):
    """An `Fn::Join`, `Fn::Sub` or text, with references by their names."""
    if isinstance(value, str):
        return value
    if "Fn::Join" in value:
        separator, parts = value["Fn::Join"]
        return separator.join(join(part) for part in parts)
    if "Fn::Sub" in value:
        text = value["Fn::Sub"]
        return join(text[0]) if isinstance(text, list) else text
    if "Ref" in value:
        return value["Ref"]
    raise ValueError(value)


def function_of(value):
    """The logical id of the function that an ARN, a URI or a reference is about."""
    return re.search(r"\w+Function(?=\b|_)", str(value))[0]


TRANSLATED = translate()

if __name__ == "__main__":
    unittest.main()
