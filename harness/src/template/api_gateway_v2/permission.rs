//! `AWS::Lambda::Permission`: whether API Gateway may call a function. SAM grants this by itself for what it makes.

use super::{Functions, Problem, Problems, Properties, Resource, Scope};
use crate::{
    iam,
    stack::{ACCOUNT, REGION, WebSocketApi},
};

const GATEWAY: &str = "apigateway.amazonaws.com";
const ACTIONS: [&str; 3] = ["lambda:InvokeFunction", "lambda:*", "*"];

/// One that is about API Gateway.
pub(super) struct Permission {
    /// Logical id.
    function: String,
    /// A pattern; none stands for everything.
    source: Option<String>,
}

impl Permission {
    /// Permissions of others than API Gateway are nothing to what runs here.
    pub(super) fn read(
        resource: &Resource,
        scope: &Scope,
        functions: &Functions,
        problems: &mut Problems,
    ) -> Result<Option<Self>, Problem> {
        let mut properties =
            Properties::resolving(&resource.logical_id, &resource.properties, scope)?;
        if properties.required("Principal")?.text()? != GATEWAY {
            return Ok(None);
        }
        let action = properties.required("Action")?;
        let function = functions.by_name(&properties.required("FunctionName")?)?;
        let source = match properties.optional("SourceArn")? {
            Some(source) => Some(source.text()?.to_owned()),
            None => None,
        };
        properties.without_effect(&["SourceAccount"]);
        properties.finish(problems);
        Ok(ACTIONS
            .contains(&action.text()?)
            .then_some(Self { function, source }))
    }

    pub(super) fn lets(&self, function: &str, source: &str) -> bool {
        self.function == function
            && self
                .source
                .as_deref()
                .is_none_or(|pattern| iam::matches(pattern, source))
    }
}

/// As which API Gateway calls the function of a route.
pub(super) fn route_arn(api: &WebSocketApi, route_key: &str) -> String {
    format!(
        "arn:aws:execute-api:{REGION}:{ACCOUNT}:{}/{}/{route_key}",
        api.api_id, api.stage
    )
}

/// As which it calls an authorizer.
pub(super) fn authorizer_arn(api: &WebSocketApi, id: &str) -> String {
    format!(
        "arn:aws:execute-api:{REGION}:{ACCOUNT}:{}/authorizers/{id}",
        api.api_id
    )
}
