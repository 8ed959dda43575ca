//! The management API, `/STAGE/@connections/ID`: functions post to clients, look them up and
//! disconnect them.

use std::sync::Arc;

use axum::{
    body::Bytes,
    http::{Method, StatusCode, request::Parts},
};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::{
    connections::{Connection, Connections, PostError},
    limits::LONGEST_MESSAGE,
    reply,
};
use crate::{
    bill::Usage,
    faults,
    gateway::ids,
    iam::{self, Caller, Demand, Denial, IamError},
    service::{AwsService, Effect, Injection, Reply},
    stack::{ACCOUNT, REGION, WebSocketApi},
    trace::{Fact, Kind},
};

/// [`ACCOUNT`] as AWS's error messages show it.
const HIDDEN_ACCOUNT: &str = "********9012";

/// The management API of one stage.
#[derive(Clone, Debug)]
pub(super) struct Management {
    pub api: Arc<WebSocketApi>,
    pub connections: Connections,
}

/// A request about one connection.
#[derive(Debug)]
pub(super) struct Call {
    method: Method,
    connection_id: String,
    /// The size of the message.
    bytes: usize,
    /// The message, if bodies are recorded.
    body: Option<String>,
}

impl Call {
    /// Whether the API has the method: POST, GET or DELETE.
    fn has_method(&self) -> bool {
        [Method::POST, Method::GET, Method::DELETE].contains(&self.method)
    }
}

impl AwsService for Management {
    const NAME: iam::Service = iam::Service::ExecuteApi;
    // A body is read to its end so that its sender can read the 413, unless it is absurdly long.
    const LONGEST_BODY: usize = 16 * 1024 * 1024;
    type Call = Call;

    fn read(&self, _: Caller, request: &Parts, body: &Bytes) -> Call {
        let (_, id) = request.uri.path().rsplit_once('/').unwrap_or_default();
        Call {
            method: request.method.clone(),
            connection_id: percent_decode_str(id).decode_utf8_lossy().into_owned(),
            bytes: body.len(),
            body: std::str::from_utf8(body)
                .ok()
                .and_then(|text| self.connections.trace().body(text)),
        }
    }

    fn demands(&self, call: &Call, _: &Bytes) -> impl IntoIterator<Item = Demand> {
        call.has_method().then(|| Demand {
            action: "execute-api:ManageConnections".to_owned(),
            resource: self.resource(ACCOUNT, &call.method, &call.connection_id),
        })
    }

    fn fault(&self, call: &Call) -> Injection {
        if !call.has_method() || !ids::is_id(&call.connection_id) {
            return Injection::default();
        }
        let injected = self.connections.faults().management(call.method.as_str());
        Injection {
            latency: injected.latency,
            effect: injected.fault.and_then(effect),
        }
    }

    async fn perform(&self, call: &Call, _: Parts, data: Bytes) -> Reply {
        let Call {
            method,
            connection_id,
            ..
        } = call;
        if !call.has_method() {
            return reply::error(
                StatusCode::FORBIDDEN,
                Some("ForbiddenException"),
                "Forbidden",
            );
        }
        if !ids::is_id(connection_id) {
            return bad_request(&format!("Invalid connectionId: {connection_id}"));
        }
        match *method {
            Method::POST => self.post(connection_id, data),
            Method::DELETE if self.connections.delete(connection_id) => {
                reply::empty(StatusCode::NO_CONTENT)
            }
            Method::DELETE => gone(),
            _ => self
                .connections
                .find(connection_id)
                .map_or_else(gone, |connection| describe(&connection)),
        }
    }

