//! The API of SQS: the AWS JSON protocol, with the signatures and permissions of the callers.

use std::collections::BTreeMap;

use axum::{
    Router,
    body::Bytes,
    extract::{Request, State},
    http::{HeaderMap, StatusCode, request::Parts},
    response::Response,
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::watch};

use super::{
    answer::{batch, insert, is_wanted, refused, reply, shown},
    digest,
    error::SqsError,
    message::{NewMessage, WrittenAttribute},
    queues::{Queues, arn},
    request::{self, Attributes, Entry, OfReceipt, Receive, Send},
};
use crate::{
    bill::Usage,
    faults::Faults,
    iam::{Access, Caller, Demand, IamError, Service},
    server::{self, Pages},
    service::{AwsService, Pipeline, Reply},
    stack::{ACCOUNT, Queue},
    trace::{Fact, Kind},
};

/// The largest message and the largest batch, in bytes.
const LARGEST: usize = 1024 * 1024;
/// Escaped characters take up to six bytes, and a batch has ten entries.
const LONGEST_BODY: usize = 7 * LARGEST;
const PREFIX: &str = "AmazonSQS.";
/// The most attributes of a message.
const MOST_ATTRIBUTES: usize = 10;
/// Twelve hours.
const LONGEST_VISIBILITY: u64 = 43_200;

/// A running API. Dropping it closes the listeners.
#[derive(Debug)]
pub struct SqsApi {
    _closes: watch::Sender<bool>,
}

impl SqsApi {
    /// Serves `queues` on `listeners`, whose URL is `endpoint`. Calls are recorded in the trace of
    /// `faults`, and no fault strikes them. Must be called inside a Tokio runtime.
    pub fn open(
        listeners: Vec<TcpListener>,
        endpoint: String,
        queues: Queues,
        access: Access,
        faults: Faults,
    ) -> Self {
        let router = routes(endpoint, queues, access, faults);
        let (closes, closed) = watch::channel(false);
        tokio::spawn(server::serve(listeners, router, Pages::None, closed));
        Self { _closes: closes }
    }

    /// Returns what answers the requests, without a listener and its guard.
    pub fn router(endpoint: String, queues: Queues, access: Access) -> Router {
        routes(endpoint, queues, access, Faults::default())
    }
}

fn routes(endpoint: String, queues: Queues, access: Access, faults: Faults) -> Router {
    let service = FrontEnd { queues, endpoint };
    let pipeline = Pipeline::new(service, access, faults);
    Router::new().fallback(answer).with_state(pipeline)
}

async fn answer(State(pipeline): State<Pipeline<FrontEnd>>, request: Request) -> Response {
    pipeline.answer(request).await
}

#[derive(Clone, Debug)]
struct FrontEnd {
    queues: Queues,
    /// The URL of the API, without a slash at its end.
    endpoint: String,
}

/// A parsed call.
#[derive(Debug)]
struct Call {
    /// `SendMessage`, … Empty if the request names none.
    operation: String,
    /// The name of the queue.
    queue: String,
    /// The `SenderId` of messages.
    sender: String,
    /// The size of the request.
    bytes: usize,
    /// Null if the body is not JSON.
    body: Value,
}

impl AwsService for FrontEnd {
    const NAME: Service = Service::Sqs;
    const LONGEST_BODY: usize = LONGEST_BODY;
    type Call = Call;

    fn read(&self, claimed: Caller, request: &Parts, body: &Bytes) -> Call {
        let target = request.headers.get("x-amz-target");
        let target = target.and_then(|value| value.to_str().ok());
        let operation = target.and_then(|target| target.strip_prefix(PREFIX));
        let bytes = body.len();
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let url = body.get("QueueUrl").and_then(Value::as_str);
        let queue = match url {
            Some(url) => url.rsplit('/').next(),
            None => body.get("QueueName").and_then(Value::as_str),
        };
        Call {
            operation: operation.unwrap_or_default().to_owned(),
            queue: queue.unwrap_or_default().to_owned(),
            sender: claimed.to_string(),
            bytes,
            body,
        }
    }

    fn requires_signature(&self, _: &Call, _: &HeaderMap) -> bool {
        true
    }

    fn demands(&self, call: &Call, _: &Bytes) -> impl IntoIterator<Item = Demand> {
        // A batch needs the permission of its single operation.
        let operation = call.operation.strip_suffix("Batch");
        let operation = operation.unwrap_or(&call.operation);
        [Demand {
            action: format!("sqs:{operation}"),
            resource: match operation {
                "ListQueues" => "*".to_owned(),
                _ => arn(&call.queue),
            },
        }]
    }

    async fn perform(&self, call: &Call, _: Parts, _: Bytes) -> Reply {
        match self.call(call).await {
            Ok(body) => reply(StatusCode::OK, &body),
            Err(error) => refused(&error),
        }
    }

