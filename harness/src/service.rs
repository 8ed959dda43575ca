//! How a call passes through an AWS service of the harness:
//! *read ▶ authenticate ▶ authorize ▶ fault ▶ do ▶ count*.
//!
//! [`Pipeline`] is that order, once for all services. An [`AwsService`] says what the steps mean
//! for it: DynamoDB, the management API of a WebSocket API, and Lambda's Invoke API are three of
//! them.
//!
//! To add a service, or to adopt the pipeline in an existing one:
//!
//! 1. Implement [`AwsService`]. `Call` is the parsed request; every later step gets it. A step that
//!    the service does not have keeps its default.
//! 2. Build one `Pipeline::new(service, access, faults)` and pass each request to
//!    [`Pipeline::answer`].
//! 3. Write the service's errors as [`Reply`]s, in AWS's words. The pipeline has no texts of its
//!    own.
//!
//! A call that is not admitted is counted like any other, but no fault is drawn for it.

use std::{future::Future, time::Duration};

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::Request,
    http::{HeaderMap, Response, request::Parts},
};
use time::OffsetDateTime;

use crate::{
    faults::{self, Faults},
    iam::{self, Access, Caller, Demand, IamError},
    trace::{self, Fact, Kind, Level},
};

/// A complete reply, so that it can be counted before it is sent.
pub(crate) type Reply = Response<Bytes>;

/// One AWS service: what the steps of a [`Pipeline`] mean for it.
pub(crate) trait AwsService: Send + Sync {
    /// The name that clients sign for.
    const NAME: iam::Service;
    /// The longest body that is read, in bytes. Longer ones get [`AwsService::too_large`].
    const LONGEST_BODY: usize;
    /// A parsed request.
    type Call: Send + Sync;

    /// Parses a request. An invalid request is a call as well; [`AwsService::perform`] rejects it.
    /// `claimed` is the owner of the access key that the request names; it is not verified.
    fn read(&self, claimed: Caller, request: &Parts, body: &Bytes) -> Self::Call;

    /// Whether the call needs a valid signature.
    fn requires_signature(&self, _call: &Self::Call, _headers: &HeaderMap) -> bool {
        true
    }

    /// The permissions that the caller must have.
    fn demands(&self, call: &Self::Call, body: &Bytes) -> impl IntoIterator<Item = Demand>;

    /// Draws the fault that is injected into the call.
    fn fault(&self, _call: &Self::Call) -> Injection {
        Injection::default()
    }

    /// Performs the call.
    fn perform(
        &self,
        call: &Self::Call,
        request: Parts,
        body: Bytes,
    ) -> impl Future<Output = Reply> + Send;

    /// Counts the call and its reply.
    fn count(&self, _call: Self::Call, _reply: &Reply) {}

    /// Returns what the trace shows of a call. `None` if it shows nothing.
    fn fact(&self, _call: &Self::Call, _reply: &Reply) -> Option<Fact> {
        None
    }

    /// The reply to a body longer than [`AwsService::LONGEST_BODY`].
    fn too_large(&self) -> Reply;

    /// The reply to a call that is not authenticated or not authorized.
    fn not_admitted(&self, call: &Self::Call, cause: IamError) -> Reply;
}

/// What is injected into one call.
#[derive(Debug, Default)]
pub(crate) struct Injection {
    /// The delay before anything else.
    pub latency: Duration,
    /// What happens to the call after that. Without an effect it is performed and answered.
    pub effect: Option<Effect>,
}

/// What a fault does to one call.
#[derive(Debug)]
pub(crate) enum Effect {
    /// The call is not performed. This is its reply.
    Fails(Reply),
    /// The call is not performed, and there is no reply at all.
    NoReply,
    /// The call is performed, and the connection breaks instead of a reply.
    LosesReply,
}

/// One service with the keys and permissions of its callers.
#[derive(Clone, Debug)]
pub(crate) struct Pipeline<S> {
    service: S,
    access: Access,
    faults: Faults,
}

impl<S: AwsService> Pipeline<S> {
    /// Creates the pipeline of `service`. Injected latencies follow the clock of `faults`.
    pub fn new(service: S, access: Access, faults: Faults) -> Self {
        Self {
            service,
            access,
            faults,
        }
    }

    /// Answers one request. What happens meanwhile belongs to the invocation that made the call.
    pub async fn answer(&self, request: Request) -> Response<Body> {
        let (request, body) = request.into_parts();
        let Ok(body) = to_bytes(body, S::LONGEST_BODY).await else {
            return self.service.too_large().map(Body::from);
        };
        let caller = self.access.claimed(&request.headers);
        let context = self.faults.trace().caller(&request.headers, &caller);
        trace::within(context, self.process(caller, request, body)).await
    }

