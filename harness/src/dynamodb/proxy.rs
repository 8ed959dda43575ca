//! The proxy that every DynamoDB client calls. It passes calls to the engine unchanged, and
//! does what no local engine does: it checks signatures and permissions, injects faults, and
//! counts.

use std::{collections::BTreeSet, sync::OnceLock};

use axum::{
    Router,
    body::Bytes,
    extract::{Request, State},
    http::{HeaderMap, StatusCode, request::Parts},
    response::Response,
};
use serde::Deserialize;
use tokio::{net::TcpListener, sync::watch};
use tracing::warn;

use super::{
    answer::Answer,
    backend::Backend,
    engine::Engine,
    keys::{self, KeyNames},
    ledger::{Ledger, Operation},
    metering::{self, Units},
};
use crate::{
    bill::Usage,
    faults::{Dynamodb, Faults},
    iam::{Access, Caller, Demand, IamError, Service},
    server::{self, Pages},
    service::{AwsService, Effect, Injection, Pipeline, Reply},
    trace::{Fact, Kind, Level},
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
    key_names: KeyNames,
}

/// A call of DynamoDB.
#[derive(Debug)]
struct Call {
    operation: Operation,
    /// What the trace shows of it, once it was performed.
    performed: OnceLock<Performed>,
}

/// What the trace shows of a call.
#[derive(Debug, Default)]
struct Performed {
    key: String,
    units: Units,
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
            key_names: KeyNames::default(),
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
    type Call = Call;

    fn read(&self, claimed: Caller, request: &Parts, body: &Bytes) -> Call {
        Call {
            operation: Operation::of(claimed, &request.headers, body),
            performed: OnceLock::new(),
        }
    }

    /// `GET /` asks for the service's health, which is public. The engine refuses every other
    /// request that names no operation.
    fn requires_signature(&self, call: &Call, _: &HeaderMap) -> bool {
        !call.operation.name.is_empty()
    }

    fn demands(&self, call: &Call, body: &Bytes) -> impl IntoIterator<Item = Demand> {
        if call.operation.name.is_empty() {
            BTreeSet::new()
        } else {
            Demand::of_dynamodb(&call.operation.name, body)
        }
    }

    fn fault(&self, Call { operation, .. }: &Call) -> Injection {
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

    async fn perform(&self, call: &Call, request: Parts, body: Bytes) -> Reply {
        let name = &call.operation.name;
        if !self.faults.trace().is_on() {
            return self.pass(name, request, body).await.into();
        }
        let asking = metering::asking(name, &body);
        let asks_itself = asking.is_none();
        let sent = asking.unwrap_or_else(|| body.clone());
        let answer = self.pass(name, request, sent).await;
        let performed = Performed {
            key: keys::shown(&self.key_names, &self.backend, &body).await,
            units: metering::units(name, &body, answer.status, &answer.body),
        };
        // A call is performed once.
        let _ = call.performed.set(performed);
        if asks_itself {
            answer.into()
        } else {
            metering::strip(answer).into()
        }
    }

    fn count(&self, call: Call, reply: &Reply) {
        self.ledger
            .record(call.operation, reply.status(), reply.body());
    }

    fn fact(&self, call: &Call, reply: &Reply) -> Option<Fact> {
        let Operation { name, tables, .. } = &call.operation;
        if name.is_empty() {
            return None;
        }
        let nothing = Performed::default();
        let Performed { key, units } = call.performed.get().unwrap_or(&nothing);
        let error = (!reply.status().is_success()).then(|| error_type(reply.body()));
        let lost = error.as_deref().filter(|kind| CONDITIONS.contains(kind));
        let level = match (&error, lost) {
            (None, _) => Level::Ok,
            (_, Some(_)) => Level::Warning,
            _ => Level::Error,
        };
        let usage = Usage {
            read_units: units.read,
            write_units: units.write,
            ..Usage::default()
        };
        let fact = Fact::new(Kind::Dynamodb, name)
            .with("db.system.name", "aws.dynamodb")
            .with("db.operation.name", name.as_str())
            .with("aws.dynamodb.table_names", tables.join(" "))
            .with("http.response.status_code", reply.status().as_u16())
            .with("aws.dynamodb.read_units", units.read)
            .with("aws.dynamodb.write_units", units.write)
            .maybe(
                "aws.dynamodb.key",
                Some(key.as_str()).filter(|key| !key.is_empty()),
            )
            .maybe("aws.dynamodb.condition", lost.map(|_| "failed"))
            .maybe("error.type", error)
            .level(level)
            .usage(usage);
        Some(fact)
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
    fn not_admitted(&self, _: &Call, cause: IamError) -> Reply {
        let message = match &cause {
            IamError::Missing => "Request is missing Authentication Token".to_owned(),
            other => other.to_string(),
        };
        Answer::front_end_error(cause.kind(), cause.member(), message).into()
    }
}

/// The errors that conditions have, which code expects.
const CONDITIONS: [&str; 2] = [
    "ConditionalCheckFailedException",
    "TransactionCanceledException",
];

impl FrontEnd {
    async fn pass(&self, operation: &str, request: Parts, body: Bytes) -> Answer {
        let answer = self.backend.pass(request, body).await;
        answer.unwrap_or_else(|error| {
            warn!(operation, %error, "no answer from the DynamoDB engine");
            Answer::unavailable()
        })
    }
}

/// Returns the name of an error without its namespace.
fn error_type(body: &[u8]) -> String {
    #[derive(Default, Deserialize)]
    struct Error {
        #[serde(rename = "__type", default)]
        kind: String,
    }
    let error: Error = serde_json::from_slice(body).unwrap_or_default();
    let name = error.kind.rsplit('#').next().unwrap_or_default();
    name.to_owned()
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
