//! `DestinationConfig.OnFailure`: where Lambda reports records that it discards.

use serde_json::json;

use super::sources::Sources;
use crate::{
    iam::{Statement, Verdict, verdict},
    template::{
        known_policies,
        problem::{Place, Problems},
        properties::Properties,
    },
};

/// The destination of discarded records.
pub(in crate::template) struct Destination {
    at: Place,
    arn: String,
    /// `Type`, a property of SAM's only.
    kind: Option<String>,
}

/// Reads `DestinationConfig`. `None` after a problem.
pub(super) fn read(
    properties: &mut Properties<'_>,
    problems: &mut Problems,
) -> Option<Option<Destination>> {
    let config = properties.nested("DestinationConfig");
    let Some(mut config) = problems.keep(config)? else {
        return Some(None);
    };
    let on_failure = config.nested("OnFailure");
    let on_failure = problems.keep(on_failure);
    config.finish(problems);
    let Some(mut on_failure) = on_failure? else {
        return Some(None);
    };
    let destination = on_failure
        .required("Destination")
        .and_then(|node| Ok((node.at, node.text()?.to_owned())));
    let destination = problems.keep(destination);
    let kind = problems.keep(on_failure.text("Type"));
    on_failure.finish(problems);
    let (at, arn) = destination?;
    Some(Some(Destination {
        at,
        arn,
        kind: kind?,
    }))
}

impl Destination {
    /// Adds the policy that SAM adds if the template says the type of the destination.
    pub(super) fn add_policy(&self, policy: &mut Vec<Statement>) {
        if self.kind.as_deref() == Some("SQS") {
            let statement =
                json!({ "Effect": "Allow", "Action": "sqs:SendMessage", "Resource": self.arn });
            policy.extend(Statement::of_role(statement).ok());
        }
    }

    /// Returns the ARN if it is that of a queue.
    pub(super) fn queue_arn(&self) -> Option<&str> {
        self.arn.starts_with("arn:aws:sqs:").then_some(&self.arn)
    }

    /// Returns the name of the queue. Without one in this template, the start says that nothing is
    /// told about discarded records.
    pub(super) fn queue(
        &self,
        mapping: &str,
        sources: &Sources<'_>,
        problems: &mut Problems,
    ) -> Option<String> {
        if let Some(queue) = sources.queue(&self.arn) {
            return Some(queue.name.clone());
        }
        problems.notice(
            self.at,
            format!(
                "{mapping}: the destination is not a standard queue of this template, so discarded \
                 records are only logged"
            ),
        );
        None
    }
}

/// Adds the statements of a managed policy.
pub(super) fn extend(policy: &mut Vec<Statement>, managed: &str) {
    let statements = known_policies::managed(managed).unwrap_or_default();
    let statements = statements.iter().cloned().map(Statement::of_role);
    policy.extend(statements.filter_map(Result::ok));
}

/// Whether a role may perform an action.
pub(super) fn allows(policy: &[Statement], action: &str, resource: &str) -> bool {
    verdict(policy, action, resource) == Verdict::Allowed
}
