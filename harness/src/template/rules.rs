//! The `Rules` section: what must hold between parameters. CloudFormation checks it before it
//! changes anything.

use super::{
    problem::{Problem, Problems},
    properties::Properties,
    scope::Scope,
    yaml::{Content, Node},
};

/// Reports every rule that the parameters break.
pub(super) fn check(root: &Node, scope: &Scope, problems: &mut Problems) {
    let Some(section) = root.get("Rules").filter(|node| !node.is_null()) else {
        return;
    };
    let rules = problems.keep(section.entries()).unwrap_or_default();
    for rule in rules {
        let checked = self::rule(&rule.key, &rule.value, scope, problems);
        problems.keep(checked);
    }
}

fn rule(name: &str, node: &Node, scope: &Scope, problems: &mut Problems) -> Result<(), Problem> {
    let mut rule = Properties::plain(name, node)?;
    let condition = rule.optional("RuleCondition")?;
    let assertions = rule.required("Assertions")?;
    rule.finish(problems);
    if let Some(condition) = condition
        && !holds(&condition, scope)?
    {
        return Ok(());
    }
    for node in assertions.list()? {
        let mut assertion = Properties::plain(name, node)?;
        let assert = assertion.required("Assert")?;
        let description = assertion.text("AssertDescription")?;
        assertion.finish(problems);
        if !holds(&assert, scope)? {
            let reason = description.unwrap_or_else(|| "an assertion does not hold".to_owned());
            problems.add(Problem::at(node.at, format!("the rule {name}: {reason}")));
        }
    }
    Ok(())
}

fn holds(node: &Node, scope: &Scope) -> Result<bool, Problem> {
    let Content::Intrinsic { name, argument } = &node.content else {
        return Err(node.expected("a function of rules"));
    };
    let two = || match argument.list()? {
        [left, right] => Ok((scope.present(left)?, scope.present(right)?)),
        _ => Err(argument.expected("two values")),
    };
    match name.as_str() {
        "Equals" => {
            let (left, right) = two()?;
            Ok(left.text()? == right.text()?)
        }
        "Contains" => {
            let (list, value) = two()?;
            let value = value.text()?;
            Ok(list.texts()?.iter().any(|one| one == value))
        }
        "EachMemberEquals" => {
            let (list, value) = two()?;
            let value = value.text()?;
            Ok(list.texts()?.iter().all(|one| one == value))
        }
        "EachMemberIn" => {
            let (list, others) = two()?;
            let others = others.texts()?;
            Ok(list.texts()?.iter().all(|one| others.contains(one)))
        }
        "Not" => match argument.list()? {
            [only] => Ok(!holds(only, scope)?),
            _ => Err(argument.expected("a list of one function")),
        },
        "And" => each(argument, scope).map(|all| all.iter().all(|holds| *holds)),
        "Or" => each(argument, scope).map(|all| all.iter().any(|holds| *holds)),
        other => Err(Problem::at(
            node.at,
            format!("the harness does not support the function {other} in a rule"),
        )),
    }
}

fn each(argument: &Node, scope: &Scope) -> Result<Vec<bool>, Problem> {
    let nodes = argument.list()?.iter();
    nodes.map(|node| holds(node, scope)).collect()
}
