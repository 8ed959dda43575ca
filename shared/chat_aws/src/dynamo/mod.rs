//! The chat's storage in one DynamoDB table.
//!
//! [`Table`] implements the core's storage ports, one file for each; [`keys`] alone knows how keys are written. There is
//! no retry here but for what the SDK does not repeat by itself: transactions in conflict and unprocessed keys.

mod connections;
mod keys;
mod log;
mod participants;
mod row;
mod subscriptions;
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
use crate::fault;

/// Attempts at what the SDK does not repeat by itself.
const ATTEMPTS: u32 = 5;
/// The random wait before the second attempt is up to this, and doubles each time.
const FIRST_WAIT_MS: u64 = 32;

/// The table with everything in it.
#[derive(Clone, Debug)]
pub struct Table {
    client: Client,
    name: String,
}

impl Table {
    /// The table of this name; it exists already, with the index `by_owner`.
    #[must_use]
    pub fn new(client: Client, name: impl Into<String>) -> Self {
        Self {
            client,
            name: name.into(),
        }
    }

    /// Opens the connection that the first request will need. It asks for the service's health (`GET /`), which needs
    /// no permission, so that no function is granted a verb only to warm up. The SDK cannot read the answer, but
    /// by then the connection is in its pool; a failure shows again, and for good, at the first request.
    pub(crate) async fn warm_up(&self) {
        let call = self
            .client
            .describe_endpoints()
            .customize()
            .mutate_request(|request| {
                // `GET` is a method: it cannot be refused.
                let _ = request.set_method("GET");
                request.headers_mut().remove("x-amz-target");
                *request.body_mut() = "".into();
            });
        if let Err(error) = call.send().await {
            tracing::debug!(
                answer = fault::told(&error),
                "asked for the health of DynamoDB"
            );
        }
    }

    /// A consistent query of a part of a partition.
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

    /// A query of conversations by the user or the connection that owns a row in them; eventually consistent.
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
    /// Adds the condition on both keys; the caller names and gives the `#partition`. Names are always replaced by
    /// placeholders, since DynamoDB reserves hundreds of words.
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

/// All rows of a query, page after page.
async fn all_rows(
    doing: &'static str,
    query: QueryFluentBuilder,
) -> Result<Vec<Row>, InternalError> {
    let mut items = query.into_paginator().items().send();
    let mut rows = Vec::new();
    while let Some(item) = items.next().await {
        rows.push(Row::read(
            item.map_err(|error| fault::of_call(doing, &error))?,
        ));
    }
    Ok(rows)
}

/// `attribute_not_exists` on the key: the condition under which a put replaces nothing.
const IS_NEW: &str = "attribute_not_exists(#partition)";
/// The opposite: the condition under which a delete finds what it shall delete.
const IS_THERE: &str = "attribute_exists(#partition)";

/// Waits before another attempt, unless the last one (of [`ATTEMPTS`], counted from 1) has been made.
async fn wait_after(attempt: u32) -> bool {
    if attempt >= ATTEMPTS {
        return false;
    }
    let longest = FIRST_WAIT_MS << (attempt - 1);
    let wait = rand::rng().random_range(0..=longest);
    tokio::time::sleep(Duration::from_millis(wait)).await;
    true
}

/// A closure for `map_err` at the end of a call.
fn failed<E: Error + 'static>(doing: &'static str) -> impl FnOnce(E) -> InternalError {
    move |error| fault::of_call(doing, &error)
}