    fn fact(&self, call: &Call, reply: &Reply) -> Option<Fact> {
        let status = reply.status().as_u16();
        let is_delivered = call.method == Method::POST && reply.status().is_success();
        let usage = if is_delivered {
            Usage::push(call.bytes)
        } else {
            Usage::default()
        };
        let fact = Fact::new(Kind::Push, call.method.as_str())
            .with("http.request.method", call.method.as_str())
            .with("aws.apigateway.connection_id", call.connection_id.as_str())
            .with("http.response.status_code", status)
            .with("http.request.body.size", call.bytes)
            .level(Fact::level_of(status, &[410, 429]))
            .body(call.body.clone())
            .usage(usage);
        Some(fact)
    }

    fn too_large(&self) -> Reply {
        too_large()
    }

    fn not_admitted(&self, call: &Call, cause: IamError) -> Reply {
        let cause = match cause {
            // API Gateway shows only the end of the account's number, and a placeholder for the id.
            IamError::Denied(denial) => IamError::Denied(Denial {
                resource: self.resource(HIDDEN_ACCOUNT, &call.method, "{connectionId}"),
                ..denial
            }),
            other => other,
        };
        let body = json!({ cause.member(): cause.to_string() });
        let reply = reply::json_reply(StatusCode::FORBIDDEN, body.to_string());
        reply::with_error_type(reply, cause.kind())
    }
}

impl Management {
    /// The ARN that a policy allows or denies.
    fn resource(&self, account: &str, method: &Method, connection: &str) -> String {
        let WebSocketApi { api_id, stage, .. } = &*self.api;
        format!(
            "arn:aws:execute-api:{REGION}:{account}:{api_id}/{stage}/{method}/@connections/{connection}"
        )
    }

    fn post(&self, connection_id: &str, data: Bytes) -> Reply {
        if data.len() > LONGEST_MESSAGE {
            return too_large();
        }
        let Some(connection) = self.connections.find(connection_id) else {
            return gone();
        };
        let Ok(text) = String::from_utf8(data.into()) else {
            return bad_request("The data is not UTF-8, so it cannot be sent as text");
        };
        match connection.post(text) {
            Ok(()) => reply::empty(StatusCode::OK),
            Err(PostError::Gone) => gone(),
            Err(PostError::Full) => too_many(),
        }
    }
}

/// Returns the effect of a fault on a call, or `None` if it only delays the call.
fn effect(fault: faults::Management) -> Option<Effect> {
    Some(match fault {
        faults::Management::Gone => Effect::Fails(gone()),
        faults::Management::Throttle => Effect::Fails(too_many()),
        faults::Management::InternalError => Effect::Fails(reply::error(
            StatusCode::INTERNAL_SERVER_ERROR,
            Some("InternalServerErrorException"),
            "Internal server error",
        )),
        faults::Management::LostAnswer => Effect::LosesReply,
        faults::Management::SlowConsumer => return None,
    })
}

fn bad_request(message: &str) -> Reply {
    reply::error(
        StatusCode::BAD_REQUEST,
        Some("BadRequestException"),
        message,
    )
}

fn too_many() -> Reply {
    reply::error(
        StatusCode::TOO_MANY_REQUESTS,
        Some("LimitExceededException"),
        "Too Many Requests",
    )
}

fn too_large() -> Reply {
    reply::error(
        StatusCode::PAYLOAD_TOO_LARGE,
        Some("PayloadTooLargeException"),
        "Message too long",
    )
}

/// The body is empty: SDKs read the kind from the header.
fn gone() -> Reply {
    reply::with_error_type(reply::empty(StatusCode::GONE), "GoneException")
}

fn describe(connection: &Connection) -> Reply {
    let session = &connection.session;
    let mut identity = json!({ "sourceIp": session.source_ip });
    if let (Some(user_agent), Value::Object(identity)) = (&session.user_agent, &mut identity) {
        identity.insert("userAgent".into(), user_agent.clone().into());
    }
    let description = json!({
        "connectedAt": session.connected_at.iso_8601(),
        "identity": identity,
        "lastActiveAt": connection.last_active_at().iso_8601(),
    });
    reply::json_reply(StatusCode::OK, description.to_string())
}
