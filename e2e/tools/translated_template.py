"""Tests the template as SAM translates it, without a network: routes, functions and permissions."""

import json
import os
import pathlib
import re
import unittest

import samtranslator
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

ROOT = pathlib.Path(__file__).parents[2]
EVENTS = {"$connect", "$disconnect"}
# Actions that get no reply, so that none is billed.
SILENT = {"receipt", "typing"}


class NoPolicies:
    """The template uses no managed policies, so no ARNs have to be fetched."""

    def load(self):
        return {}


def resources(kind=None):
    """Returns the translated resources by logical id, all of them or those of one type."""
    return {name: it for name, it in TRANSLATED["Resources"].items() if kind in (None, it["Type"])}


def properties(kind):
    return {name: it["Properties"] for name, it in resources(kind).items()}


def translate(change=lambda template: None, **given):
    """Returns the template as CloudFormation gets it, after a change and with these parameters."""
    template = yaml_parse((ROOT / "infra/template.yaml").read_text())
    change(template)
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            # `sam package` would upload the code and write its location here.
            resource["Properties"]["CodeUri"] = "s3://bucket/code"
    parameters = {name: it.get("Default", "given") for name, it in template["Parameters"].items()} | given
    # Only the name of the region is used; nothing is sent.
    os.environ["AWS_DEFAULT_REGION"] = "us-east-1"
    return transform(template, parameters, NoPolicies())


class PolicyTemplates(unittest.TestCase):
    """The harness expands the policy templates as SAM does."""

    def test_the_templates_of_the_harness_are_those_of_sam(self):
        policies = json.loads((ROOT / "harness/src/template/policies.json").read_text())
        data = pathlib.Path(samtranslator.__file__).parent / "policy_templates_data"
        expected, others = {}, set()
        for name, template in json.loads((data / "policy_templates.json").read_text())["Templates"].items():
            statements = template["Definition"]["Statement"]
            services = {action.split(":")[0] for it in statements for action in as_list(it["Action"])}
            if services & {"dynamodb", "execute-api", "lambda", "logs", "s3", "sqs"}:
                expected[name] = {
                    "parameters": sorted(template["Parameters"]),
                    "statements": [
                        {**it, "Resource": [with_parameters(one) for one in as_list(it["Resource"])]}
                        for it in statements
                    ],
                }
            else:
                others.add(name)
        self.assertEqual(policies["templates"], expected)
        self.assertEqual(set(policies["templatesOfOtherServices"]), others)


def as_list(value):
    return value if isinstance(value, list) else [value]


def with_parameters(resource):
    """Returns a resource with the names of the parameters in place of SAM's variables for them."""
    text, variables = resource["Fn::Sub"]
    for name, value in variables.items():
        text = text.replace("${" + name + "}", "${" + value["Ref"] + "}")
    return text


