//! The permissions that a call needs. Most DynamoDB calls need the permission of their own name on
//! their table or index; transactions need those of their parts.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, de::IgnoredAny};

use crate::stack::{ACCOUNT, REGION};

/// One permission that a call needs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Demand {
    /// For example `dynamodb:Query`.
    pub action: String,
    /// The ARN of the resource.
    pub resource: String,
}

/// The parts of a request that name resources. Everything else is skipped.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Body {
    table_name: Option<String>,
    index_name: Option<String>,
    stream_arn: Option<String>,
    resource_arn: Option<String>,
    request_items: BTreeMap<String, IgnoredAny>,
    transact_items: Vec<BTreeMap<String, OnTable>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OnTable {
    table_name: String,
}

impl Demand {
    /// Returns the permissions that the call `operation` (`PutItem`, …) with this body needs. The
    /// set is never empty.
    pub fn of_dynamodb(operation: &str, body: &[u8]) -> BTreeSet<Self> {
        let demand = |operation: &str, resource: String| Self {
            action: format!("dynamodb:{operation}"),
            resource,
        };
        // The engine rejects an invalid body. To get there, the call needs a permission on `*`.
        let body: Body = serde_json::from_slice(body).unwrap_or_default();
        let demands: BTreeSet<_> = match operation {
            "BatchGetItem" | "BatchWriteItem" => body
                .request_items
                .keys()
                .map(|name| demand(operation, table(name)))
                .collect(),
            "TransactGetItems" | "TransactWriteItems" => body
                .transact_items
                .iter()
                .flatten()
                .map(|(part, on)| demand(of_part(part), table(&on.table_name)))
                .collect(),
            "ListStreams" => [demand(
                operation,
                format!(
                    "{}/stream/*",
                    table(body.table_name.as_deref().unwrap_or("*"))
                ),
            )]
            .into(),
            "ListTables" => [demand(operation, table("*"))].into(),
            _ => body
                .resource(operation)
                .map(|resource| demand(operation, resource))
                .into_iter()
                .collect(),
        };
        if demands.is_empty() {
            [demand(operation, "*".to_owned())].into()
        } else {
            demands
        }
    }
}

impl Body {
    fn resource(&self, operation: &str) -> Option<String> {
        let name = self
            .table_name
            .as_deref()
            .or(self.stream_arn.as_deref())
            .or(self.resource_arn.as_deref())?;
        match (&self.index_name, operation) {
            (Some(index), "Query" | "Scan") => Some(format!("{}/index/{index}", table(name))),
            _ => Some(table(name)),
        }
    }
}

/// Returns the operation for one part of a transaction.
fn of_part(part: &str) -> &str {
    match part {
        "ConditionCheck" => "ConditionCheckItem",
        "Delete" => "DeleteItem",
        "Get" => "GetItem",
        "Put" => "PutItem",
        "Update" => "UpdateItem",
        other => other,
    }
}

/// Returns the ARN of a table by its name or by an ARN. Engines use other regions and accounts in
/// their ARNs.
fn table(name: &str) -> String {
    let name = name.split_once(":table/").map_or(name, |(_, name)| name);
    format!("arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_need_the_permissions_that_aws_requires() {
        const CHAT: &str = "arn:aws:dynamodb:us-east-1:123456789012:table/chat";
        const OTHER: &str = "arn:aws:dynamodb:us-east-1:123456789012:table/other";
        let index = format!("{CHAT}/index/by_owner");
        let stream = format!("{CHAT}/stream/2026");
        let streams = format!("{CHAT}/stream/*");
        let tables = CHAT.replace("chat", "*");
        type Row<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)]);
        let table: [Row<'_>; 12] = [
            (
                "PutItem",
                r#"{"TableName":"chat","Item":{}}"#,
                &[("PutItem", CHAT)],
            ),
            (
                "GetItem",
                r#"{"TableName":"arn:aws:dynamodb:eu-west-1:1:table/chat"}"#,
                &[("GetItem", CHAT)],
            ),
            ("Query", r#"{"TableName":"chat"}"#, &[("Query", CHAT)]),
            (
                "Query",
                r#"{"TableName":"chat","IndexName":"by_owner"}"#,
                &[("Query", &index)],
            ),
            (
                "BatchGetItem",
                r#"{"RequestItems":{"chat":{},"other":{}}}"#,
                &[("BatchGetItem", CHAT), ("BatchGetItem", OTHER)],
            ),
            (
                "TransactWriteItems",
                r#"{"TransactItems":[{"Put":{"TableName":"chat"}},{"Put":{"TableName":"chat"}},
                    {"ConditionCheck":{"TableName":"other"}},{"Update":{"TableName":"chat"}},{"Delete":{"TableName":"chat"}}]}"#,
                &[
                    ("ConditionCheckItem", OTHER),
                    ("DeleteItem", CHAT),
                    ("PutItem", CHAT),
                    ("UpdateItem", CHAT),
                ],
            ),
            (
                "TransactGetItems",
                r#"{"TransactItems":[{"Get":{"TableName":"chat"}}]}"#,
                &[("GetItem", CHAT)],
            ),
            (
                "DescribeStream",
                r#"{"StreamArn":"arn:aws:dynamodb:ddblocal:0:table/chat/stream/2026"}"#,
                &[("DescribeStream", &stream)],
            ),
            (
                "ListStreams",
                r#"{"TableName":"chat"}"#,
                &[("ListStreams", &streams)],
            ),
            ("ListTables", "{}", &[("ListTables", &tables)]),
            ("DescribeLimits", "{}", &[("DescribeLimits", "*")]),
            ("PutItem", r#"{"TableName":7}"#, &[("PutItem", "*")]),
        ];
        for (operation, body, expected) in table {
            let expected = expected.iter().map(|(action, resource)| Demand {
                action: format!("dynamodb:{action}"),
                resource: (*resource).to_owned(),
            });
            assert_eq!(
                Demand::of_dynamodb(operation, body.as_bytes()),
                expected.collect(),
                "{operation} {body}"
            );
        }
    }
}
