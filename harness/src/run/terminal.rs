//! What the harness prints for the developer, apart from its log.

use std::{
    fmt,
    io::{self, Write},
};

use crate::{dynamodb::Choice, options::Options, stack::Stack};

/// Prints one paragraph. A closed terminal is not an error.
pub(super) fn say(text: impl fmt::Display) {
    let _ = writeln!(io::stdout(), "{text}");
}

/// How many functions, routes, tables, queues and buckets a template has.
pub(super) struct Summary<'a>(pub &'a Stack);

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
        let stack = self.0;
        f.write_str(&count(stack.functions.len(), "function"))?;
        if let Some(api) = &stack.websocket_api {
            write!(f, ", {}", count(api.routes.len(), "WebSocket route"))?;
        }
        if !stack.http_apis.is_empty() {
            let routes = stack.http_apis.iter().map(|api| api.routes.len()).sum();
            write!(f, ", {}", count(routes, "HTTP route"))?;
        }
        write!(f, ", {}", count(stack.tables.len(), "table"))?;
        if !stack.queues.is_empty() {
            write!(f, ", {}", count(stack.queues.len(), "queue"))?;
        }
        if !stack.buckets.is_empty() {
            write!(f, ", {}", count(stack.buckets.len(), "bucket"))?;
        }
        Ok(())
    }
}

/// Where the items of the tables are stored, and whether they remain after the program's end.
pub(super) struct Storage<'a>(pub &'a Options);

impl fmt::Display for Storage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.0.dynamodb, &self.0.data) {
            (Choice::Url(url), _) => write!(f, "DynamoDB runs at {url}."),
            (_, Some(folder)) => write!(f, "DynamoDB keeps its items in {}.", folder.display()),
            (_, None) => f.write_str(
                "DynamoDB keeps its items in memory until this program ends; --data DIR keeps them \
                 in a folder.",
            ),
        }
    }
}
