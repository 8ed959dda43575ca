//! The log of a Lambda function: one line per event on standard output.
//!
//! `lambda_runtime` has the same with filters that are regular expressions, which no function needs
//! and which take 0.3 MB of each binary.

use std::{env, str::FromStr as _};

use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    fmt,
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

/// Logs the events of this process from now on.
///
/// Lambda's own variables say which and how: `AWS_LAMBDA_LOG_LEVEL` is the least severe level (INFO
/// if it is not set), and lines are JSON if `AWS_LAMBDA_LOG_FORMAT` is `JSON`. `RUST_LOG` overrides
/// the level, also by target: `warn,chat_aws=debug`. It has no filters by span or field.
///
/// # Panics
/// Panics if the process logs already.
pub fn start() {
    let filter = filter(
        variable("RUST_LOG").as_deref(),
        variable("AWS_LAMBDA_LOG_LEVEL").as_deref(),
    );
    let lines = fmt::layer().with_target(false).without_time();
    let events = tracing_subscriber::registry().with(filter);
    match variable("AWS_LAMBDA_LOG_FORMAT") {
        Some(format) if format.eq_ignore_ascii_case("json") => events.with(lines.json()).init(),
        _ => events.with(lines).init(),
    }
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// An unreadable value counts as missing: it must not keep a function from its work.
fn filter(directives: Option<&str>, level: Option<&str>) -> Targets {
    if let Some(Ok(targets)) = directives.map(Targets::from_str) {
        return targets;
    }
    let level = level.and_then(|level| LevelFilter::from_str(level).ok());
    Targets::new().with_default(level.unwrap_or(LevelFilter::INFO))
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn the_variables_choose_the_level() {
        for (directives, level, logged, silent) in [
            (None, None, Level::INFO, Level::DEBUG),
            (None, Some("WARN"), Level::WARN, Level::INFO),
            (None, Some("debug"), Level::DEBUG, Level::TRACE),
            (None, Some("FATAL?"), Level::INFO, Level::DEBUG),
            (Some("debug"), Some("WARN"), Level::DEBUG, Level::TRACE),
            (
                Some("no=such=filter"),
                Some("WARN"),
                Level::WARN,
                Level::INFO,
            ),
        ] {
            let filter = filter(directives, level);
            assert!(
                filter.would_enable("chat", &logged),
                "{directives:?} {level:?}"
            );
            assert!(
                !filter.would_enable("chat", &silent),
                "{directives:?} {level:?}"
            );
        }
    }

    #[test]
    fn directives_choose_the_level_of_a_target() {
        let filter = filter(Some("warn,chat_aws=debug"), Some("INFO"));
        assert!(filter.would_enable("chat_aws::dynamo", &Level::DEBUG));
        assert!(!filter.would_enable("chat", &Level::INFO));
    }
}
