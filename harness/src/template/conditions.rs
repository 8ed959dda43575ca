//! The `Conditions` section. Conditions depend on parameters only, so their order does not matter.

use std::collections::BTreeMap;

use super::{
    problem::{Problem, Problems},
    scope::Scope,
    yaml::{Content, Entry, Node},
};

/// Evaluates all conditions into `scope`.
pub(super) fn read(root: &Node, scope: &mut Scope, problems: &mut Problems) {
    let Some(section) = root.get("Conditions").filter(|node| !node.is_null()) else {
        return;
    };
    let Some(declared) = problems.keep(section.entries()) else {
        return;
    };
    let mut results = BTreeMap::new();
    for entry in declared {
        let evaluation = Evaluation { declared, scope };
        let holds = evaluation.holds(&entry.value, &[entry.key.as_str()]);
        results.insert(entry.key.clone(), problems.keep(holds));
    }
    scope.conditions = results;
}

struct Evaluation<'a> {
    declared: &'a [Entry],
    scope: &'a Scope,
}

impl Evaluation<'_> {
    /// Evaluates a condition. `within` are the conditions that depend on it; a cycle is an error.
    fn holds(&self, node: &Node, within: &[&str]) -> Result<bool, Problem> {
        let (name, argument) = match &node.content {
            Content::Intrinsic { name, argument } => (name.as_str(), argument.as_ref()),
            // The long form of `!Condition` is an ordinary mapping.
            Content::Map(entries) => match entries.as_slice() {
                [only] => (only.key.as_str(), &only.value),
                _ => return Err(node.expected("a condition")),
            },
            _ => return Err(node.expected("a condition")),
        };
        match name {
            "Equals" => {
                let [left, right] = argument.list()? else {
                    return Err(argument.expected("two values"));
                };
                Ok(self.scope.present(left)?.text()? == self.scope.present(right)?.text()?)
            }
            "Not" => {
                let [only] = argument.list()? else {
                    return Err(argument.expected("a list of one condition"));
                };
                Ok(!self.holds(only, within)?)
            }
            "And" => self
                .each(argument, within)
                .map(|all| all.iter().all(|holds| *holds)),
            "Or" => self
                .each(argument, within)
                .map(|all| all.iter().any(|holds| *holds)),
            "Condition" => {
                let other = argument.text()?;
                if within.contains(&other) {
                    return Err(Problem::at(
                        argument.at,
                        format!("the condition {other} depends on itself"),
                    ));
                }
                let Some(entry) = self.declared.iter().find(|entry| entry.key == other) else {
                    return Err(Problem::at(
                        argument.at,
                        format!("the template has no condition {other}"),
                    ));
                };
                self.holds(&entry.value, &[within, &[other]].concat())
            }
            other => Err(Problem::at(
                node.at,
                format!(
                    "a condition consists of Equals, And, Or, Not and Condition, not of {other}"
                ),
            )),
        }
    }

    fn each(&self, argument: &Node, within: &[&str]) -> Result<Vec<bool>, Problem> {
        argument
            .list()?
            .iter()
            .map(|node| self.holds(node, within))
            .collect()
    }
}