    async fn process(&self, claimed: Caller, request: Parts, body: Bytes) -> Response<Body> {
        let Self {
            service, faults, ..
        } = self;
        let trace = faults.trace();
        let span = trace.is_on().then(|| (trace.here(), claimed.to_string()));
        let mut denied = None;
        let call = service.read(claimed, &request, &body);
        let mut loses_reply = false;
        let reply = match self.admit(&call, &request, &body) {
            Err(cause) => {
                denied = span.is_some().then(|| denial(S::NAME, &cause));
                service.not_admitted(&call, cause)
            }
            Ok(()) => {
                let Injection { latency, effect } = service.fault(&call);
                faults.delay(latency).await;
                match effect {
                    Some(Effect::Fails(reply)) => reply,
                    Some(Effect::NoReply) => match faults::no_answer().await {},
                    other => {
                        loses_reply = matches!(other, Some(Effect::LosesReply));
                        service.perform(&call, request, body).await
                    }
                }
            }
        };
        if let Some((span, caller)) = span
            && let Some(fact) = denied.or_else(|| service.fact(&call, &reply))
        {
            trace.record(span, fact.with("caller", caller));
        }
        service.count(call, &reply);
        if loses_reply {
            faults::broken_answer()
        } else {
            reply.map(Body::from)
        }
    }

    /// Authenticates the caller and authorizes the call.
    fn admit(&self, call: &S::Call, request: &Parts, body: &Bytes) -> Result<(), IamError> {
        let caller = if self.service.requires_signature(call, &request.headers) {
            let signed = iam::Request::received(request, body);
            self.access
                .authenticate(S::NAME, &signed, OffsetDateTime::now_utc())?
        } else {
            self.access.claimed(&request.headers)
        };
        for demand in self.service.demands(call, body) {
            self.access.authorize(&caller, &demand)?;
        }
        Ok(())
    }
}

/// Returns what the trace shows of a call that is not admitted.
fn denial(service: iam::Service, cause: &IamError) -> Fact {
    let (name, resource) = match cause {
        IamError::Denied(denial) => (denial.action.clone(), Some(denial.resource.as_str())),
        _ => (service.to_string(), None),
    };
    Fact::new(Kind::Denied, &name)
        .with("error.type", cause.kind())
        .maybe("aws.resource", resource)
        .level(Level::Error)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use axum::http::StatusCode;

    use super::*;
    use crate::{iam::Signatures, stack::Stack};

    /// Records its steps.
    #[derive(Default)]
    struct Scripted {
        effect: Mutex<Option<Effect>>,
        steps: Mutex<Vec<&'static str>>,
    }

    impl Scripted {
        fn step(&self, step: &'static str) {
            self.steps.lock().unwrap().push(step);
        }
    }

    impl AwsService for Scripted {
        const NAME: iam::Service = iam::Service::Lambda;
        const LONGEST_BODY: usize = 8;
        type Call = ();

        fn read(&self, _: Caller, _: &Parts, _: &Bytes) {
            self.step("read");
        }

        fn requires_signature(&self, (): &(), headers: &HeaderMap) -> bool {
            self.step("authenticate");
            headers.contains_key("signed")
        }

        fn demands(&self, (): &(), _: &Bytes) -> impl IntoIterator<Item = Demand> {
            self.step("authorize");
            []
        }

        fn fault(&self, (): &()) -> Injection {
            self.step("fault");
            Injection {
                effect: self.effect.lock().unwrap().take(),
                ..Injection::default()
            }
        }

        async fn perform(&self, (): &(), _: Parts, _: Bytes) -> Reply {
            self.step("do");
            Reply::default()
        }

        fn count(&self, (): (), _: &Reply) {
            self.step("count");
        }

        fn too_large(&self) -> Reply {
            status(StatusCode::PAYLOAD_TOO_LARGE)
        }

        fn not_admitted(&self, (): &(), _: IamError) -> Reply {
            status(StatusCode::FORBIDDEN)
        }
    }

    fn status(status: StatusCode) -> Reply {
        let mut reply = Reply::default();
        *reply.status_mut() = status;
        reply
    }

    #[tokio::test]
    async fn a_call_passes_its_steps_in_order_and_a_rejected_call_is_counted() {
        let throttled = Effect::Fails(status(StatusCode::TOO_MANY_REQUESTS));
        let unsigned = || Request::new(Body::from("{}"));
        let signed = Request::builder().header("signed", "badly");
        let stack = Stack::default();
        let all = ["read", "authenticate", "authorize", "fault", "do", "count"];
        for (request, effect, expected, steps) in [
            (unsigned(), None, 200, &all[..]),
            (unsigned(), Some(Effect::LosesReply), 200, &all),
            (
                unsigned(),
                Some(throttled),
                429,
                &["read", "authenticate", "authorize", "fault", "count"],
            ),
            (
                signed.body(Body::empty()).unwrap(),
                None,
                403,
                &["read", "authenticate", "count"],
            ),
            (Request::new(Body::from("nine char")), None, 413, &[]),
        ] {
            let service = Scripted {
                effect: Mutex::new(effect),
                ..Scripted::default()
            };
            let access = Access::from_stack(&stack, Signatures::Verified);
            let pipeline = Pipeline::new(service, access, Faults::default());
            assert_eq!(pipeline.answer(request).await.status(), expected);
            assert_eq!(*pipeline.service.steps.lock().unwrap(), steps);
        }
    }
}
