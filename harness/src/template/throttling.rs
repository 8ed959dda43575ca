//! The throttles in the settings of a stage: `DefaultRouteSettings` and `RouteSettings`.

use std::collections::BTreeMap;

use super::{
    problem::{Place, Problem, Problems},
    properties::Properties,
};
use crate::stack::{Throttle, Throttling};

/// The account's limits, which apply where the settings of a route leave one out.
const ACCOUNT: Throttle = Throttle {
    rate: 10_000.0,
    burst: 5_000,
};

/// The throttles of a stage, before the routes are known.
#[derive(Clone)]
pub(super) struct Declared {
    /// The resource, for messages.
    owner: String,
    default: Option<Throttle>,
    routes: BTreeMap<String, (Place, Option<Throttle>)>,
}

/// Reads both properties. Settings of logs and metrics have no effect.
pub(super) fn read(properties: &mut Properties<'_>, problems: &mut Problems) -> Option<Declared> {
    let mut declared = Declared {
        owner: properties.owner().to_owned(),
        default: None,
        routes: BTreeMap::new(),
    };
    let default = properties.nested("DefaultRouteSettings");
    let default = problems.keep(default).and_then(|settings| match settings {
        Some(settings) => {
            let read = throttle(settings, problems);
            problems.keep(read)
        }
        None => Some(None),
    });
    let routes = properties.nested("RouteSettings");
    if let Some(routes) = problems.keep(routes)? {
        for (key, at, settings) in routes.each(problems) {
            let read = throttle(settings, problems);
            if let Some(throttle) = problems.keep(read) {
                declared.routes.insert(key, (at, throttle));
            }
        }
    }
    declared.default = default?;
    Some(declared)
}

fn throttle(
    mut settings: Properties<'_>,
    problems: &mut Problems,
) -> Result<Option<Throttle>, Problem> {
    let rate = settings.optional("ThrottlingRateLimit")?;
    let burst = settings.optional("ThrottlingBurstLimit")?;
    settings.without_effect(&["DataTraceEnabled", "DetailedMetricsEnabled", "LoggingLevel"]);
    settings.finish(problems);
    if rate.is_none() && burst.is_none() {
        return Ok(None);
    }
    let rate = match rate {
        Some(node) => match node.text()?.parse() {
            Ok(rate) if (0.0..=f64::from(u32::MAX)).contains(&rate) => rate,
            _ => return Err(node.expected("a number of requests per second")),
        },
        None => ACCOUNT.rate,
    };
    let burst = match burst {
        Some(node) => {
            let burst = node.whole_number(0, u64::from(u32::MAX))?;
            u32::try_from(burst).unwrap_or(u32::MAX)
        }
        None => ACCOUNT.burst,
    };
    Ok(Some(Throttle { rate, burst }))
}

impl Declared {
    /// Returns the throttles of a stage with these routes. AWS rejects settings of a route that
    /// does not exist.
    pub(super) fn of<'a>(
        self,
        routes: impl IntoIterator<Item = &'a str>,
        problems: &mut Problems,
    ) -> Throttling {
        let existing: Vec<&str> = routes.into_iter().collect();
        let mut throttling = Throttling {
            default: self.default,
            routes: BTreeMap::new(),
        };
        for (key, (at, throttle)) in self.routes {
            // A route with a problem of its own is missing from `existing`.
            if problems.is_empty() && !existing.contains(&key.as_str()) {
                problems.add(Problem::at(
                    at,
                    format!(
                        "{}.RouteSettings: the API has no route {key}, only {}",
                        self.owner,
                        existing.join(", ")
                    ),
                ));
            }
            // The settings of a route replace the default settings as a whole.
            throttling.routes.insert(key, throttle.unwrap_or(ACCOUNT));
        }
        throttling
    }
}
