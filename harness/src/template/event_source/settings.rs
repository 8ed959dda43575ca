//! The properties of event source mappings, one by one.

use crate::{
    event_source::Pattern,
    template::{
        problem::{Problem, Problems},
        properties::Properties,
        yaml::Node,
    },
};

/// The most filters of a mapping, after a raise of AWS's quota.
const MOST_FILTERS: usize = 10;

/// Reads a number.
pub(super) fn number(
    properties: &mut Properties<'_>,
    name: &str,
    least: u64,
    most: u64,
) -> Result<Option<u64>, Problem> {
    let node = properties.optional(name)?;
    node.map(|node| node.whole_number(least, most)).transpose()
}

/// Reads a number in which -1 means that there is no limit.
pub(super) fn unlimited(
    properties: &mut Properties<'_>,
    name: &str,
    (least, most): (u64, u64),
) -> Result<Option<u64>, Problem> {
    match properties.optional(name)? {
        Some(node) if node.text() == Ok("-1") => Ok(None),
        Some(node) => match node.whole_number(least, most) {
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(node.expected(&format!("-1, or a whole number from {least} to {most}"))),
        },
        None => Ok(None),
    }
}

/// Reads `true` or `false`.
pub(super) fn truth(
    properties: &mut Properties<'_>,
    name: &str,
    default: bool,
) -> Result<bool, Problem> {
    let node = properties.optional(name)?;
    node.map_or(Ok(default), |node| node.truth())
}

/// Returns whether `FunctionResponseTypes` has `ReportBatchItemFailures`.
pub(super) fn response_types(properties: &mut Properties<'_>) -> Result<bool, Problem> {
    let Some(types) = properties.optional("FunctionResponseTypes")? else {
        return Ok(false);
    };
    for kind in types.items() {
        kind.one_of(&["ReportBatchItemFailures"])?;
    }
    Ok(!types.items().is_empty())
}

/// Reads `FilterCriteria`. `None` after a problem.
pub(super) fn filters(
    properties: &mut Properties<'_>,
    problems: &mut Problems,
) -> Option<Vec<Pattern>> {
    let criteria = properties.optional("FilterCriteria");
    let Some(criteria) = problems.keep(criteria)? else {
        return Some(Vec::new());
    };
    let Some(filters) = criteria.get("Filters") else {
        return Some(Vec::new());
    };
    if filters.items().len() > MOST_FILTERS {
        problems.add(filters.expected(&format!("at most {MOST_FILTERS} filters")));
        return None;
    }
    let pattern = |filter: &Node| {
        let node = filter
            .get("Pattern")
            .ok_or_else(|| filter.expected("a Pattern"))?;
        let text = node.text()?;
        Pattern::parse(text).map_err(|error| Problem::at(node.at, error.to_string()))
    };
    let read: Vec<_> = filters.items().iter().map(pattern).collect();
    read.into_iter().map(|one| problems.keep(one)).collect()
}

/// Returns `ScalingConfig.MaximumConcurrency`.
pub(super) fn scaling(
    properties: &mut Properties<'_>,
    problems: &mut Problems,
) -> Result<Option<usize>, Problem> {
    let Some(mut scaling) = properties.nested("ScalingConfig")? else {
        return Ok(None);
    };
    let most = number(&mut scaling, "MaximumConcurrency", 2, 1_000)?;
    scaling.finish(problems);
    Ok(most.and_then(|most| usize::try_from(most).ok()))
}
