//! Integrations that the harness does not have. The rest of the template runs without them: the
//! start says which routes are concerned, and each of them answers with the reason.

use crate::template::problem::{Place, Problems};

/// An integration that the harness does not have.
#[derive(Clone, Debug)]
pub(in crate::template) struct Absent {
    at: Place,
    /// What API Gateway does.
    what: String,
}

impl Absent {
    fn at(at: Place, what: impl Into<String>) -> Self {
        let what = what.into();
        Self { at, what }
    }

    /// A call of another service, `SQS-SendMessage` for example.
    pub(super) fn subtype(at: Place, subtype: &str) -> Self {
        Self::at(at, format!("API Gateway itself calls {subtype}"))
    }

    /// An integration of a WebSocket API of type `AWS`, `HTTP` or `HTTP_PROXY`.
    pub(super) fn of_uri(at: Place, kind: &str, uri: &str) -> Self {
        if kind != "AWS" {
            return Self::at(at, "API Gateway passes the message on to another server");
        }
        // `arn:aws:apigateway:REGION:dynamodb:action/PutItem`
        let mut parts = uri.splitn(6, ':').skip(4);
        match (parts.next(), parts.next()) {
            (Some("lambda"), _) => Self::at(
                at,
                "API Gateway changes the message by a template before it calls the function",
            ),
            (Some(service), Some(action)) => {
                // The rest of a path is the name of a resource.
                let action = match action.strip_prefix("action/") {
                    Some(action) => format!(" ({action})"),
                    None => String::new(),
                };
                Self::at(at, format!("API Gateway itself calls {service}{action}"))
            }
            _ => Self::at(at, "API Gateway itself calls a service of AWS"),
        }
    }

    pub(super) fn vpc_link(at: Place) -> Self {
        Self::at(
            at,
            "API Gateway calls a private endpoint through a VPC link",
        )
    }

    pub(super) fn response_parameters(at: Place) -> Self {
        Self::at(at, "API Gateway changes the responses of the endpoint")
    }

    /// A parameter mapping with a value that the harness does not know.
    pub(super) fn mapping(at: Place, value: &str) -> Self {
        Self::at(at, format!("API Gateway maps {value} into the request"))
    }

    /// A `MOCK` integration whose answer depends on the message or on templates with logic.
    pub(super) fn template(at: Place, property: &str) -> Self {
        Self::at(
            at,
            format!("API Gateway evaluates the template language VTL in {property}"),
        )
    }

    /// An `IntegrationResponse` whose key is a regular expression that the harness does not know.
    pub(super) fn key(at: Place) -> Self {
        Self::at(
            at,
            "API Gateway evaluates a regular expression as IntegrationResponseKey",
        )
    }

    /// A `MOCK` integration without an answer for its status.
    pub(super) fn no_response(at: Place, status: u16) -> Self {
        Self::at(
            at,
            format!(
                "the MOCK integration has no IntegrationResponse for its status {status}, and AWS \
                 does not document what follows"
            ),
        )
    }

    /// Adds a notice about `route`, and returns the text that the route answers with.
    pub(super) fn announced(&self, route: &str, problems: &mut Problems) -> String {
        let Self { at, what } = self;
        problems.notice(
            *at,
            format!(
                "the route {route} does not run locally and only answers with this reason: {what}"
            ),
        );
        format!("The harness cannot run the route {route}: {what}.")
    }
}
