"""Tests the alarms, the dashboard, the queries and the access logs of the template."""

import json
import re
import unittest

from translated_template import ROOT, TRANSLATED, properties, resources

# The source files that print metrics.
SOURCES = ["shared/emf/src/lib.rs", "shared/chat_aws/src/metrics.rs", "functions/authorizer/src/metrics.rs"]


def printed():
    """Returns the names of all metrics that the functions print."""
    sources = [(ROOT / source).read_text().split("#[cfg(test)]")[0] for source in SOURCES]
    calls = r'(?:count|duration|coded)\(\s*"([A-Z]\w+)"|const COLD_STARTS: &str = "(\w+)"'
    return {name for source in sources for pair in re.findall(calls, source) for name in pair if name}


def metrics(alarm):
    """Returns (namespace, name, dimensions) of each metric of an alarm."""
    listed = [it["MetricStat"]["Metric"] for it in alarm.get("Metrics", []) if "MetricStat" in it]
    for metric in listed or [alarm]:
        dimensions = {it["Name"]: it["Value"] for it in metric.get("Dimensions", [])}
        yield metric["Namespace"], metric["MetricName"], dimensions


class Observability(unittest.TestCase):
    def test_the_functions_print_what_the_issue_of_an_operator_needs(self):
        self.assertEqual(
            printed(),
            {
                "ColdStarts", "Sends", "Duplicates", "LostPuts", "FanOutSize", "FanOutMilliseconds", "Gone",
                "Retries", "Missed", "Rejections", "Errors", "RefusedTokens", "RefusedOrigins",
            },
        )

    def test_every_alarm_tells_the_address_and_uses_metrics_that_exist(self):
        alarms = resources("AWS::CloudWatch::Alarm")
        self.assertGreaterEqual(len(alarms), 9)
        own = set()
        for name, alarm in alarms.items():
            self.assertEqual(alarm["Condition"], "HasAlarmEmail", name)
            self.assertEqual(alarm["Properties"]["AlarmActions"], [{"Ref": "Alarms"}], name)
            # A stack without traffic is well.
            self.assertEqual(alarm["Properties"]["TreatMissingData"], "notBreaching", name)
            for namespace, metric, dimensions in metrics(alarm["Properties"]):
                if namespace == "Confab":
                    self.assertIn(metric, printed(), name)
                    self.assertEqual(dimensions, {"Stack": {"Ref": "AWS::StackName"}}, name)
                    own.add(metric)
        self.assertGreaterEqual(own, {"Errors", "Missed", "RefusedTokens"})

    def test_every_function_has_an_alarm_for_its_errors(self):
        watched = [
            dimensions["FunctionName"]["Ref"]
            for alarm in properties("AWS::CloudWatch::Alarm").values()
            for namespace, metric, dimensions in metrics(alarm)
            if (namespace, metric) == ("AWS/Lambda", "Errors")
        ]
        self.assertEqual(sorted(watched), sorted(resources("AWS::Lambda::Function")))

    def test_the_dashboard_is_json_and_shows_metrics_that_exist(self):
        (dashboard,) = properties("AWS::CloudWatch::Dashboard").values()
        body = dashboard["DashboardBody"]["Fn::Sub"]
        names = set(re.findall(r"\$\{([\w:]+)\}", body))
        known = set(TRANSLATED["Resources"]) | set(TRANSLATED["Parameters"]) | {"AWS::Region", "AWS::StackName"}
        self.assertLessEqual(names, known)
        widgets = json.loads(re.sub(r"\$\{[\w:]+\}", "x", body))["widgets"]
        shown, first = set(), None
        for widget in widgets:
            for row in widget["properties"]["metrics"]:
                if isinstance(row[0], str) and len(row) > 1 and row[0] not in ("...",):
                    first = row[0] if row[0] != "." else first
                    if first == "Confab":
                        shown.add(row[1])
        self.assertEqual(shown | {"Rejections"}, printed())

    def test_access_logs_name_no_user_and_no_conversation(self):
        stages = properties("AWS::ApiGatewayV2::Stage")
        self.assertEqual(len(stages), 2)
        for name, stage in stages.items():
            condition, settings, otherwise = stage["AccessLogSettings"]["Fn::If"]
            self.assertEqual((condition, otherwise), ("HasAccessLogs", {"Ref": "AWS::NoValue"}), name)
            self.assertEqual(settings["DestinationArn"], {"Fn::GetAtt": ["AccessLogs", "Arn"]})
            values = json.loads(settings["Format"])
            self.assertIn("$context.routeKey", values.values(), name)
            for value in values.values():
                # A path has ids of users and conversations, the context of the authorizer has users.
                self.assertNotRegex(value, r"path|query|domain|authorizer\.(user|name|principalId)|header", name)

    def test_the_account_has_its_role_before_a_stage_gets_a_log_group(self):
        self.assertEqual(resources()["AccessLogs"]["DependsOn"], "ApiGatewayAccount")
        for name in ("AccessLogs", "ApiGatewayAccount"):
            self.assertEqual(resources()[name]["Condition"], "HasAccessLogs")

    def test_the_queries_read_what_the_functions_log(self):
        sources = "".join(
            path.read_text() for folder in ("shared", "functions") for path in (ROOT / folder).rglob("*.rs")
        )
        queries = properties("AWS::Logs::QueryDefinition")
        self.assertEqual(len(queries), 4)
        for name, query in queries.items():
            self.assertEqual(query["LogGroupNames"], [{"Ref": "FunctionLogs"}], name)
            for message in re.findall(r'fields\.message = "(.*?)"', query["QueryString"]):
                self.assertIn(f'"{message}"', sources, name)
            for field in re.findall(r"fields\.(\w+)", query["QueryString"]):
                self.assertRegex(sources, rf"\b{field}\b", name)


if __name__ == "__main__":
    unittest.main()
