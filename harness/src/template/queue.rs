//! `AWS::SQS::Queue`.

use std::time::Duration;

use serde_json::Value;

use super::{
    problem::{Problem, Problems},
    properties::Properties,
    resource::Resource,
    scope::Scope,
    yaml::{Content, Node},
};
use crate::stack::{ACCOUNT, Queue, REGION, Redrive};

/// The largest message of SQS, in bytes.
const LARGEST_MESSAGE: u64 = 1024 * 1024;
/// The bounds of `maxReceiveCount`.
const RECEIVES: (u64, u64) = (1, 1_000);

/// Reads a queue. `None` after a problem, and for a FIFO queue, which the harness does not have:
/// the start says so.
pub(super) fn read(resource: &Resource, scope: &Scope, problems: &mut Problems) -> Option<Queue> {
    let id = resource.logical_id.as_str();
    let mut properties = problems.keep(Properties::resolving(id, &resource.properties, scope))?;
    let fifo = properties.optional("FifoQueue");
    let fifo = fifo.and_then(|node| node.map_or(Ok(false), |node| node.truth()));
    if problems.keep(fifo)? {
        let text = format!("{id}: the harness has no FIFO queues, so calls of this queue fail");
        problems.notice(resource.at, text);
        return None;
    }
    let reference = scope.references.get(id);
    let name = properties.text("QueueName");
    let name = problems.keep(name);
    let mut seconds = |name: &str, (least, default, most): (u64, u64, u64)| {
        let node = properties.optional(name);
        let number =
            node.and_then(|node| node.map_or(Ok(default), |node| node.whole_number(least, most)));
        problems.keep(number)
    };
    let delay = seconds("DelaySeconds", (0, 0, 900));
    let visibility_timeout = seconds("VisibilityTimeout", (0, 30, 43_200));
    let retention = seconds("MessageRetentionPeriod", (60, 345_600, 1_209_600));
    let receive_wait = seconds("ReceiveMessageWaitTimeSeconds", (0, 0, 20));
    let largest = seconds(
        "MaximumMessageSize",
        (1_024, LARGEST_MESSAGE, LARGEST_MESSAGE),
    );
    let redrive = properties.optional("RedrivePolicy");
    let redrive = redrive.and_then(|node| node.map(|node| redrive_policy(&node)).transpose());
    let redrive = problems.keep(redrive);
    properties.without_effect(&[
        "KmsDataKeyReusePeriodSeconds",
        "KmsMasterKeyId",
        // Which queues may name this one as their dead-letter queue.
        "RedriveAllowPolicy",
        "SqsManagedSseEnabled",
        "Tags",
    ]);
    properties.finish(problems);
    Some(Queue {
        logical_id: id.to_owned(),
        name: match name? {
            Some(name) => name,
            None => reference?.attributes.get("QueueName")?.clone(),
        },
        delay: Duration::from_secs(delay?),
        visibility_timeout: Duration::from_secs(visibility_timeout?),
        retention: Duration::from_secs(retention?),
        receive_wait: Duration::from_secs(receive_wait?),
        largest_message: usize::try_from(largest?).ok()?,
        redrive: redrive?,
    })
}

/// Adds a problem for each dead-letter queue that is not a queue of the template.
pub(super) fn require_dead_letter_queues(
    queues: &[Queue],
    resources: &[Resource],
    problems: &mut Problems,
) {
    for queue in queues {
        let Some(redrive) = &queue.redrive else {
            continue;
        };
        let is_target = |other: &Queue| other.name == redrive.dead_letter_queue;
        let place = resources
            .iter()
            .find(|resource| resource.logical_id == queue.logical_id);
        if !queues.iter().any(is_target)
            && let Some(resource) = place
        {
            problems.add(Problem::at(
                resource.at,
                format!(
                    "{}: the dead-letter queue {} is not a standard queue of this template",
                    queue.logical_id, redrive.dead_letter_queue
                ),
            ));
        }
    }
}

/// Reads `RedrivePolicy`, a mapping or a text of JSON.
fn redrive_policy(node: &Node) -> Result<Redrive, Problem> {
    let written = match &node.content {
        Content::Scalar { text, .. } => serde_json::from_str(text).unwrap_or_default(),
        _ => node.json()?,
    };
    let expected = || node.expected("deadLetterTargetArn and maxReceiveCount");
    let target = written.get("deadLetterTargetArn").and_then(Value::as_str);
    let name = target
        .and_then(|arn| arn.strip_prefix(&format!("arn:aws:sqs:{REGION}:{ACCOUNT}:")))
        .ok_or_else(expected)?;
    let count = match written.get("maxReceiveCount") {
        Some(Value::String(text)) => text.parse().ok(),
        Some(count) => count.as_u64(),
        None => None,
    };
    let count = count.filter(|count| (RECEIVES.0..=RECEIVES.1).contains(count));
    Ok(Redrive {
        dead_letter_queue: name.to_owned(),
        most_receives: count
            .and_then(|count| u32::try_from(count).ok())
            .ok_or_else(expected)?,
    })
}
