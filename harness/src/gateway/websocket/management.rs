//! The management API, `/STAGE/@connections/ID`: functions post to clients, look at them and close them.

use axum::{
    body::{self, Body, Bytes},
    extract::Request,
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    response::Response,
};
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    connections::{Connection, Connections, NotTaken},
    socket::LONGEST_MESSAGE,
};
use crate::{
    faults,
    gateway::ids,
    iam::{Access, Caller, Demand, Denial, IamError, Request as Signed, Service},
    stack::{ACCOUNT, REGION, WebSocketApi},
};

const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");
/// What is shown of [`ACCOUNT`].
const HIDDEN_ACCOUNT: &str = "********9012";
const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
/// A body is read to its end so that its sender gets to read the 413, unless it is absurd.
const LONGEST_READ: usize = 16 * 1024 * 1024;

/// The management API of one stage.
pub(super) struct Management<'a> {
    pub api: &'a WebSocketApi,
    pub access: &'a Access,
    pub connections: &'a Connections,
}

impl Management<'_> {
    /// Answers one call about `connection_id`, which is decoded: read, authenticate, authorize, do.
    pub async fn answer(&self, connection_id: &str, request: Request) -> Response {
        let (request, body) = request.into_parts();
        let Ok(data) = body::to_bytes(body, LONGEST_READ).await else {
            return too_large();
        };
        let signed = Signed::received(&request, &data);
        let now = OffsetDateTime::now_utc();
        let caller = match self.access.authenticate(Service::ExecuteApi, &signed, now) {
            Ok(caller) => caller,
            Err(refusal) => return not_admitted(&refusal),
        };
        let method = request.method;
        if ![Method::POST, Method::GET, Method::DELETE].contains(&method) {
            return error(
                StatusCode::FORBIDDEN,
                Some("ForbiddenException"),
                "Forbidden",
            );
        }
        if let Err(denial) = self.authorize(&caller, &method, connection_id) {
            return not_admitted(&denial.into());
        }
        if !ids::is_id(connection_id) {
            return error(
                StatusCode::BAD_REQUEST,
                Some("BadRequestException"),
                &format!("Invalid connectionId: {connection_id}"),
            );
        }
        let faults = self.connections.faults();
        let injected = faults.management(method.as_str());
        faults.delay(injected.latency).await;
        if let Some(failure) = injected.fault.and_then(failure) {
            return failure;
        }
        let answer = self.manage(&method, connection_id, data);
        if injected.fault == Some(faults::Management::LostAnswer) {
            faults::broken_answer()
        } else {
            answer
        }
    }

    fn manage(&self, method: &Method, connection_id: &str, data: Bytes) -> Response {
        match *method {
            Method::POST => self.post(connection_id, data),
            Method::DELETE if self.connections.delete(connection_id) => {
                empty(StatusCode::NO_CONTENT)
            }
            Method::DELETE => gone(),
            _ => self
                .connections
                .find(connection_id)
                .map_or_else(gone, |connection| describe(&connection)),
        }
    }

    fn authorize(
        &self,
        caller: &Caller,
        method: &Method,
        connection_id: &str,
    ) -> Result<(), Denial> {
        let WebSocketApi { api_id, stage, .. } = self.api;
        let resource = |account: &str, connection: &str| {
            format!(
                "arn:aws:execute-api:{REGION}:{account}:{api_id}/{stage}/{method}/@connections/{connection}"
            )
        };
        let demand = Demand {
            action: "execute-api:ManageConnections".to_owned(),
            resource: resource(ACCOUNT, connection_id),
        };
        // API Gateway tells only the end of its account's number, and the resource's name instead of the connection.
        self.access
            .authorize(caller, &demand)
            .map_err(|denial| Denial {
                resource: resource(HIDDEN_ACCOUNT, "{connectionId}"),
                ..denial
            })
    }

    fn post(&self, connection_id: &str, data: Bytes) -> Response {
        if data.len() > LONGEST_MESSAGE {
            return too_large();
        }
        let Some(connection) = self.connections.find(connection_id) else {
            return gone();
        };
        let Ok(text) = String::from_utf8(data.into()) else {
            return error(
                StatusCode::BAD_REQUEST,
                Some("BadRequestException"),
                "The data is not UTF-8, so it cannot be sent as text",
            );
        };
        match connection.post(text) {
            Ok(()) => empty(StatusCode::OK),
            Err(NotTaken::Gone) => gone(),
            Err(NotTaken::Full) => too_many(),
        }
    }
}

/// What the gateway answers instead of doing it.
fn failure(fault: faults::Management) -> Option<Response> {
    match fault {
        faults::Management::Gone => Some(gone()),
        faults::Management::Throttle => Some(too_many()),
        faults::Management::InternalError => Some(error(
            StatusCode::INTERNAL_SERVER_ERROR,
            Some("InternalServerErrorException"),
            "Internal server error",
        )),
        faults::Management::LostAnswer | faults::Management::SlowConsumer => None,
    }
}

fn too_many() -> Response {
    error(
        StatusCode::TOO_MANY_REQUESTS,
        Some("LimitExceededException"),
        "Too Many Requests",
    )
}

fn too_large() -> Response {
    error(
        StatusCode::PAYLOAD_TOO_LARGE,
        Some("PayloadTooLargeException"),
        "Message too long",
    )
}

fn not_admitted(refusal: &IamError) -> Response {
    let body = json!({ refusal.member(): refusal.to_string() });
    let response = json_response(StatusCode::FORBIDDEN, body.to_string());
    with_error_type(response, refusal.kind())
}

fn describe(connection: &Connection) -> Response {
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
    json_response(StatusCode::OK, description.to_string())
}

/// Clients learn the kind from the header alone: the body is empty.
fn gone() -> Response {
    with_error_type(empty(StatusCode::GONE), "GoneException")
}

/// An error with a message, and with the name that AWS SDKs know it by.
pub(super) fn error(status: StatusCode, kind: Option<&'static str>, message: &str) -> Response {
    let response = json_response(status, json!({ "message": message }).to_string());
    match kind {
        Some(kind) => with_error_type(response, kind),
        None => response,
    }
}

fn with_error_type(mut response: Response, kind: &'static str) -> Response {
    response
        .headers_mut()
        .insert(ERROR_TYPE, HeaderValue::from_static(kind));
    response
}

pub(super) fn json_response(status: StatusCode, body: String) -> Response {
    let mut response = empty(status);
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    *response.body_mut() = body.into();
    response
}

fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    if let Ok(id) = HeaderValue::from_str(&Uuid::new_v4().to_string()) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}
