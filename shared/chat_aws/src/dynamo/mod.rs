//! The chat's storage in one DynamoDB table.
//!
//! [`Table`] implements the core's storage ports, one file for each. Only [`keys`] knows the
//! formats of keys. This module retries only what the SDK does not: conflicting transactions and
//! unprocessed keys.

mod batch;
mod connections;
mod content;
mod keys;
mod log;
mod participants;
mod presences;
mod reactions;
mod receipts;
mod row;
mod subscriptions;
mod traces;
mod transaction;

use std::{error::Error, time::Duration};

use aws_sdk_dynamodb::{
    Client,
    operation::{
        delete_item::builders::DeleteItemFluentBuilder, get_item::builders::GetItemFluentBuilder,
        put_item::builders::PutItemFluentBuilder, query::builders::QueryFluentBuilder,
    },
    types::AttributeValue,
};
use chat::error::InternalError;
use rand::RngExt as _;

use self::row::Row;
use crate::call_error::{call_error, error_chain};

/// The most participants of a conversation, unless the configuration says otherwise.
const MOST_PARTICIPANTS: usize = 1_000;
/// How many rows of a roster are read before what was read is used: about 12 units. A roster with
/// fewer rows takes one query.
const ROSTER_ROWS: i32 = 500;
/// The number of attempts at what the SDK does not retry.
const ATTEMPTS: u32 = 5;
/// The upper limit of the random wait before the second attempt. It doubles with each attempt.
const FIRST_WAIT_MS: u64 = 32;

/// The table with all data of the chat.
#[derive(Clone, Debug)]
pub struct Table {
    client: Client,
    name: String,
    most_participants: usize,
    roster_rows: i32,
}

impl Table {
    /// Uses an existing table that has the index `by_owner`.
    #[must_use]
    pub fn new(client: Client, name: impl Into<String>) -> Self {
        Self {
            client,
            name: name.into(),
            most_participants: MOST_PARTICIPANTS,
            roster_rows: ROSTER_ROWS,
        }
    }

    /// Sets how many rows are read of a roster before what was read is used.
    #[must_use]
    pub fn with_roster_rows(mut self, rows: i32) -> Self {
        self.roster_rows = rows;
        self
    }

    /// Sets how many participants a conversation may have.
    #[must_use]
    pub fn with_most_participants(mut self, most: usize) -> Self {
        self.most_participants = most;
        self
    }

    /// Opens the HTTP connection for the first request, by a health check (`GET /`). The health
    /// check needs no permission, so no function needs one only to warm up. The SDK cannot parse
    /// the response, but the connection is in its pool by then. An error is ignored: if it
    /// persists, the first request fails, too.
    pub(crate) async fn warm_up(&self) {
        let call = self
            .client
            .describe_endpoints()
            .customize()
            .mutate_request(|request| {
                // Cannot fail: `GET` is a valid method.
                let _ = request.set_method("GET");
                request.headers_mut().remove("x-amz-target");
                *request.body_mut() = "".into();
            });
        if let Err(error) = call.send().await {
            tracing::debug!(response = error_chain(&error), "warm-up request sent");
        }
    }

    /// Creates a consistent query for a range of a partition.
    fn query(&self, pk: String, range: Range<'_>) -> QueryFluentBuilder {
        range
            .ask(
                self.client
                    .query()
                    .table_name(&self.name)
                    .consistent_read(true),
                keys::SK,
            )
            .expression_attribute_names("#partition", keys::PK)
            .expression_attribute_values(":partition", AttributeValue::S(pk))
    }

    /// Creates an eventually consistent query for the conversations in which a user or a connection
    /// owns a row.
    fn query_by_owner(&self, owner: String) -> QueryFluentBuilder {
        let query = self
            .client
            .query()
            .table_name(&self.name)
            .index_name(keys::BY_OWNER);
        Range::BeginsWith(keys::CONVERSATIONS)
            .ask(query, keys::PK)
            .expression_attribute_names("#partition", keys::OWNER)
            .expression_attribute_values(":partition", AttributeValue::S(owner))
    }

    fn get(&self, pk: String, sk: String) -> GetItemFluentBuilder {
        self.client
            .get_item()
            .table_name(&self.name)
            .consistent_read(true)
            .key(keys::PK, AttributeValue::S(pk))
            .key(keys::SK, AttributeValue::S(sk))
    }

    fn put(&self, row: Row) -> PutItemFluentBuilder {
        self.client
            .put_item()
            .table_name(&self.name)
            .set_item(Some(row.into_item()))
    }

    fn delete(&self, pk: String, sk: String) -> DeleteItemFluentBuilder {
        self.client
            .delete_item()
            .table_name(&self.name)
            .key(keys::PK, AttributeValue::S(pk))
            .key(keys::SK, AttributeValue::S(sk))
    }
}

/// A range of sort keys.
#[derive(Clone, Copy, Debug)]
enum Range<'a> {
    Between(&'a str, &'a str),
    BeginsWith(&'a str),
}

impl Range<'_> {
    /// Adds the condition on both keys. The caller defines `#partition` and `:partition`. Names are
    /// always placeholders, because DynamoDB reserves hundreds of words.
    fn ask(self, query: QueryFluentBuilder, sort_key: &str) -> QueryFluentBuilder {
        let query = query.expression_attribute_names("#sort", sort_key);
        let text = |text: &str| AttributeValue::S(text.to_owned());
        match self {
            Self::Between(first, last) => query
                .key_condition_expression(
                    "#partition = :partition AND #sort BETWEEN :first AND :last",
                )
                .expression_attribute_values(":first", text(first))
                .expression_attribute_values(":last", text(last)),
            Self::BeginsWith(prefix) => query
                .key_condition_expression("#partition = :partition AND begins_with(#sort, :prefix)")
                .expression_attribute_values(":prefix", text(prefix)),
        }
    }
}

/// Reads all pages of a query.
async fn all_rows(
    doing: &'static str,
    query: QueryFluentBuilder,
) -> Result<Vec<Row>, InternalError> {
    let mut items = query.into_paginator().items().send();
    let mut rows = Vec::new();
    while let Some(item) = items.next().await {
        rows.push(Row::read(item.map_err(|error| call_error(doing, &error))?));
    }
    Ok(rows)
}

/// The condition that the row does not exist, so that a put replaces nothing.
const IS_NEW: &str = "attribute_not_exists(#partition)";
/// The condition that the row exists.
const EXISTS: &str = "attribute_exists(#partition)";

/// Waits before the next attempt. Returns false without waiting if `attempt`, counted from 1, was
/// the last one.
async fn wait_after(attempt: u32) -> bool {
    if attempt >= ATTEMPTS {
        return false;
    }
    let longest = FIRST_WAIT_MS << (attempt - 1);
    let wait = rand::rng().random_range(0..=longest);
    tokio::time::sleep(Duration::from_millis(wait)).await;
    true
}

/// Returns a closure for `map_err` that converts the error of a call.
fn failed<E: Error + 'static>(doing: &'static str) -> impl FnOnce(E) -> InternalError {
    move |error| call_error(doing, &error)
}