    fn fact(&self, call: &Call, reply: &Reply) -> Option<Fact> {
        let status = reply.status().as_u16();
        let fact = Fact::new(Kind::Queue, &call.operation)
            .with("messaging.system", "aws_sqs")
            .with("messaging.operation.name", call.operation.as_str())
            .with("messaging.destination.name", call.queue.as_str())
            .with("http.response.status_code", status)
            .level(Fact::level_of(status, &[]))
            .usage(Usage::queue(call.bytes.max(reply.body().len())));
        Some(fact)
    }

    fn too_large(&self) -> Reply {
        let error = SqsError::BatchTooLong(LARGEST);
        refused(&error)
    }

    fn not_admitted(&self, _: &Call, cause: IamError) -> Reply {
        let kind = format!("com.amazon.coral.service#{}", cause.kind());
        let body = json!({ "__type": kind, cause.member(): cause.to_string() });
        let status = match cause {
            IamError::Incomplete(_) => StatusCode::BAD_REQUEST,
            _ => StatusCode::FORBIDDEN,
        };
        reply(status, &body)
    }
}

impl FrontEnd {
    async fn call(&self, call: &Call) -> Result<Value, SqsError> {
        let Call { queue, body, .. } = call;
        if body.is_null() {
            return Err(SqsError::Malformed("The body is not JSON.".to_owned()));
        }
        match call.operation.as_str() {
            "SendMessage" => self.send(call, request::read(body)?, &self.queues.settings(queue)?),
            "SendMessageBatch" => self.send_batch(call),
            "ReceiveMessage" => self.receive(queue, &request::read(body)?).await,
            "DeleteMessage" => {
                let OfReceipt { receipt_handle, .. } = request::read(body)?;
                self.queues.delete(queue, &receipt_handle)?;
                Ok(json!({}))
            }
            "DeleteMessageBatch" => self.each(call, "DeleteMessageBatch", |entry: &OfReceipt| {
                self.queues.delete(queue, &entry.receipt_handle)
            }),
            "ChangeMessageVisibility" => {
                self.change_visibility(queue, &request::read(body)?)?;
                Ok(json!({}))
            }
            "ChangeMessageVisibilityBatch" => {
                self.each(call, "ChangeMessageVisibilityBatch", |entry| {
                    self.change_visibility(queue, entry)
                })
            }
            "PurgeQueue" => {
                self.queues.purge(queue)?;
                Ok(json!({}))
            }
            "GetQueueUrl" => {
                self.queues.settings(queue)?;
                Ok(json!({ "QueueUrl": self.url(queue) }))
            }
            "GetQueueAttributes" => self.attributes(queue, &request::read(body)?),
            "ListQueues" => {
                let prefix = body.get("QueueNamePrefix").and_then(Value::as_str);
                let names = self.queues.names();
                let names = names.filter(|name| name.starts_with(prefix.unwrap_or_default()));
                Ok(json!({ "QueueUrls": names.map(|name| self.url(name)).collect::<Vec<_>>() }))
            }
            other => Err(SqsError::Unsupported(format!("the operation `{other}`"))),
        }
    }

    fn send(&self, call: &Call, message: Send, queue: &Queue) -> Result<Value, SqsError> {
        let Send {
            message_body: body,
            message_attributes: attributes,
            delay_seconds,
            ..
        } = message;
        let delay = request::seconds("DelaySeconds", delay_seconds, 900)?;
        require_contents(&body, &attributes)?;
        let message = NewMessage {
            body,
            attributes,
            sender: call.sender.clone(),
            delay,
        };
        if message.bytes() > queue.largest_message {
            return Err(SqsError::InvalidParameter(format!(
                "One or more parameters are invalid. Reason: Message must be shorter than {} bytes.",
                queue.largest_message
            )));
        }
        let of_body = digest::of_body(&message.body);
        let of_attributes = digest::of_attributes(&message.attributes);
        let id = self.queues.send(&queue.name, message)?;
        let mut sent = json!({ "MessageId": id, "MD5OfMessageBody": of_body });
        insert(&mut sent, "MD5OfMessageAttributes", of_attributes);
        Ok(sent)
    }

    fn send_batch(&self, call: &Call) -> Result<Value, SqsError> {
        const OPERATION: &str = "SendMessageBatch";
        let queue = self.queues.settings(&call.queue)?;
        let entries: Vec<Send> = request::entries(OPERATION, &call.body)?;
        let bytes: usize = entries.iter().map(|entry| entry.message_body.len()).sum();
        if bytes > LARGEST {
            return Err(SqsError::BatchTooLong(LARGEST));
        }
        let results = entries.into_iter().map(|entry| {
            let id = entry.id.clone();
            let sent = self.send(call, entry, &queue);
            (id, sent)
        });
        Ok(batch(results))
    }

    /// Performs an operation for each entry of a batch.
    fn each(
        &self,
        call: &Call,
        operation: &'static str,
        perform: impl Fn(&OfReceipt) -> Result<(), SqsError>,
    ) -> Result<Value, SqsError> {
        self.queues.settings(&call.queue)?;
        let entries: Vec<OfReceipt> = request::entries(operation, &call.body)?;
        Ok(batch(entries.iter().map(|entry| {
            (entry.id().to_owned(), perform(entry).map(|()| json!({})))
        })))
    }

