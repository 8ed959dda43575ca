//! The proxy that every DynamoDB client calls. It passes calls to the engine unchanged, and
//! does what no local engine does: it checks signatures and permissions, injects faults, and
//! counts.

use std::collections::BTreeSet;

use axum::{
    Router,
    body::Bytes,
    extract::{Request, State},
    http::{HeaderMap, StatusCode, request::Parts},
    response::Response,
};
use tokio::{net::TcpListener, sync::watch};
use tracing::warn;

use super::{
    answer::Answer,
    backend::Backend,
    engine::Engine,
    ledger::{Ledger, Operation},
};
use crate::{
    faults::{Dynamodb, Faults},
    iam::{Access, Caller, Demand, IamError, Service},
    server::{self, Pages},
    service::{AwsService, Effect, Injection, Pipeline, Reply},
};

/// The largest request that DynamoDB accepts, in bytes.
const MAX_REQUEST: usize = 16 * 1024 * 1024;

/// A running proxy. Dropping it closes the listeners.
#[derive(Debug)]
pub struct Proxy {
    ledger: Ledger,
    _closes: watch::Sender<bool>,
}

/// DynamoDB's front end: what happens around a call of the engine.
#[derive(Clone, Debug)]
struct FrontEnd {
    ledger: Ledger,
    backend: Backend,
    faults: Faults,
}

impl Proxy {
    /// Serves `listeners` in front of `engine` for the callers that `access` knows. `faults` are
    /// injected into the calls of functions; the administrator sees the table as it is. Must be
    /// called inside a Tokio runtime.
    pub fn open(
        listeners: Vec<TcpListener>,
        engine: &Engine,
        access: Access,
        faults: Faults,
    ) -> Self {
        let ledger = Ledger::default();
        let front_end = FrontEnd {
            ledger: ledger.clone(),
            backend: engine.backend.clone(),
            faults: faults.clone(),
        };
        let router = Router::new()
            .fallback(answer)
            .with_state(Pipeline::new(front_end, access, faults));
        let (closes, closed) = watch::channel(false);
        tokio::spawn(server::serve(listeners, router, Pages::None, closed));
        Self {
            ledger,
            _closes: closes,
        }
    }

    /// Returns the counts of the calls since the start.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }
}

async fn answer(State(pipeline): State<Pipeline<FrontEnd>>, request: Request) -> Response {
    pipeline.answer(request).await
}

impl AwsService for FrontEnd {
    const NAME: Service = Service::DynamoDb;
    const LONGEST_BODY: usize = MAX_REQUEST;
    type Call = Operation;

    fn read(&self, claimed: Caller, request: &Parts, body: &Bytes) -> Operation {
        Operation::of(claimed, &request.headers, body)
    }

    /// `GET /` asks for the service's health, which is public. The engine refuses every other
    /// request that names no operation.
    fn requires_signature(&self, operation: &Operation, _: &HeaderMap) -> bool {
        !operation.name.is_empty()
    }

    fn demands(&self, operation: &Operation, body: &Bytes) -> impl IntoIterator<Item = Demand> {
        if operation.name.is_empty() {
            BTreeSet::new()
        } else {
            Demand::of_dynamodb(&operation.name, body)
        }
    }

    fn fault(&self, operation: &Operation) -> Injection {
        // Only calls of functions get faults: the administrator sees the table as it is.
        if !matches!(operation.caller, Caller::Function(_)) || operation.name.is_empty() {
            return Injection::default();
        }
        let injected = self.faults.dynamodb(&operation.name);
        Injection {
            latency: injected.latency,
            effect: injected.fault.and_then(effect),
        }
    }

    async fn perform(&self, operation: &Operation, request: Parts, body: Bytes) -> Reply {
        self.backend
            .pass(request, body)
            .await
            .unwrap_or_else(|error| {
                warn!(operation = operation.name, %error, "no answer from the DynamoDB engine");
                Answer::unavailable()
            })
            .into()
    }

    fn count(&self, operation: Operation, reply: &Reply) {
        self.ledger.record(operation, reply.status(), reply.body());
    }

    fn too_large(&self) -> Reply {
        Answer::error(
            StatusCode::PAYLOAD_TOO_LARGE,
            "RequestEntityTooLargeException",
            "",
        )
        .into()
    }

    /// DynamoDB's front end refuses these calls, in another namespace than DynamoDB itself.
    fn not_admitted(&self, _: &Operation, cause: IamError) -> Reply {
        let message = match &cause {
            IamError::Missing => "Request is missing Authentication Token".to_owned(),
            other => other.to_string(),
        };
        Answer::front_end_error(cause.kind(), cause.member(), message).into()
    }
}

/// Returns the effect of a fault on a call, or `None` if it only delays the call.
fn effect(fault: Dynamodb) -> Option<Effect> {
    let (status, kind, message) = match fault {
        Dynamodb::Throttle => (
            StatusCode::BAD_REQUEST,
            "ProvisionedThroughputExceededException",
            "The level of configured provisioned throughput for the table was exceeded. Consider \
             increasing your provisioning level with the UpdateTable API.",
        ),
        Dynamodb::ThrottleOnDemand => (
            StatusCode::BAD_REQUEST,
            "ThrottlingException",
            "Throughput exceeds the current capacity of your table or index.",
        ),
        Dynamodb::InternalError => (
            StatusCode::INTERNAL_SERVER_ERROR,
            "InternalServerError",
            "Internal server error",
        ),
        Dynamodb::Unavailable => (
            StatusCode::SERVICE_UNAVAILABLE,
            "ServiceUnavailable",
            "Service is unavailable",
        ),
        Dynamodb::Timeout => return Some(Effect::NoReply),
        Dynamodb::LostAnswer => return Some(Effect::LosesReply),
        Dynamodb::Latency => return None,
    };
    Some(Effect::Fails(Answer::error(status, kind, message).into()))
}
