//! `AWS::ApiGatewayV2::Stage` and `AWS::ApiGatewayV2::Deployment`.

use std::collections::BTreeMap;

use super::{Node, Piece, Problem, Problems, Properties, Resource, route_settings};

pub(super) struct Stage {
    pub(super) name: String,
    pub(super) variables: BTreeMap<String, String>,
    /// The id of a deployment; none for a stage that follows every change.
    pub(super) deployment: Option<Node>,
}

impl Stage {
    pub(super) fn read(
        properties: &mut Properties<'_>,
        problems: &mut Problems,
    ) -> Result<Self, Problem> {
        let name = stage_name(&properties.required("StageName")?)?;
        let variables = properties.texts("StageVariables")?;
        let follows = match properties.optional("AutoDeploy")? {
            Some(node) => node.truth()?,
            None => false,
        };
        let deployment = properties.optional("DeploymentId")?;
        if !follows && deployment.is_none() {
            return Err(Problem::at(
                properties.at(),
                format!(
                    "{}: without DeploymentId or AutoDeploy: true nothing is deployed to it",
                    properties.owner()
                ),
            ));
        }
        route_settings(properties, problems)?;
        properties.without_effect(&["AccessLogSettings", "Description", "Tags"]);
        Ok(Self {
            name,
            variables,
            deployment,
        })
    }
}

impl Piece<Stage> {
    pub(super) fn another_stage(&self) -> Problem {
        self.problem("the harness serves one stage of the API: remove the others")
    }
}

/// The name of a WebSocket API's stage.
pub(in crate::template) fn stage_name(node: &Node) -> Result<String, Problem> {
    let name = node.text()?;
    let fits = !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if fits {
        Ok(name.to_owned())
    } else {
        Err(node.expected("a stage's name of letters, digits, - and _"))
    }
}

/// A picture of the API as it is at one moment.
pub(super) struct Deployment {
    /// The resources that were made before it.
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
