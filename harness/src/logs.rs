//! Log lines of the harness and the functions on standard error: time, source, level, message,
//! fields. JSON lines of `tracing`, which `lambda_runtime` writes, are parsed; other lines are
//! shown unchanged.

use std::{
    fmt::{self, Write as _},
    io::{IsTerminal, Write as _},
    sync::LazyLock,
};

use serde_json::{Map, Value};
use time::{OffsetDateTime, UtcDateTime, macros::format_description};
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    Layer,
    filter::{LevelFilter, Targets},
    layer::{Context, SubscriberExt},
    registry::LookupSpan,
    util::{SubscriberInitExt, TryInitError},
};

/// The name of the harness in the source column.
const SELF: &str = "harness";
/// The span around every invocation of `lambda_runtime`. It only repeats the request id, so it is
/// not shown.
const RUNTIME_SPAN: &str = "Lambda runtime invoke";

static COLOURED: LazyLock<bool> =
    LazyLock::new(|| std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none());

/// Installs the subscriber that prints the harness's own events. `RUST_LOG` filters them; the
/// default level is info.
///
/// # Errors
/// Fails if this process has a subscriber already.
pub fn install() -> Result<(), TryInitError> {
    let filter = std::env::var("RUST_LOG").unwrap_or_default();
    let filter = match filter.parse::<Targets>() {
        Ok(targets) if !filter.is_empty() => targets,
        _ => default_filter(),
    };
    tracing_subscriber::registry()
        .with(Own.with_filter(filter))
        .try_init()
}

/// The filter unless `RUST_LOG` is set. The embedded engine warns about every failed condition; the
/// function that made the call gets the same error, so the warning adds nothing.
fn default_filter() -> Targets {
    Targets::new()
        .with_default(LevelFilter::WARN)
        .with_target("dynoxide", LevelFilter::ERROR)
        .with_target(SELF, LevelFilter::INFO)
}

/// Prints one line written by a process of `function`, without its line feed. Returns the level, which
/// is empty for plain text, and the message. An empty line has neither.
pub fn function_line(function: &str, line: &str) -> Option<(String, String)> {
    if line.is_empty() {
        return None;
    }
    let line = Line::parse(function, line);
    print(&line);
    Some((line.level, line.message))
}

/// One line as it is shown.
#[derive(Debug, Default, PartialEq)]
struct Line<'a> {
    source: &'a str,
    /// Empty for lines of plain text.
    level: String,
    message: String,
    fields: Vec<(String, String)>,
}

impl<'a> Line<'a> {
    fn parse(source: &'a str, line: &str) -> Self {
        serde_json::from_str(line)
            .ok()
            .and_then(|object| Self::from_tracing(source, object))
            .unwrap_or_else(|| Self {
                source,
                message: line.to_owned(),
                ..Self::default()
            })
    }

    /// Parses `{"level", "fields": {"message", …}, "spans": [{"name", …}, …]}`. Other runtimes have
    /// `message` at the top level. Returns `None` for other JSON.
    fn from_tracing(source: &'a str, mut object: Map<String, Value>) -> Option<Self> {
        let level = text(object.remove("level")?);
        let mut fields = match object.remove("fields") {
            Some(Value::Object(fields)) => fields,
            _ => Map::new(),
        };
        let message = fields
            .remove("message")
            .or_else(|| object.remove("message"))
            .map(text)
            .unwrap_or_default();
        let mut fields: Vec<_> = fields.into_iter().collect();
        if let Some(Value::Array(spans)) = object.remove("spans") {
            for span in spans {
                if let Value::Object(mut span) = span
                    && span.remove("name").is_none_or(|name| name != RUNTIME_SPAN)
                {
                    fields.extend(span);
                }
            }
        }
        Some(Self {
            source,
            level,
            message,
            fields: fields
                .into_iter()
                .map(|(name, value)| (name, text(value)))
                .collect(),
        })
    }

