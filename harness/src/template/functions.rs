//! The functions of a template, and how other resources name them.

use std::collections::BTreeMap;

use super::{
    problem::Problem,
    references::{function_arn, published_alias},
    resource::Resource,
    scope::Scope,
    yaml::Node,
};
use crate::{
    lambda::{ACCOUNT_CONCURRENCY, UNRESERVED_CONCURRENCY},
    stack::Function,
};

#[derive(Default)]
pub(super) struct Functions {
    /// By logical id. Functions with problems are missing.
    pub(super) read: BTreeMap<String, Function>,
    /// The logical ids of all declared functions, by ARN.
    arns: BTreeMap<String, String>,
}

impl Functions {
    /// Makes a declared function known to other resources, even if it has problems.
    pub(super) fn declare(&mut self, resource: &Resource, scope: &Scope) {
        if let Some(reference) = scope.references.get(&resource.logical_id) {
            let arn = function_arn(&reference.id);
            let alias = published_alias(resource, scope);
            // All of them run the same code here.
            for qualifier in alias.iter().map(String::as_str).chain(["$LATEST"]) {
                let qualified = format!("{arn}:{qualifier}");
                self.arns.insert(qualified, resource.logical_id.clone());
            }
            self.arns.insert(arn, resource.logical_id.clone());
        }
    }

    /// Fails if the functions reserve more concurrency than AWS lets an account reserve.
    pub(super) fn leave_enough_unreserved(&self) -> Result<(), Problem> {
        let most = ACCOUNT_CONCURRENCY - UNRESERVED_CONCURRENCY;
        let reserved = self.read.values();
        let reserved = reserved.filter_map(|function| function.reserved_concurrency);
        let reserved: usize = reserved.sum();
        if reserved <= most {
            return Ok(());
        }
        Err(Problem::elsewhere(format!(
            "ReservedConcurrentExecutions: the functions reserve {reserved} executions, but \
             {UNRESERVED_CONCURRENCY} of an account's {ACCOUNT_CONCURRENCY} must stay unreserved, \
             so a deployment would fail: reserve at most {most}"
        )))
    }

    /// Returns the logical id of the function with the ARN or the name in `node`.
    pub(super) fn by_name(&self, node: &Node) -> Result<String, Problem> {
        let arn = function_arn(node.text()?);
        match self.arns.get(&arn) {
            Some(logical_id) => Ok(logical_id.clone()),
            None => self.by_arn(node),
        }
    }

    /// Returns the logical id of the function with the ARN in `node`.
    pub(super) fn by_arn(&self, node: &Node) -> Result<String, Problem> {
        self.arns.get(node.text()?).cloned().ok_or_else(|| {
            node.expected(
                "the ARN of a function of this template, for example !GetAtt Function.Arn",
            )
        })
    }
}
