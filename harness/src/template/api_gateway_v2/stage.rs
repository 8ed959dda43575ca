//! `AWS::ApiGatewayV2::Stage` and `AWS::ApiGatewayV2::Deployment`.

use std::collections::BTreeMap;

use super::part::Part;
use crate::template::{
    problem::{Problem, Problems},
    properties::Properties,
    protocol::Protocol,
    resource::Resource,
    throttling::{self, Declared},
    yaml::Node,
};

pub(super) struct Stage {
    pub(super) name: String,
    pub(super) variables: BTreeMap<String, String>,
    /// The id of the deployment. A stage with `AutoDeploy` may have none.
    pub(super) deployment: Option<Node>,
    pub(super) throttling: Declared,
}

impl Stage {
    pub(super) fn read(
        properties: &mut Properties<'_>,
        protocol: Protocol,
        problems: &mut Problems,
    ) -> Option<Self> {
        let name = properties
            .required("StageName")
            .and_then(|node| match protocol {
                Protocol::Http if node.text()? == "$default" => Ok("$default".to_owned()),
                _ => stage_name(&node),
            });
        let name = problems.keep(name);
        let variables = properties.texts("StageVariables", problems);
        let deployment = deployment(properties);
        let deployment = problems.keep(deployment);
        let throttling = throttling::read(properties, problems);
        properties.without_effect(&["AccessLogSettings", "Description", "Tags"]);
        Some(Self {
            name: name?,
            variables: variables?,
            deployment: deployment?,
            throttling: throttling?,
        })
    }
}

/// Returns the id of the deployment.
fn deployment(properties: &mut Properties<'_>) -> Result<Option<Node>, Problem> {
    let auto_deploy = match properties.optional("AutoDeploy")? {
        Some(node) => node.truth()?,
        None => false,
    };
    let deployment = properties.optional("DeploymentId")?;
    if !auto_deploy && deployment.is_none() {
        return Err(Problem::at(
            properties.at(),
            format!(
                "{}: nothing is deployed to this stage: add a DeploymentId, or AutoDeploy: true",
                properties.owner()
            ),
        ));
    }
    Ok(deployment)
}

impl Part<Stage> {
    pub(super) fn another_stage(&self) -> Problem {
        self.problem("the harness supports one stage of an API: remove the others")
    }
}

/// Returns the name of a stage.
pub(in crate::template) fn stage_name(node: &Node) -> Result<String, Problem> {
    let name = node.text()?;
    let fits = !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if fits {
        Ok(name.to_owned())
    } else {
        Err(node.expected("a stage name of letters, digits, - and _"))
    }
}

/// A snapshot of the API.
pub(super) struct Deployment {
    /// The logical ids of `DependsOn`: AWS creates these resources first.
    pub(super) after: Vec<String>,
}

impl Deployment {
    pub(super) fn read(properties: &mut Properties<'_>, resource: &Resource) -> Self {
        properties.without_effect(&["Description"]);
        Self {
            after: resource.depends_on.clone(),
        }
    }
}
