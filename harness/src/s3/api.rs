//! The API of S3: *authenticate ▶ authorize ▶ fault ▶ do*.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderValue, Method, StatusCode, header, request::Parts},
    response::Response,
};
use futures_util::StreamExt;
use time::OffsetDateTime;
use tokio::{net::TcpListener, sync::watch};
use uuid::Uuid;

use super::{
    address::{Address, BUCKET_REGION},
    cors,
    deletion::delete_objects,
    download,
    error::S3Error,
    headers, listing,
    objects::Objects,
    operation::{self, Operation, Query},
    upload,
};
use crate::{
    faults::{self, Faults, S3, Transfer},
    iam::{Access, Caller, IamError, SignedCall},
    server::{self, Pages},
    stack::Bucket,
};

/// How much of the body of a refused call is read. Without this, a client that still sends would
/// see a broken connection instead of the answer.
const MOST_DRAINED: usize = 64 * 1024 * 1024;

/// A running API. Dropping it closes the listeners.
#[derive(Debug)]
pub struct S3Api {
    _closes: watch::Sender<bool>,
}

impl S3Api {
    /// Serves `buckets` on `listeners` for the callers that `access` knows. `faults` are injected into
    /// the calls of functions, and into those with the URLs that they signed. Must be called inside a
    /// Tokio runtime.
    pub fn open(
        listeners: Vec<TcpListener>,
        objects: Objects,
        buckets: &[Bucket],
        access: Access,
        faults: Faults,
    ) -> Self {
        let buckets = buckets.iter();
        let service = Service {
            objects,
            buckets: buckets.map(|it| (it.name.clone(), it.clone())).collect(),
            access,
            faults,
        };
        let router = Router::new().fallback(answer).with_state(Arc::new(service));
        let (closes, closed) = watch::channel(false);
        // The buckets' own rules decide about pages.
        tokio::spawn(server::serve(listeners, router, Pages::Cors, closed));
        Self { _closes: closes }
    }
}

struct Service {
    objects: Objects,
    buckets: BTreeMap<String, Bucket>,
    access: Access,
    faults: Faults,
}

async fn answer(State(service): State<Arc<Service>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let address = Address::of(parts.uri.path());
    let bucket = address
        .as_ref()
        .ok()
        .and_then(|address| service.buckets.get(&address.bucket));
    let mut body = Some(body);
    let answered = match address.as_ref() {
        Ok(address) => service.answer(address, bucket, &parts, &mut body).await,
        Err(S3Error::KeyTooLong) => Err(S3Error::KeyTooLong),
        Err(_) => Err(S3Error::InvalidUri),
    };
    if let Some(body) = body {
        drain(body, &parts).await;
    }
    let id = request_id();
    let mut response = match answered {
        Ok(response) => response,
        Err(S3Error::Cut) => return faults::broken_answer(),
        Err(error) => error.response(&id),
    };
    if parts.method != Method::OPTIONS {
        cors::apply(bucket, &parts, response.headers_mut());
    }
    let headers = response.headers_mut();
    headers.insert(header::SERVER, HeaderValue::from_static("AmazonS3"));
    headers.insert("x-amz-id-2", HeaderValue::from_static("local"));
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert("x-amz-request-id", id);
    }
    response
}

/// Returns sixteen digits and capital letters, as in S3.
fn request_id() -> String {
    let id = Uuid::new_v4().simple().to_string();
    format!("{:.16}", id.to_ascii_uppercase())
}

/// Reads what a client sends that does not wait for `100 Continue`.
async fn drain(body: Body, parts: &Parts) {
    if parts.headers.contains_key(header::EXPECT) {
        return;
    }
    let mut stream = body.into_data_stream();
    let mut read = 0;
    while let Some(Ok(chunk)) = stream.next().await {
        read += chunk.len();
        if read > MOST_DRAINED {
            return;
        }
    }
}

/// An authenticated call.
struct Call<'a> {
    parts: &'a Parts,
    address: &'a Address,
    query: Query,
    signed: SignedCall,
}

impl Service {
    /// Answers a request. Takes the body only if the call is performed.
    async fn answer(
        &self,
        address: &Address,
        bucket: Option<&Bucket>,
        parts: &Parts,
        body: &mut Option<Body>,
    ) -> Result<Response, S3Error> {
        if parts.method == Method::OPTIONS {
            return cors::preflight(bucket, parts);
        }
        cors::require_permitted(bucket, parts)?;
        let signed = self.authenticate(parts)?;
        let query = operation::query(parts.uri.query().unwrap_or_default());
        let operation = Operation::of(parts, address, &query)?;
        self.authorize(operation, address, bucket, &signed)?;
        let call = Call {
            parts,
            address,
            query,
            signed,
        };
        let (fault, transfer) = self.fault(&call.signed.caller, operation).await?;
        let body = body.take().unwrap_or_default();
        let performed = self.perform(&call, operation, body, transfer).await;
        match performed {
            Ok(_) if fault == Some(S3::LostAnswer) => Err(S3Error::Cut),
            performed => performed,
        }
    }

