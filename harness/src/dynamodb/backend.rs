//! Calls the engine: the embedded one in this process, any other by HTTP.

use std::fmt;

use axum::{
    body::Bytes,
    http::{HeaderMap, HeaderName, header, request},
};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::{
    answer::{Answer, JSON},
    embedded::Embedded,
    error::EngineError,
};
use crate::iam::{Credentials, Service, sign};

/// Headers that concern one connection. A proxy does not pass them on.
const HOP_BY_HOP: [HeaderName; 6] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::HOST,
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// The engine as its callers see it. Clones share it.
#[derive(Clone, Debug)]
pub(super) enum Backend {
    Embedded(Embedded),
    Remote(Remote),
}

/// An engine at a URL.
#[derive(Clone, Debug)]
pub(super) struct Remote {
    client: reqwest::Client,
    endpoint: reqwest::Url,
    /// Whom the engine sees as the caller.
    caller: EngineCaller,
}

/// Whom an engine at a URL sees as the caller.
#[derive(Clone)]
pub(super) enum EngineCaller {
    /// The client that signed the call.
    Client,
    /// Always this owner, independent of who signed the call. The engine has tables of its own for each access
    /// key, and this key is known to the harness only.
    Owner(Credentials),
}

impl fmt::Debug for EngineCaller {
    /// Shows no access key, since that of an owner is secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Client => "Client",
            Self::Owner(_) => "Owner",
        })
    }
}

impl Backend {
    /// Passes a call on as it is. Fails if the engine does not answer.
    pub async fn pass(
        &self,
        request: request::Parts,
        body: Bytes,
    ) -> Result<Answer, reqwest::Error> {
        match self {
            Self::Embedded(engine) => Ok(engine
                .answer(&request, &body)
                .unwrap_or_else(Answer::unavailable)),
            Self::Remote(engine) => engine.pass(request, body).await,
        }
    }

    /// Describes a table as `DescribeTable` does, without the counts if they would cost a read of
    /// every item. Fails if the engine does not answer.
    pub async fn describe(&self, table: &str) -> Result<Answer, reqwest::Error> {
        match self {
            Self::Embedded(engine) => Ok(engine.define(table).unwrap_or_else(Answer::unavailable)),
            Self::Remote(engine) => {
                let body = json!({ "TableName": table });
                engine.administer("DescribeTable", &body).await
            }
        }
    }

    /// Performs one operation as the administrator. Fails if the engine does not answer.
    pub async fn administer(
        &self,
        operation: &str,
        body: &Value,
    ) -> Result<Answer, reqwest::Error> {
        match self {
            Self::Embedded(engine) => Ok(engine
                .operate(operation, &body.to_string())
                .unwrap_or_else(Answer::unavailable)),
            Self::Remote(engine) => engine.administer(operation, body).await,
        }
    }
}

impl Remote {
    /// Creates a client of the engine at `endpoint` (`http://host:port`).
    pub fn new(endpoint: &str, caller: EngineCaller) -> Result<Self, EngineError> {
        Ok(Self {
            // The engine is called directly, even if the environment names an HTTP proxy.
            client: reqwest::Client::builder()
                .no_proxy()
                .redirect(reqwest::redirect::Policy::none())
                .build()?,
            endpoint: reqwest::Url::parse(endpoint)
                .map_err(|_| EngineError::Endpoint(endpoint.to_owned()))?,
            caller,
        })
    }

    async fn pass(&self, request: request::Parts, body: Bytes) -> Result<Answer, reqwest::Error> {
        let mut url = self.endpoint.clone();
        url.set_path(request.uri.path());
        url.set_query(request.uri.query());
        let mut headers = request.headers;
        remove_hop_by_hop(&mut headers);
        let is_signed = headers.contains_key(header::AUTHORIZATION);
        let request = self.client.request(request.method, url);
        let mut request = request.headers(headers).body(body).build()?;
        if let EngineCaller::Owner(owner) = &self.caller
            && is_signed
        {
            // The token belongs to the key of the client.
            request.headers_mut().remove("x-amz-security-token");
            let now = OffsetDateTime::now_utc();
            sign(owner, Service::DynamoDb, &mut request, now);
        }
        read(self.client.execute(request).await?).await
    }

    async fn administer(&self, operation: &str, body: &Value) -> Result<Answer, reqwest::Error> {
        let mut request = self
            .client
            .post(self.endpoint.clone())
            .header(header::CONTENT_TYPE, JSON)
            .header("x-amz-target", target(operation))
            .body(body.to_string())
            .build()?;
        // Local engines only check the form of a signature, but every client of AWS signs.
        let administrator = match &self.caller {
            EngineCaller::Client => &Credentials::administrator(),
            EngineCaller::Owner(owner) => owner,
        };
        let now = OffsetDateTime::now_utc();
        sign(administrator, Service::DynamoDb, &mut request, now);
        read(self.client.execute(request).await?).await
    }
}

/// Returns the full name of an operation. Streams have an API of their own.
fn target(operation: &str) -> String {
    let service = match operation {
        "DescribeStream" | "GetRecords" | "GetShardIterator" | "ListStreams" => "DynamoDBStreams",
        _ => "DynamoDB",
    };
    format!("{service}_20120810.{operation}")
}

async fn read(response: reqwest::Response) -> Result<Answer, reqwest::Error> {
    let status = response.status();
    let mut headers = response.headers().clone();
    remove_hop_by_hop(&mut headers);
    let body = response.bytes().await?;
    Ok(Answer {
        status,
        headers,
        body,
    })
}

fn remove_hop_by_hop(headers: &mut HeaderMap) {
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
}