    async fn receive(&self, queue: &str, wanted: &Receive) -> Result<Value, SqsError> {
        let most = wanted.max_number_of_messages.unwrap_or(1);
        if !(1..=10).contains(&most) {
            return Err(SqsError::InvalidParameter(format!(
                "Value {most} for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 \
                 and 10, if provided."
            )));
        }
        let visibility = wanted.visibility_timeout;
        let visibility = request::seconds("VisibilityTimeout", visibility, LONGEST_VISIBILITY)?;
        let wait = request::seconds("WaitTimeSeconds", wanted.wait_time_seconds, 20)?;
        let most = usize::try_from(most).unwrap_or(1);
        let received = self.queues.receive(queue, most, visibility, wait).await?;
        if received.is_empty() {
            return Ok(json!({}));
        }
        let messages = received.into_iter().map(|message| shown(message, wanted));
        Ok(json!({ "Messages": messages.collect::<Vec<_>>() }))
    }

    fn change_visibility(&self, queue: &str, entry: &OfReceipt) -> Result<(), SqsError> {
        let given = entry.visibility_timeout;
        let timeout = request::seconds("VisibilityTimeout", given, LONGEST_VISIBILITY)?;
        let timeout = timeout.ok_or_else(|| {
            SqsError::InvalidParameter(
                "The request must contain the parameter VisibilityTimeout.".to_owned(),
            )
        })?;
        self.queues
            .change_visibility(queue, &entry.receipt_handle, timeout)
    }

    fn attributes(&self, name: &str, wanted: &Attributes) -> Result<Value, SqsError> {
        let queue = self.queues.settings(name)?;
        let counts = self.queues.counts(name)?;
        let redrive = queue.redrive.as_ref().map(|redrive| {
            json!({
                "deadLetterTargetArn": arn(&redrive.dead_letter_queue),
                "maxReceiveCount": redrive.most_receives,
            })
            .to_string()
        });
        let all = [
            ("ApproximateNumberOfMessages", counts.visible.to_string()),
            (
                "ApproximateNumberOfMessagesNotVisible",
                counts.in_flight.to_string(),
            ),
            (
                "ApproximateNumberOfMessagesDelayed",
                counts.delayed.to_string(),
            ),
            ("DelaySeconds", queue.delay.as_secs().to_string()),
            ("MaximumMessageSize", queue.largest_message.to_string()),
            (
                "MessageRetentionPeriod",
                queue.retention.as_secs().to_string(),
            ),
            ("QueueArn", arn(name)),
            (
                "ReceiveMessageWaitTimeSeconds",
                queue.receive_wait.as_secs().to_string(),
            ),
            (
                "VisibilityTimeout",
                queue.visibility_timeout.as_secs().to_string(),
            ),
        ];
        let redrive = redrive.map(|redrive| ("RedrivePolicy", redrive));
        let names = &wanted.attribute_names;
        let shown: BTreeMap<_, _> = all
            .into_iter()
            .chain(redrive)
            .filter(|(name, _)| is_wanted(names, name))
            .collect();
        Ok(if shown.is_empty() {
            json!({})
        } else {
            json!({ "Attributes": shown })
        })
    }

    fn url(&self, name: &str) -> String {
        format!("{}/{ACCOUNT}/{name}", self.endpoint)
    }
}

/// Fails for characters that XML 1.0 does not allow, for more than ten attributes, and for
/// attributes without a value.
fn require_contents(
    body: &str,
    attributes: &BTreeMap<String, WrittenAttribute>,
) -> Result<(), SqsError> {
    if body.is_empty() {
        return Err(SqsError::InvalidParameter(
            "The request must contain the parameter MessageBody.".to_owned(),
        ));
    }
    let is_valid = |character: char| matches!(character, '\t' | '\n' | '\r' | '\u{20}'..='\u{fffd}' | '\u{10000}'..);
    if !body.chars().all(is_valid) {
        return Err(SqsError::InvalidContents);
    }
    if attributes.len() > MOST_ATTRIBUTES {
        return Err(SqsError::InvalidParameter(format!(
            "Number of message attributes [{}] exceeds the allowed maximum [{MOST_ATTRIBUTES}].",
            attributes.len()
        )));
    }
    for (name, attribute) in attributes {
        let kind = attribute.data_type.split('.').next().unwrap_or_default();
        let has_value = match kind {
            "String" | "Number" => attribute
                .string_value
                .as_ref()
                .is_some_and(|it| !it.is_empty()),
            "Binary" => attribute.binary_value.is_some(),
            _ => false,
        };
        if !has_value {
            return Err(SqsError::InvalidParameter(format!(
                "The message attribute '{name}' with type '{}' must use field 'String', 'Number' or \
                 'Binary', with a value.",
                attribute.data_type
            )));
        }
    }
    Ok(())
}
