//! How far participants have read: attributes of their rows.

use aws_sdk_dynamodb::{
    operation::update_item::{UpdateItemError, builders::UpdateItemFluentBuilder},
    types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure},
};
use chat::{
    domain::{ConversationId, ReadState, Seq, UserId},
    error::InternalError,
    ports::{Advanced, Receipt, Receipts},
};

use super::{
    Table, failed, keys,
    participants::read_state,
    row::{Item, Row},
    wait_after,
};

const DOING: &str = "storing a receipt";

/// The row exists, and its position is older.
const IS_NEWER: &str = "attribute_exists(#partition) \
    AND (attribute_not_exists(#position) OR #position < :position)";
/// The row exists and has an older position. Fails if it has none.
const IS_NEWER_THAN_ONE: &str = "attribute_exists(#partition) AND #position < :position";

impl Receipts for Table {
    async fn advance(
        &self,
        conversation: &ConversationId,
        user: &UserId,
        receipt: Receipt,
    ) -> Result<Option<Advanced>, InternalError> {
        let position = AttributeValue::N(receipt.position.number().to_string());
        // Position 0 moves nothing. The condition fails then, and its answer shows the row.
        let condition = if receipt.position == Seq::START {
            IS_NEWER_THAN_ONE
        } else {
            IS_NEWER
        };
        let row = self
            .update_participant(conversation, user)
            .condition_expression(condition)
            .expression_attribute_values(":position", position);
        let (set_shown, row) = if receipt.private {
            ("", row)
        } else {
            let row = row.expression_attribute_names("#shown", keys::SHOWN_TO);
            (", #shown = :position", row)
        };
        let move_both = row
            .clone()
            .expression_attribute_names("#position", keys::READ_TO)
            .expression_attribute_names("#messages", keys::READ_MESSAGES)
            .expression_attribute_values(
                ":messages",
                AttributeValue::N(receipt.messages.to_string()),
            )
            .update_expression(format!(
                "SET #position = :position, #messages = :messages{set_shown}"
            ));
        let before = match send(move_both).await? {
            Updated::Yes(before) => {
                let before = read_state(&Row::read(before))?;
                return Ok(Some(Advanced {
                    read_to: receipt.position,
                    messages: receipt.messages,
                    moved: true,
                    shown: !receipt.private && before.shown_to < receipt.position,
                }));
            }
            Updated::No(None) => return Ok(None),
            Updated::No(Some(row)) => read_state(&Row::read(row))?,
        };
        let shown = !receipt.private && before.shown_to < receipt.position;
        let shown = shown && self.show(conversation, user, receipt.position).await?;
        Ok(Some(standing(before, shown)))
    }
}

/// The effect of a receipt that did not move the participant's own position.
const fn standing(state: ReadState, shown: bool) -> Advanced {
    Advanced {
        read_to: state.read_to,
        messages: state.messages,
        moved: false,
        shown,
    }
}

impl Table {
    /// Shows others a position that the participant has reached with a private receipt. Returns
    /// whether it moved.
    async fn show(
        &self,
        conversation: &ConversationId,
        user: &UserId,
        position: Seq,
    ) -> Result<bool, InternalError> {
        let call = self
            .update_participant(conversation, user)
            .condition_expression(IS_NEWER)
            .expression_attribute_names("#position", keys::SHOWN_TO)
            .expression_attribute_values(
                ":position",
                AttributeValue::N(position.number().to_string()),
            )
            .update_expression("SET #position = :position");
        Ok(matches!(send(call).await?, Updated::Yes(_)))
    }

    fn update_participant(
        &self,
        conversation: &ConversationId,
        user: &UserId,
    ) -> UpdateItemFluentBuilder {
        let pk = keys::conversation(conversation);
        self.client
            .update_item()
            .table_name(&self.name)
            .key(keys::PK, AttributeValue::S(pk))
            .key(keys::SK, AttributeValue::S(keys::participant(user)))
            .expression_attribute_names("#partition", keys::PK)
            .return_values(ReturnValue::AllOld)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
    }
}

/// The outcome of a conditional update.
enum Updated {
    /// The row was changed. Holds the row before it.
    Yes(Item),
    /// The condition failed. Holds the row, if there is one.
    No(Option<Item>),
}

/// Sends an update. Retries if it conflicts with a transaction, which the SDK does not do.
async fn send(call: UpdateItemFluentBuilder) -> Result<Updated, InternalError> {
    let mut attempt = 1;
    loop {
        let error = match call.clone().send().await {
            Ok(updated) => return Ok(Updated::Yes(updated.attributes.unwrap_or_default())),
            Err(error) => error,
        };
        match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                return Ok(Updated::No(failed.item().cloned()));
            }
            Some(UpdateItemError::TransactionConflictException(_)) if wait_after(attempt).await => {
                attempt += 1;
            }
            _ => return Err(failed(DOING)(error)),
        }
    }
}
