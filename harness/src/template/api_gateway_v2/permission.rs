//! `AWS::Lambda::Permission`: whether API Gateway may call a function. SAM adds the permissions for
//! its own APIs.

use crate::{
    iam,
    stack::{ACCOUNT, REGION},
    template::{
        functions::Functions,
        problem::{Problem, Problems},
        properties::Properties,
        resource::Resource,
        scope::Scope,
    },
};

const GATEWAY: &str = "apigateway.amazonaws.com";
const ACTIONS: [&str; 3] = ["lambda:InvokeFunction", "lambda:*", "*"];

/// A permission of API Gateway.
pub(super) struct Permission {
    /// The logical id of the function.
    function: String,
    /// A pattern for the ARN of the route or authorizer. `None` allows all of them.
    source: Option<String>,
}

impl Permission {
    /// Returns `None` for all services but API Gateway, since no other service of the harness calls
    /// functions.
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

    /// Whether the gateway may call the function for the route or authorizer with the ARN `source`.
    pub(super) fn allows(&self, function: &str, source: &str) -> bool {
        self.function == function
            && self
                .source
                .as_deref()
                .is_none_or(|pattern| iam::matches(pattern, source))
    }
}

/// The ARN of a route of a WebSocket API.
pub(super) fn route_arn(api_id: &str, stage: &str, route_key: &str) -> String {
    format!("arn:aws:execute-api:{REGION}:{ACCOUNT}:{api_id}/{stage}/{route_key}")
}

/// The ARN of a route of an HTTP API. `route_key` is `$default`, or a method and a path.
pub(super) fn http_route_arn(api_id: &str, stage: &str, route_key: &str) -> String {
    route_arn(api_id, stage, &route_key.replacen(' ', "", 1))
}

/// The ARN of an authorizer.
pub(super) fn authorizer_arn(api_id: &str, id: &str) -> String {
    format!("arn:aws:execute-api:{REGION}:{ACCOUNT}:{api_id}/authorizers/{id}")
}