    fn authenticate(&self, parts: &Parts) -> Result<SignedCall, S3Error> {
        let now = OffsetDateTime::now_utc();
        let signed = self.access.authenticate_s3(parts, now);
        signed.map_err(|cause| S3Error::NotAdmitted {
            known: self.access.knows_key_of(parts),
            cause,
        })
    }

    fn authorize(
        &self,
        operation: Operation,
        address: &Address,
        bucket: Option<&Bucket>,
        signed: &SignedCall,
    ) -> Result<(), S3Error> {
        if let Some(demand) = operation.demand(address) {
            let allowed = self.access.authorize(&signed.caller, &demand);
            allowed.map_err(|denial| S3Error::NotAdmitted {
                cause: IamError::Denied(denial),
                known: true,
            })?;
        }
        match bucket {
            None if operation == Operation::ListBuckets => Ok(()),
            None => Err(S3Error::NoSuchBucket(address.bucket.clone())),
            Some(bucket) if bucket.oldest_signature.is_some_and(|it| signed.age > it) => {
                Err(S3Error::OldSignature)
            }
            Some(_) => Ok(()),
        }
    }

    /// Injects the faults that come before the call. Only calls with the keys of functions get
    /// faults: the administrator sees the buckets as they are.
    async fn fault(
        &self,
        caller: &Caller,
        operation: Operation,
    ) -> Result<(Option<S3>, Transfer), S3Error> {
        if !matches!(caller, Caller::Function(_)) {
            return Ok((None, Transfer::unhindered()));
        }
        let (injected, transfer) = self.faults.s3(operation.name());
        self.faults.delay(injected.latency).await;
        match injected.fault {
            Some(S3::SlowDown) => Err(S3Error::SlowDown),
            Some(S3::InternalError) => Err(S3Error::Internal),
            Some(S3::Timeout) => match faults::no_answer().await {},
            fault => Ok((fault, transfer)),
        }
    }

    async fn perform(
        &self,
        call: &Call<'_>,
        operation: Operation,
        body: Body,
        transfer: Transfer,
    ) -> Result<Response, S3Error> {
        let Call {
            parts,
            address,
            query,
            signed,
        } = call;
        let Address { bucket, key } = address;
        let sha256 = signed.sha256.as_deref();
        match operation {
            Operation::PutObject => {
                upload::put(&self.objects, address, parts, body, sha256, &transfer).await
            }
            Operation::GetObject | Operation::HeadObject => {
                headers::require_known(&parts.headers)?;
                let with_body = operation == Operation::GetObject;
                let Some(object) = self.objects.get(bucket, key) else {
                    return Err(self.absent(&signed.caller, address));
                };
                download::get(&self.objects, &object, parts, query, transfer, with_body).await
            }
            Operation::DeleteObject => {
                self.objects.delete(bucket, key)?;
                let mut response = Response::new(Body::empty());
                *response.status_mut() = StatusCode::NO_CONTENT;
                Ok(response)
            }
            Operation::DeleteObjects => {
                let (objects, access) = (&self.objects, &self.access);
                let caller = &signed.caller;
                delete_objects(objects, access, caller, bucket, parts, body, sha256)
                    .await
                    .map(document)
            }
            Operation::ListObjects => listing::objects(&self.objects, bucket, query).map(document),
            Operation::ListBuckets => Ok(document(listing::buckets(self.buckets.values()))),
            Operation::HeadBucket => {
                let mut response = Response::new(Body::empty());
                let region = HeaderValue::from_static(BUCKET_REGION);
                response.headers_mut().insert("x-amz-bucket-region", region);
                Ok(response)
            }
        }
    }

    /// Returns the error for a key without an object. Only callers that may list the bucket learn
    /// that it does not exist.
    fn absent(&self, caller: &Caller, address: &Address) -> S3Error {
        let demand = operation::demand_of_list(&address.bucket);
        match self.access.authorize(caller, &demand) {
            Ok(()) => S3Error::NoSuchKey(address.key.clone()),
            Err(denial) => S3Error::NotAdmitted {
                cause: IamError::Denied(denial),
                known: true,
            },
        }
    }
}

fn document(text: String) -> Response {
    let mut response = Response::new(Body::from(text));
    let xml = HeaderValue::from_static("application/xml");
    response.headers_mut().insert(header::CONTENT_TYPE, xml);
    response
}