class TranslatedTemplate(unittest.TestCase):
    def test_every_route_calls_the_function_of_its_action(self):
        integrations = properties("AWS::ApiGatewayV2::Integration")
        called = {}
        for route in properties("AWS::ApiGatewayV2::Route").values():
            reference = re.fullmatch(r"integrations/(\w+)", join(route["Target"]))
            self.assertIsNotNone(reference, f"the integration of {route['RouteKey']}")
            integration = integrations[reference[1]]
            self.assertEqual(integration["IntegrationType"], "AWS_PROXY")
            called[route["RouteKey"]] = function_of(integration["IntegrationUri"])
        self.assertEqual(called, declared_routes())
        self.assertGreaterEqual(len(called), 7)

    def test_the_gateway_may_call_exactly_these_functions_and_the_authorizer(self):
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

    def test_only_the_connect_route_is_authorized(self):
        (authorizer,) = resources("AWS::ApiGatewayV2::Authorizer").items()
        name, it = authorizer
        self.assertEqual(it["Properties"]["AuthorizerType"], "REQUEST")
        self.assertEqual(function_of(it["Properties"]["AuthorizerUri"]), "AuthorizerFunction")
        self.assertFalse(it["Properties"].get("IdentitySource"), "the token may be in one of two headers")
        for route in properties("AWS::ApiGatewayV2::Route").values():
            expected = ("CUSTOM", {"Ref": name}) if route["RouteKey"] == "$connect" else ("NONE", None)
            self.assertEqual((route.get("AuthorizationType", "NONE"), route.get("AuthorizerId")), expected)

    def test_every_route_but_connect_and_disconnect_has_a_response(self):
        routes = properties("AWS::ApiGatewayV2::Route")
        replying = set()
        for response in properties("AWS::ApiGatewayV2::RouteResponse").values():
            route = response["RouteId"]["Ref"]
            self.assertIn(route, routes, "the response belongs to a route that SAM creates")
            self.assertEqual(response["RouteResponseKey"], "$default")
            replying.add(routes[route]["RouteKey"])
        with_expression = {it["RouteKey"] for it in routes.values() if "RouteResponseSelectionExpression" in it}
        self.assertEqual(replying, {it["RouteKey"] for it in routes.values()} - EVENTS - SILENT)
        self.assertEqual(replying, with_expression)

    def test_every_http_route_is_authorized_and_calls_the_rest_function(self):
        (body,) = [it["Body"] for it in properties("AWS::ApiGatewayV2::Api").values() if "Body" in it]
        operations = [
            (path, method, operation)
            for path, methods in body["paths"].items()
            for method, operation in methods.items()
        ]
        template = (ROOT / "infra/template.yaml").read_text()
        self.assertEqual(len(operations), template.count("Type: HttpApi\n"))
        self.assertGreaterEqual(len(operations), 9)
        for path, method, operation in operations:
            called = function_of(operation["x-amazon-apigateway-integration"]["uri"])
            self.assertEqual(called, "RestFunction", f"{method} {path}")
            self.assertEqual(operation["security"], [{"Token": []}], f"{method} {path}")
        scheme = body["components"]["securitySchemes"]["Token"]["x-amazon-apigateway-authorizer"]
        self.assertEqual(function_of(scheme["authorizerUri"]), "AuthorizerFunction")
        self.assertTrue(scheme["enableSimpleResponses"])
        self.assertEqual(scheme["authorizerPayloadFormatVersion"], "2.0")

    def test_both_stages_are_throttled_and_handshakes_more(self):
        stages = properties("AWS::ApiGatewayV2::Stage").values()
        self.assertEqual(len(stages), 2)
        for stage in stages:
            self.assertEqual(stage["DefaultRouteSettings"], throttle("Throttling"))
        (handshakes,) = [stage["RouteSettings"] for stage in stages if "RouteSettings" in stage]
        self.assertEqual(handshakes, {"$connect": throttle("ConnectThrottling")})

    def test_the_stage_is_created_after_the_routes_that_its_settings_name(self):
        # CloudFormation would fail: a stage may have settings only of routes that exist.
        (stage,) = [it for it in resources("AWS::ApiGatewayV2::Stage").values() if "RouteSettings" in it["Properties"]]
        routes = properties("AWS::ApiGatewayV2::Route")
        connect = [name for name, it in routes.items() if it["RouteKey"] == "$connect"]
        self.assertLessEqual(set(connect), set(stage["DependsOn"]))

    def test_the_authorizer_reserves_concurrency_unless_the_parameter_is_0(self):
        authorizer = properties("AWS::Lambda::Function")["AuthorizerFunction"]
        reserved = {"Fn::If": ["ReservesAuthorizer", {"Ref": "AuthorizerConcurrency"}, {"Ref": "AWS::NoValue"}]}
        self.assertEqual(authorizer["ReservedConcurrentExecutions"], reserved)
        unless_0 = {"Fn::Not": [{"Fn::Equals": [{"Ref": "AuthorizerConcurrency"}, 0]}]}
        self.assertEqual(TRANSLATED["Conditions"]["ReservesAuthorizer"], unless_0)


    def test_only_the_listed_origins_may_read_answers_and_send_these_headers(self):
        # CloudFormation gives the values of parameters to SAM, and those of lists as lists.
        origins = ["https://a.example", "https://b.example"]
        translated = translate(AllowedOrigins=origins)["Resources"]
        body = translated["RestApi"]["Properties"]["Body"]
        cors = body["x-amazon-apigateway-cors"]
        self.assertEqual(cors["allowOrigins"], origins)
        self.assertEqual(set(cors["allowHeaders"]), {"authorization", "content-type", "idempotency-key"})
        self.assertNotIn("allowCredentials", cors)
        # A browser asks before it sends one of these methods.
        methods = {method.upper() for methods in body["paths"].values() for method in methods}
        self.assertEqual(set(cors["allowMethods"]), methods)

    def test_no_function_gets_a_permission_that_the_template_does_not_list(self):
        for name, role in properties("AWS::IAM::Role").items():
            (basic,) = role["ManagedPolicyArns"]
            self.assertTrue(join(basic).endswith("service-role/AWSLambdaBasicExecutionRole"), name)
        (traced, *_) = [
            role["Properties"]["ManagedPolicyArns"]
            for role in translate(Tracing="Active")["Resources"].values()
            if role["Type"] == "AWS::IAM::Role"
        ]
        self.assertEqual(len(traced), 2, "tracing needs the permissions of X-Ray")

    def test_the_table_outlives_the_stack_but_not_a_failed_first_deployment(self):
        (table,) = resources("AWS::DynamoDB::Table").values()
        self.assertEqual(table["DeletionPolicy"], "RetainExceptOnCreate")
        self.assertEqual(table["UpdateReplacePolicy"], "Retain")

    def test_no_alias_keeps_the_old_value_of_a_parameter(self):
        self.assertEqual(resources("AWS::Lambda::Version"), {})
        self.assertEqual(resources("AWS::Lambda::Alias"), {})

    def test_sam_would_not_publish_a_version_for_a_changed_parameter(self):
        # The reason why the template has no versions, and `infra/gradual` marks each deployment: if
        # this fails, the template can have versions of its own.
        def versions(issuer):
            def with_versions(template):
                template["Globals"]["Function"] |= {"AutoPublishAlias": "live", "AutoPublishAliasAllProperties": True}

            translated = translate(with_versions, TokenIssuer=issuer)["Resources"]
            return [name for name, it in translated.items() if it["Type"] == "AWS::Lambda::Version"]

        functions = len(resources("AWS::Lambda::Function"))
        self.assertEqual(len(versions("https://a.example")), functions)
        self.assertEqual(versions("https://a.example"), versions("https://b.example"))


def throttle(parameters):
    """Returns the settings that refer to the parameters with this prefix."""
    return {"ThrottlingBurstLimit": {"Ref": f"{parameters}Burst"}, "ThrottlingRateLimit": {"Ref": f"{parameters}Rate"}}


def declared_routes():
    """Returns the function of each WebSocket route as the template declares it."""
    template = (ROOT / "infra/template.yaml").read_text()
    return dict(re.findall(r"^        (\$?\w+):\n          FunctionArn: !GetAtt (\w+)\.Arn", template, re.M))


def join(value):
    """Resolves a text, an `Fn::Join`, an `Fn::Sub` or a `Ref` to text. References become their names."""
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
    """Returns the logical id of the function in an ARN, a URI or a reference."""
    return re.search(r"\w+Function(?=\b|_)", str(value))[0]


TRANSLATED = translate()

if __name__ == "__main__":
    unittest.main()
