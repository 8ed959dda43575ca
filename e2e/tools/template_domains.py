"""Tests the optional domains of both APIs."""

import unittest

from translated_template import TRANSLATED, properties, resources


class Domains(unittest.TestCase):
    def test_each_domain_shows_the_stage_of_its_api_and_exists_only_with_its_parameter(self):
        stages = properties("AWS::ApiGatewayV2::Stage")
        for api, name, condition in [
            ("RestApi", "Http", "HasHttpDomain"),
            ("ChatApi", "WebSocket", "HasWebSocketDomain"),
        ]:
            domain = resources("AWS::ApiGatewayV2::DomainName")[f"{name}Domain"]
            mapping = resources("AWS::ApiGatewayV2::ApiMapping")[f"{name}Mapping"]
            self.assertEqual((domain["Condition"], mapping["Condition"]), (condition, condition))
            (configuration,) = domain["Properties"]["DomainNameConfigurations"]
            self.assertEqual(configuration["CertificateArn"], {"Ref": "ApiCertificateArn"})
            self.assertEqual(configuration["SecurityPolicy"], "TLS_1_2")
            mapped = mapping["Properties"]
            self.assertEqual(mapped["DomainName"], {"Ref": f"{name}Domain"})
            self.assertEqual(mapped["ApiId"], {"Ref": api})
            # SAM's reference to the stage that it creates.
            stage = stages[mapped["Stage"]["Ref"]]
            self.assertEqual(stage["ApiId"], {"Ref": api})

    def test_the_urls_are_those_of_the_domains(self):
        # So config.json, the policy of the page and the smoke test use them, too.
        for output, condition, url in [
            ("HttpUrl", "HasHttpDomain", "https://${HttpDomainName}"),
            ("WebSocketUrl", "HasWebSocketDomain", "wss://${WebSocketDomainName}"),
        ]:
            tried, own, default = TRANSLATED["Outputs"][output]["Value"]["Fn::If"]
            self.assertEqual((tried, own), (condition, {"Fn::Sub": url}))
            self.assertIn(".execute-api.", default["Fn::Sub"])

    def test_functions_push_through_the_api_itself(self):
        # The management API has no path below a custom domain unless the mapping gives it one.
        for name, function in properties("AWS::Lambda::Function").items():
            variables = function["Environment"]["Variables"]
            if "AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI" in variables:
                self.assertIn(".execute-api.", str(variables), name)


if __name__ == "__main__":
    unittest.main()
