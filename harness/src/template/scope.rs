//! Evaluates intrinsic functions from the values that are known at the start: parameters,
//! conditions and the names of resources.

use std::collections::BTreeMap;

use super::{
    dynamic_references::DynamicValues,
    problem::{Place, Problem},
    yaml::{Content, Entry, Node},
};
use crate::stack::{ACCOUNT, REGION};

/// The longest text that `Sub` may make, in bytes. Texts of texts grow exponentially.
const LONGEST_TEXT: usize = 64 * 1024;
/// The name of the local stack.
pub(super) const STACK: &str = "local";

/// The value of `Ref` for a parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Given {
    Text(String),
    /// The items of a `CommaDelimitedList` or a `List<Number>`.
    List(Vec<String>),
    /// The parameter has a problem.
    Broken,
}

impl Given {
    /// Splits a text at its commas.
    pub(super) fn list(text: &str) -> Self {
        Given::List(text.split(',').map(|item| item.trim().to_owned()).collect())
    }

    pub(super) fn texts(&self) -> &[String] {
        match self {
            Given::Text(text) => std::slice::from_ref(text),
            Given::List(items) => items,
            Given::Broken => &[],
        }
    }
}

/// The values of `Ref` and `GetAtt` for one logical id.
#[derive(Clone, Debug, Default)]
pub(super) struct Reference {
    pub(super) id: String,
    pub(super) attributes: BTreeMap<&'static str, String>,
    /// Whether the resource has a problem. Then everything that refers to it follows from that.
    pub(super) is_broken: bool,
}

impl Reference {
    pub(super) fn broken() -> Self {
        Self {
            is_broken: true,
            ..Self::default()
        }
    }
}

/// Everything that a value of the template may refer to.
#[derive(Debug, Default)]
pub(super) struct Scope {
    pub(super) parameters: BTreeMap<String, Given>,
    /// `None` for a condition with a problem.
    pub(super) conditions: BTreeMap<String, Option<bool>>,
    pub(super) references: BTreeMap<String, Reference>,
    pub(super) dynamic_values: DynamicValues,
    /// The URL of the local SQS, without a slash at its end.
    pub(super) sqs_endpoint: String,
}

impl Scope {
    /// Returns the tree with all intrinsic functions evaluated and dynamic references replaced. Returns `None` for `AWS::NoValue`,
    /// which removes its property or item.
    pub(super) fn resolve(&self, node: &Node) -> Result<Option<Node>, Problem> {
        let content = match &node.content {
            Content::Scalar { .. } => return self.dynamic_values.fill(node.clone()).map(Some),
            Content::List(items) => Content::List(
                items
                    .iter()
                    .filter_map(|item| self.resolve(item).transpose())
                    .collect::<Result<_, _>>()?,
            ),
            Content::Map(entries) => {
                let mut resolved = Vec::new();
                for Entry { at, key, value } in entries {
                    if let Some(value) = self.resolve(value)? {
                        resolved.push(Entry {
                            at: *at,
                            key: key.clone(),
                            value,
                        });
                    }
                }
                Content::Map(resolved)
            }
            Content::Intrinsic { name, argument } => {
                let evaluated = self.evaluate(node.at, name, argument)?;
                let filled = evaluated.map(|node| self.dynamic_values.fill(node));
                return filled.transpose();
            }
        };
        Ok(Some(Node {
            at: node.at,
            content,
        }))
    }

    /// Evaluates a node that must have a value.
    pub(super) fn present(&self, node: &Node) -> Result<Node, Problem> {
        self.resolve(node)?.ok_or_else(|| {
            Problem::at(
                node.at,
                "a value is required here, and AWS::NoValue removes it",
            )
        })
    }

    fn evaluate(&self, at: Place, name: &str, argument: &Node) -> Result<Option<Node>, Problem> {
        let text = match name {
            "Ref" => return self.reference(at, argument.text()?),
            "If" => return self.choice(argument),
            "Select" => return self.selection(argument).map(Some),
            "Split" => return self.split(at, argument).map(Some),
            "GetAtt" => self.attribute(at, argument)?,
            "Sub" => self.substitution(argument)?,
            "Join" => self.join(argument)?,
            other => {
                return Err(Problem::at(
                    at,
                    format!(
                        "the harness does not support the intrinsic function {other} here: use a parameter instead"
                    ),
                ));
            }
        };
        Ok(Some(Node::text_at(at, text)))
    }

    fn reference(&self, at: Place, name: &str) -> Result<Option<Node>, Problem> {
        let node = match name {
            "AWS::NoValue" => return Ok(None),
            "AWS::NotificationARNs" => Node {
                at,
                content: Content::List(Vec::new()),
            },
            _ => match self.parameters.get(name) {
                Some(Given::List(items)) => Node {
                    at,
                    content: Content::List(
                        items.iter().map(|item| Node::text_at(at, item)).collect(),
                    ),
                },
                _ => Node::text_at(at, self.name(at, name)?),
            },
        };
        Ok(Some(node))
    }

    /// Returns the value of `Ref` where a text is required.
    fn name(&self, at: Place, name: &str) -> Result<String, Problem> {
        Ok(match name {
            "AWS::Region" => REGION.to_owned(),
            "AWS::AccountId" => ACCOUNT.to_owned(),
            "AWS::Partition" => "aws".to_owned(),
            "AWS::URLSuffix" => "amazonaws.com".to_owned(),
            "AWS::StackName" => STACK.to_owned(),
            "AWS::StackId" => {
                format!(
                    "arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{STACK}/00000000-0000-0000-0000-000000000000"
                )
            }
            _ => match (self.parameters.get(name), self.references.get(name)) {
                (Some(Given::Text(text)), _) => text.clone(),
                (Some(Given::Broken), _) => return Err(Problem::consequence()),
                (Some(Given::List(_)), _) => {
                    return Err(Problem::at(
                        at,
                        format!(
                            "{name} is a list, but a text is required here: use !Join [\",\", !Ref {name}]"
                        ),
                    ));
                }
                (None, Some(reference)) if reference.is_broken => {
                    return Err(Problem::consequence());
                }
                (None, Some(reference)) => reference.id.clone(),
                (None, None) => {
                    return Err(Problem::at(
                        at,
                        format!(
                            "the template has no parameter {name}, and no resource {name} whose condition is true"
                        ),
                    ));
                }
            },
        })
    }