    fn render(&self, time: &str, coloured: bool) -> String {
        let paint = |text: String, colour: u8| match coloured {
            true => format!("\x1b[{colour}m{text}\x1b[0m"),
            false => text,
        };
        let mut line = paint(time.to_owned(), DIM);
        let source = paint(format!("{:<14}", self.source), source_colour(self.source));
        let level = paint(format!("{:<5}", self.level), level_colour(&self.level));
        // Writing to a string cannot fail.
        let _ = write!(line, " {source} {level} {}", Printable(&self.message));
        for (name, value) in &self.fields {
            let name = paint(format!("{}=", Printable(name)), DIM);
            let _ = write!(line, " {name}{}", Printable(value));
        }
        line.push('\n');
        line
    }
}

/// Escapes control characters. Functions may log text from clients, and a chat message must not
/// colour the terminal or forge a line.
struct Printable<'a>(&'a str);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '\t' => formatter.write_char('\t')?,
                control if control.is_control() => {
                    write!(formatter, "{}", control.escape_default())?
                }
                other => formatter.write_char(other)?,
            }
        }
        Ok(())
    }
}

const DIM: u8 = 2;

fn level_colour(level: &str) -> u8 {
    match level {
        "ERROR" => 31,
        "WARN" => 33,
        "INFO" => 32,
        "DEBUG" => 34,
        _ => 35,
    }
}

/// Returns the colour of a function, the same in every run.
fn source_colour(source: &str) -> u8 {
    const COLOURS: [u8; 6] = [36, 35, 34, 96, 95, 94];
    let sum = source.bytes().map(usize::from).sum::<usize>();
    COLOURS.get(sum % COLOURS.len()).copied().unwrap_or(DIM)
}

fn text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

fn print(line: &Line<'_>) {
    let time = OffsetDateTime::from(UtcDateTime::now())
        .format(format_description!(
            "[hour]:[minute]:[second].[subsecond digits:3]"
        ))
        .unwrap_or_default();
    // One write per line keeps lines whole. If standard error is closed, there is nowhere to report
    // it.
    let _ = std::io::stderr()
        .lock()
        .write_all(line.render(&time, *COLOURED).as_bytes());
}

/// Prints the harness's own events in the same format.
struct Own;

impl<S: Subscriber + for<'span> LookupSpan<'span>> Layer<S> for Own {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = Line {
            source: SELF,
            level: level_name(*event.metadata().level()),
            ..Line::default()
        };
        event.record(&mut Fields(&mut line));
        print(&line);
    }
}

fn level_name(level: Level) -> String {
    level.as_str().to_owned()
}

struct Fields<'a, 'line>(&'a mut Line<'line>);

impl Visit for Fields<'_, '_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => self.0.message = value.to_owned(),
            name => self.0.fields.push((name.to_owned(), value.to_owned())),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, shown: &str) {
        let rendered = Line::parse("send", line).render("12:00:00.000", false);
        assert_eq!(rendered, format!("12:00:00.000 send           {shown}\n"));
    }

    #[test]
    fn tracing_lines_are_parsed() {
        check(
            r#"{"level":"INFO","fields":{"message":"stored","seq":7},"spans":[{"requestId":"r","name":"Lambda runtime invoke"},{"route":"sendMessage","name":"route"}]}"#,
            "INFO  stored seq=7 route=sendMessage",
        );
        check(
            r#"{"level":"WARN","message":"from Python"}"#,
            "WARN  from Python",
        );
    }

    #[test]
    fn other_lines_are_shown_unchanged() {
        check("plain text", "      plain text");
        check(r#"{"no":"level"}"#, r#"      {"no":"level"}"#);
        check("7", "      7");
    }

    #[test]
    fn control_characters_are_escaped() {
        check("a\x1b[31m\rb\tc", "      a\\u{1b}[31m\\rb\tc");
        check(
            r#"{"level":"INFO","fields":{"message":"x\nforged"}}"#,
            "INFO  x\\nforged",
        );
    }
}
