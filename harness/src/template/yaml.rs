//! A YAML document as a tree. Every node has its place. CloudFormation's intrinsic functions are
//! nodes of their own, in the short form (`!Ref X`, `!Sub …`) and in the long one (`Ref: X`,
//! `Fn::Sub: …`).

use std::collections::BTreeSet;

use granit_parser::{Event, Parser, ScalarStyle, Span, StrInput, Tag};
use serde_json::{Map, Value};

use super::problem::{Place, Problem};

/// One value of the document.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    pub(super) at: Place,
    pub(super) content: Content,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Content {
    /// `plain` means without quotes: only plain text can be a number, a boolean or null.
    Scalar {
        text: String,
        plain: bool,
    },
    List(Vec<Node>),
    /// In the order of the document, without duplicates.
    Map(Vec<Entry>),
    /// `name` is `Ref`, `Sub`, `GetAtt`, …, without `!` and `Fn::`.
    Intrinsic {
        name: String,
        argument: Box<Node>,
    },
}

/// One line of a mapping.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) at: Place,
    pub(super) key: String,
    pub(super) value: Node,
}

/// Reads a document. The parser limits the depth of the tree, so that recursion over it is safe.
pub(super) fn parse(text: &str) -> Result<Node, Problem> {
    let mut builder = Builder {
        parser: Parser::new_from_str(text),
    };
    loop {
        match builder.next()? {
            (Event::StreamStart | Event::DocumentStart(..), _) => {}
            (Event::StreamEnd | Event::DocumentEnd, span) => {
                return Err(Problem::at(place(span), "the template is empty"));
            }
            (event, span) => return builder.node(event, span),
        }
    }
}

impl Node {
    /// A text that counts as quoted. Intrinsic functions evaluate to such texts.
    pub(super) fn text_at(at: Place, text: impl Into<String>) -> Self {
        Self {
            at,
            content: Content::Scalar {
                text: text.into(),
                plain: false,
            },
        }
    }

    pub(super) fn text(&self) -> Result<&str, Problem> {
        match &self.content {
            Content::Scalar { text, .. } => Ok(text),
            _ => Err(self.expected("a text")),
        }
    }

    pub(super) fn list(&self) -> Result<&[Node], Problem> {
        match &self.content {
            Content::List(items) => Ok(items),
            _ => Err(self.expected("a list")),
        }
    }

    pub(super) fn entries(&self) -> Result<&[Entry], Problem> {
        match &self.content {
            Content::Map(entries) => Ok(entries),
            _ => Err(self.expected("a mapping")),
        }
    }

    /// Returns the value under `key`, or `None` if this is not a mapping.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.entries()
            .ok()?
            .iter()
            .find(|entry| entry.key == key)
            .map(|entry| &entry.value)
    }

    /// Whether the value is empty (`Key:`), `~` or `null`.
    pub(super) fn is_null(&self) -> bool {
        matches!(&self.content, Content::Scalar { text, plain: true } if is_null(text))
    }

    /// Returns the items of a list. Any other value counts as a list of one.
    pub(super) fn items(&self) -> &[Node] {
        match &self.content {
            Content::List(items) => items,
            _ => std::slice::from_ref(self),
        }
    }

    /// Fails if the text is not one of `accepted`. All spellings of a boolean count as the same.
    pub(super) fn one_of(&self, accepted: &[&str]) -> Result<(), Problem> {
        let text = match self.text()? {
            "True" | "TRUE" => "true",
            "False" | "FALSE" => "false",
            text => text,
        };
        if accepted.contains(&text) {
            Ok(())
        } else {
            Err(self.expected(&accepted.join(" or ")))
        }
    }

    pub(super) fn truth(&self) -> Result<bool, Problem> {
        match self.text()? {
            "true" | "True" | "TRUE" => Ok(true),
            "false" | "False" | "FALSE" => Ok(false),
            _ => Err(self.expected("true or false")),
        }
    }

    /// Returns a whole number from `least` to `most`, both included.
    pub(super) fn whole_number(&self, least: u64, most: u64) -> Result<u64, Problem> {
        match self.text()?.parse() {
            Ok(number) if (least..=most).contains(&number) => Ok(number),
            _ => Err(self.expected(&format!("a whole number from {least} to {most}"))),
        }
    }

    /// Returns a list of texts. A single text counts as a list of one.
    pub(super) fn texts(&self) -> Result<Vec<String>, Problem> {
        match &self.content {
            Content::Scalar { text, .. } => Ok(vec![text.clone()]),
            _ => self
                .list()?
                .iter()
                .map(|item| item.text().map(str::to_owned))
                .collect(),
        }
    }

    /// Converts to JSON. Numbers and booleans are those without quotes.
    pub(super) fn json(&self) -> Result<Value, Problem> {
        Ok(match &self.content {
            Content::Scalar { text, plain: true } => plain_json(text),
            Content::Scalar { text, plain: false } => Value::String(text.clone()),
            Content::List(items) => {
                Value::Array(items.iter().map(Node::json).collect::<Result<_, _>>()?)
            }
            Content::Map(entries) => Value::Object(
                entries
                    .iter()
                    .map(|entry| Ok((entry.key.clone(), entry.value.json()?)))
                    .collect::<Result<Map<_, _>, Problem>>()?,
            ),
            Content::Intrinsic { .. } => return Err(self.expected("a plain value")),
        })
    }

    /// Returns the problem that `what` is expected here.
    pub(super) fn expected(&self, what: &str) -> Problem {
        let found = match &self.content {
            Content::Scalar { text, .. } if text.is_empty() => "nothing".to_owned(),
            // An evaluated value may be a secret from a parameter, so it is not shown.
            Content::Scalar { text, plain: true } => format!("`{text}`"),
            Content::Scalar { plain: false, .. } => "another text".to_owned(),
            Content::List(_) => "a list".to_owned(),
            Content::Map(_) => "a mapping".to_owned(),
            Content::Intrinsic { name, .. } => format!("the intrinsic function {name}"),
        };
        Problem::at(self.at, format!("expected {what}, found {found}"))
    }
}

fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

fn plain_json(text: &str) -> Value {
    match text {
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ if is_null(text) => Value::Null,
        _ => text
            .parse::<i64>()
            .map(Value::from)
            .unwrap_or_else(|_| Value::String(text.to_owned())),
    }
}

/// Returns the place of a node, which begins with its tag.
fn place(span: Span) -> Place {
    let start = span.tag_start().unwrap_or(span.start);
    Place {
        line: start.line(),
        column: start.col() + 1,
    }
}

struct Builder<'a> {
    parser: Parser<'a, StrInput<'a>>,
}

impl<'a> Builder<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), Problem> {
        match self.parser.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => Err(Problem::at(
                Place {
                    line: error.marker().line(),
                    column: error.marker().col() + 1,
                },
                format!("this is not YAML: {}", error.info()),
            )),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    /// Reads the node that begins with `event`.
    fn node(&mut self, event: Event<'a>, span: Span) -> Result<Node, Problem> {
        let at = place(span);
        let (content, tag) = match event {
            Event::Scalar(text, style, _, tag) => (
                Content::Scalar {
                    text: text.into_owned(),
                    plain: style == ScalarStyle::Plain,
                },
                tag,
            ),
            Event::SequenceStart(.., tag) => (Content::List(self.items()?), tag),
            Event::MappingStart(.., tag) => (self.mapping()?, tag),
            Event::Alias(_) => {
                return Err(Problem::at(
                    at,
                    "CloudFormation does not support YAML aliases: repeat the value",
                ));
            }
            other => {
                return Err(Problem::at(
                    at,
                    format!("expected a value, found {other:?}"),
                ));
            }
        };
        let node = Node { at, content };
        match tag {
            Some(tag) => tagged(node, &tag),
            None => Ok(node),
        }
    }

    fn items(&mut self) -> Result<Vec<Node>, Problem> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(items),
                (event, span) => items.push(self.node(event, span)?),
            }
        }
    }

    fn mapping(&mut self) -> Result<Content, Problem> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut names = BTreeSet::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                return Ok(long_form(entries));
            }
            let key = self.node(event, span)?;
            let name = key.text()?.to_owned();
            if !names.insert(name.clone()) {
                return Err(Problem::at(
                    key.at,
                    format!("`{name}` is in this mapping twice: remove one"),
                ));
            }
            let (event, span) = self.next()?;
            let value = self.node(event, span)?;
            entries.push(Entry {
                at: key.at,
                key: name,
                value,
            });
        }
    }
}

/// Turns `{"Ref": …}` and `{"Fn::Name": …}` into intrinsic functions.
fn long_form(mut entries: Vec<Entry>) -> Content {
    let alone = entries.len() == 1;
    match entries.pop_if(|entry| alone && (entry.key == "Ref" || entry.key.starts_with("Fn::"))) {
        Some(Entry { key, value, .. }) => Content::Intrinsic {
            name: key.strip_prefix("Fn::").unwrap_or(&key).to_owned(),
            argument: Box::new(value),
        },
        None => Content::Map(entries),
    }
}

fn tagged(node: Node, tag: &Tag) -> Result<Node, Problem> {
    match tag.parts() {
        ("!", name) => Ok(Node {
            at: node.at,
            content: Content::Intrinsic {
                name: name.to_owned(),
                argument: Box::new(node),
            },
        }),
        ("tag:yaml.org,2002:", "str") => Ok(Node::text_at(node.at, node.text()?)),
        _ => Err(Problem::at(
            node.at,
            format!(
                "the harness does not support the YAML tag {}{}",
                tag.handle(),
                tag.suffix()
            ),
        )),
    }
}
