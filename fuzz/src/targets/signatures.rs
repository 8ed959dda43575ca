//! SigV4: the `Authorization` header and the canonical form of a request.

use harness::iam::{Access, Request, Service, Signatures};
use time::{OffsetDateTime, macros::datetime};

use super::templates::stack;
use crate::message::Message;

/// The seeds are signed at this time.
const NOW: OffsetDateTime = datetime!(2026-01-01 00:00 UTC);

thread_local! {
    static ACCESS: Access = {
        let stack = stack("Resources: {}").unwrap();
        Access::from_stack(&stack, Signatures::Verified)
    };
}

pub fn run(data: &[u8]) {
    let Some(message) = Message::read(data) else {
        return;
    };
    let request = Request {
        method: message.method,
        path: message.path,
        query: message.query,
        headers: &message.headers,
        body: message.body,
    };
    ACCESS.with(|access| {
        access.claimed(&message.headers);
        for service in [Service::DynamoDb, Service::ExecuteApi, Service::Lambda] {
            if let Err(error) = access.authenticate(service, &request, NOW) {
                assert!(!error.to_string().is_empty() && !error.kind().is_empty());
            }
        }
    });
}
