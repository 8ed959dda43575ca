//! What a function may do to other services: the statements of its `Policies`, or of its role.

use serde_json::Value;

use super::{
    known_policies,
    problem::{Place, Problem, Problems},
    properties::Properties,
    resource::{Kind, Resource},
    scope::Scope,
    yaml::{Content, Node},
};
use crate::iam::Statement;

/// The policies and roles of a template.
pub(super) struct Policies<'a> {
    pub(super) resources: &'a [Resource],
    pub(super) scope: &'a Scope,
}

impl Policies<'_> {
    /// Returns the statements of a function: those of `Role`, or else those of `Policies`, since
    /// SAM adds no policies to a role that it does not create.
    pub(super) fn of_function(
        &self,
        properties: &mut Properties<'_>,
        problems: &mut Problems,
    ) -> Option<Vec<Statement>> {
        let role = properties.optional("Role");
        match problems.keep(role)? {
            Some(role) => {
                properties.without_effect(&["Policies"]);
                self.of_role(&role, problems)
            }
            None => self.of_list(properties, "Policies", problems),
        }
    }

    /// Returns the statements of the role with this ARN.
    fn of_role(&self, arn: &Node, problems: &mut Problems) -> Option<Vec<Statement>> {
        let named = problems.keep(arn.text())?;
        let role = self
            .resources
            .iter()
            .find(|it| it.kind == Kind::Role && self.attribute(it, "Arn") == Some(named));
        let Some(role) = role else {
            problems.add(arn.expected(
                "the ARN of an AWS::IAM::Role of this template, since the permissions of another \
                 role are not known",
            ));
            return None;
        };
        let id = role.logical_id.as_str();
        let properties = Properties::resolving(id, &role.properties, self.scope);
        let mut properties = problems.keep(properties)?;
        let managed = self.of_list(&mut properties, "ManagedPolicyArns", problems);
        let own = self.of_inline(&mut properties, problems);
        properties.without_effect(&[
            "AssumeRolePolicyDocument",
            "Description",
            "MaxSessionDuration",
            "Path",
            "RoleName",
            "Tags",
        ]);
        properties.finish(problems);
        let attached = self.attached_to(role, problems);
        Some([managed?, own?, attached?].concat())
    }

    /// Returns the statements of the policies that name the role.
    fn attached_to(&self, role: &Resource, problems: &mut Problems) -> Option<Vec<Statement>> {
        let name = self.scope.references.get(&role.logical_id)?.id.as_str();
        let mut statements = Vec::new();
        for policy in self.resources {
            if !matches!(policy.kind, Kind::RolePolicy | Kind::ManagedPolicy) {
                continue;
            }
            let id = policy.logical_id.as_str();
            let properties = Properties::resolving(id, &policy.properties, self.scope);
            let mut properties = problems.keep(properties)?;
            let roles = properties
                .optional("Roles")
                .and_then(|roles| texts(roles.as_ref()));
            let role = properties
                .optional("RoleName")
                .and_then(|role| texts(role.as_ref()));
            let names = [problems.keep(roles)?, problems.keep(role)?].concat();
            if names.iter().any(|it| it == name) {
                let document = properties.required("PolicyDocument");
                let document = problems.keep(document)?;
                statements.extend(self.document(&document, problems)?);
            }
        }
        Some(statements)
    }

    /// Returns the statements of the inline policies of a role.
    fn of_inline(
        &self,
        properties: &mut Properties<'_>,
        problems: &mut Problems,
    ) -> Option<Vec<Statement>> {
        let mut all = Some(Vec::new());
        for policy in properties.items("Policies") {
            let document = problems.keep(policy).and_then(|policy| {
                let document = policy.get("PolicyDocument");
                let document = document.ok_or_else(|| policy.expected("a PolicyDocument"));
                let document = problems.keep(document.cloned())?;
                self.document(&document, problems)
            });
            all = joined(all, document);
        }
        all
    }

    /// Returns the statements of a property that is one policy or a list of them.
    fn of_list(
        &self,
        properties: &mut Properties<'_>,
        name: &str,
        problems: &mut Problems,
    ) -> Option<Vec<Statement>> {
        let mut all = Some(Vec::new());
        for policy in properties.items(name) {
            let policy = problems.keep(policy);
            let statements = policy.and_then(|policy| self.policy(&policy, problems));
            all = joined(all, statements);
        }
        all
    }

    fn policy(&self, policy: &Node, problems: &mut Problems) -> Option<Vec<Statement>> {
        if policy.get("Statement").is_some() {
            return self.document(policy, problems);
        }
        let known = match &policy.content {
            Content::Scalar { text, .. } => {
                if let Some(own) = self.own_managed(text) {
                    let document = own.properties.get("PolicyDocument")?;
                    let document = problems.keep(self.scope.present(document))?;
                    return self.document(&document, problems);
                }
                Ok(known_policies::managed(text).map(<[Value]>::to_vec))
            }
            Content::Map(entries) => match entries.as_slice() {
                [only] => known_policies::template(only),
                _ => Ok(None),
            },
            _ => Ok(None),
        };
        let Some(known) = problems.keep(known)? else {
            problems.add(policy.expected(
                "a policy with statements (Statement: …), a policy template of SAM, or a managed \
                 policy whose statements the harness knows (harness/FIDELITY.md lists them)",
            ));
            return None;
        };
        let known = known.into_iter();
        known
            .map(|value| problems.keep(statement(value, policy.at)))
            .collect()
    }

    /// Returns the managed policy of the template with this ARN.
    fn own_managed(&self, arn: &str) -> Option<&Resource> {
        self.resources.iter().find(|it| {
            it.kind == Kind::ManagedPolicy && self.attribute(it, "PolicyArn") == Some(arn)
        })
    }

    fn attribute(&self, resource: &Resource, name: &str) -> Option<&str> {
        let reference = self.scope.references.get(&resource.logical_id)?;
        reference.attributes.get(name).map(String::as_str)
    }

    /// Returns the statements of a policy document.
    fn document(&self, document: &Node, problems: &mut Problems) -> Option<Vec<Statement>> {
        let Some(listed) = document.get("Statement") else {
            problems.add(document.expected("a policy with statements (Statement: …)"));
            return None;
        };
        let mut all = Some(Vec::new());
        for node in listed.items() {
            let read = problems.keep(written(node));
            all = joined(all, read.map(|statement| vec![statement]));
        }
        all
    }
}

/// Reads a statement of the template.
fn written(node: &Node) -> Result<Statement, Problem> {
    for key in ["Effect", "Action", "Resource"] {
        if node.get(key).is_none() {
            return Err(node.expected(&format!("a statement with {key}")));
        }
    }
    let known = ["Sid", "Effect", "Action", "Resource"];
    let unknown = node
        .entries()?
        .iter()
        .find(|entry| !known.contains(&entry.key.as_str()));
    let at = unknown.map_or(node.at, |entry| entry.at);
    statement(node.json()?, at)
}

fn statement(value: Value, at: Place) -> Result<Statement, Problem> {
    Statement::of_role(value).map_err(|unsupported| Problem::at(at, unsupported.to_string()))
}

fn texts(node: Option<&Node>) -> Result<Vec<String>, Problem> {
    node.map_or(Ok(Vec::new()), Node::texts)
}

/// Returns all statements, or `None` if one of the lists has a problem.
fn joined(all: Option<Vec<Statement>>, more: Option<Vec<Statement>>) -> Option<Vec<Statement>> {
    Some([all?, more?].concat())
}