    fn attribute(&self, at: Place, argument: &Node) -> Result<String, Problem> {
        match &argument.content {
            Content::List(parts) => {
                let [resource, attribute] = parts.as_slice() else {
                    return Err(argument.expected("a logical id and an attribute"));
                };
                self.attribute_of(at, resource.text()?, self.present(attribute)?.text()?)
            }
            _ => match argument.text()?.split_once('.') {
                Some((resource, attribute)) => self.attribute_of(at, resource, attribute),
                None => Err(argument.expected("LogicalId.Attribute")),
            },
        }
    }

    fn attribute_of(&self, at: Place, resource: &str, attribute: &str) -> Result<String, Problem> {
        let Some(reference) = self.references.get(resource) else {
            return Err(Problem::at(
                at,
                format!("the template has no resource {resource} whose condition is true"),
            ));
        };
        if reference.is_broken {
            return Err(Problem::consequence());
        }
        reference.attributes.get(attribute).cloned().ok_or_else(|| {
            Problem::at(
                at,
                format!("the harness does not support the attribute {attribute} of {resource}: use a parameter instead"),
            )
        })
    }

    fn choice(&self, argument: &Node) -> Result<Option<Node>, Problem> {
        let [condition, yes, no] = argument.list()? else {
            return Err(argument.expected("a condition's name and two values"));
        };
        if self.holds(condition)? {
            self.resolve(yes)
        } else {
            self.resolve(no)
        }
    }

    /// Returns whether the condition with this name is true.
    pub(super) fn holds(&self, condition: &Node) -> Result<bool, Problem> {
        match self.conditions.get(condition.text()?) {
            Some(known) => known.ok_or_else(Problem::consequence),
            None => Err(Problem::at(
                condition.at,
                format!("the template has no condition {}", condition.text()?),
            )),
        }
    }

    fn selection(&self, argument: &Node) -> Result<Node, Problem> {
        let [index, items] = argument.list()? else {
            return Err(argument.expected("an index and a list"));
        };
        let index = self.present(index)?;
        let items = self.present(items)?;
        let number = index.whole_number(0, u64::from(u16::MAX))?;
        items
            .list()?
            .get(usize::try_from(number).unwrap_or(usize::MAX))
            .cloned()
            .ok_or_else(|| {
                Problem::at(
                    index.at,
                    format!("the list has no item {number}: the first one is 0"),
                )
            })
    }

    fn split(&self, at: Place, argument: &Node) -> Result<Node, Problem> {
        let [delimiter, text] = argument.list()? else {
            return Err(argument.expected("a delimiter and a text"));
        };
        let text = self.present(text)?;
        Ok(Node {
            at,
            content: Content::List(
                text.text()?
                    .split(delimiter.text()?)
                    .map(|part| Node::text_at(at, part))
                    .collect(),
            ),
        })
    }

    fn join(&self, argument: &Node) -> Result<String, Problem> {
        let [delimiter, items] = argument.list()? else {
            return Err(argument.expected("a delimiter and a list"));
        };
        let items = self.present(items)?;
        let texts = items
            .list()?
            .iter()
            .map(Node::text)
            .collect::<Result<Vec<_>, _>>()?;
        Ok(texts.join(delimiter.text()?))
    }

    /// Evaluates `${Name}`, `${Resource.Attribute}`, `${Own}` (in the form with a mapping) and
    /// `${!literal}`.
    fn substitution(&self, argument: &Node) -> Result<String, Problem> {
        let (template, own) = match &argument.content {
            Content::List(parts) => match parts.as_slice() {
                [template, own] => (template, own.entries()?),
                _ => return Err(argument.expected("a text and a mapping")),
            },
            _ => (argument, [].as_slice()),
        };
        let at = template.at;
        let mut rest = template.text()?;
        let mut result = String::new();
        let own: BTreeMap<_, _> = own
            .iter()
            .map(|entry| (entry.key.as_str(), entry))
            .collect();
        // Evaluated once each, however often the text names them.
        let mut values: BTreeMap<&str, Node> = BTreeMap::new();
        while let Some((before, after)) = rest.split_once("${") {
            let Some((variable, after)) = after.split_once('}') else {
                return Err(Problem::at(at, "`${` has no closing brace"));
            };
            result.push_str(before);
            let variable = variable.trim();
            if let Some(literal) = variable.strip_prefix('!') {
                result.push_str(&format!("${{{literal}}}"));
            } else if let Some(value) = values.get(variable) {
                result.push_str(value.text()?);
            } else if let Some(entry) = own.get(variable) {
                let value = self.present(&entry.value)?;
                result.push_str(value.text()?);
                values.insert(variable, value);
            } else if let Some((resource, attribute)) = variable.split_once('.') {
                result.push_str(&self.attribute_of(at, resource, attribute)?);
            } else {
                result.push_str(&self.name(at, variable)?);
            }
            if result.len() > LONGEST_TEXT {
                return Err(Problem::at(
                    at,
                    format!(
                        "the text has more than {LONGEST_TEXT} bytes with its values: shorten it"
                    ),
                ));
            }
            rest = after;
        }
        result.push_str(rest);
        Ok(result)
    }
}
