//! The `Conditions` section. Conditions depend on parameters only, so their order does not matter.

use std::collections::BTreeMap;

use super::{
    problem::{Place, Problem, Problems},
    scope::Scope,
    yaml::{Content, Entry, Node},
};

/// The longest chain of conditions in which each depends on the next. Evaluation is recursive.
const LONGEST_CHAIN: usize = 100;

/// Evaluates all conditions into `scope`.
pub(super) fn read(root: &Node, scope: &mut Scope, problems: &mut Problems) {
    let Some(section) = root.get("Conditions").filter(|node| !node.is_null()) else {
        return;
    };
    let Some(declared) = problems.keep(section.entries()) else {
        return;
    };
    let mut evaluation = Evaluation {
        declared: declared
            .iter()
            .map(|entry| (entry.key.as_str(), entry))
            .collect(),
        scope,
        results: BTreeMap::new(),
        depth: 0,
    };
    for entry in declared {
        problems.keep(evaluation.named(entry, entry.at));
    }
    let results = evaluation.results.into_iter();
    let known = results.map(|(name, result)| match result {
        Evaluated::Result(Ok(holds)) => (name.to_owned(), Some(holds)),
        _ => (name.to_owned(), None),
    });
    scope.conditions = known.collect();
}

struct Evaluation<'a> {
    declared: BTreeMap<&'a str, &'a Entry>,
    scope: &'a Scope,
    /// Each condition is evaluated once, however many others depend on it.
    results: BTreeMap<&'a str, Evaluated>,
    /// How many conditions are being evaluated, each for the one before.
    depth: usize,
}

enum Evaluated {
    /// It is being evaluated: a condition that depends on it now depends on itself.
    Begun,
    Result(Result<bool, Problem>),
}

impl<'a> Evaluation<'a> {
    /// Evaluates a declared condition, which is referred to at `at`.
    fn named(&mut self, entry: &'a Entry, at: Place) -> Result<bool, Problem> {
        let name = entry.key.as_str();
        match self.results.get(name) {
            Some(Evaluated::Result(result)) => return result.clone(),
            Some(Evaluated::Begun) => {
                let problem = format!("the condition {name} depends on itself");
                return Err(Problem::at(at, problem));
            }
            None if self.depth == LONGEST_CHAIN => {
                let problem = format!(
                    "more than {LONGEST_CHAIN} conditions depend on each other in a chain: shorten it"
                );
                return Err(Problem::at(at, problem));
            }
            None => {}
        }
        self.results.insert(name, Evaluated::Begun);
        self.depth += 1;
        let result = self.holds(&entry.value);
        self.depth -= 1;
        self.results.insert(name, Evaluated::Result(result.clone()));
        result
    }

    fn holds(&mut self, node: &'a Node) -> Result<bool, Problem> {
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
                Ok(!self.holds(only)?)
            }
            "And" => self
                .each(argument)
                .map(|all| all.iter().all(|holds| *holds)),
            "Or" => self
                .each(argument)
                .map(|all| all.iter().any(|holds| *holds)),
            "Condition" => {
                let other = argument.text()?;
                let Some(entry) = self.declared.get(other).copied() else {
                    return Err(Problem::at(
                        argument.at,
                        format!("the template has no condition {other}"),
                    ));
                };
                self.named(entry, argument.at)
            }
            other => Err(Problem::at(
                node.at,
                format!(
                    "a condition consists of Equals, And, Or, Not and Condition, not of {other}"
                ),
            )),
        }
    }

    fn each(&mut self, argument: &'a Node) -> Result<Vec<bool>, Problem> {
        argument
            .list()?
            .iter()
            .map(|node| self.holds(node))
            .collect()
    }
}
