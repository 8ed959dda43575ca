//! The list of services. Options, ports, addresses, the ready file and the start follow from it.

mod dynamodb;
mod http_api;
mod lambda;
mod s3;
mod sqs;
mod websocket_api;

pub(super) use self::http_api::{local, start_further};

use super::service::Service;

/// Lambda, which starts after the services that functions call and before those that call
/// functions.
pub(super) static LAMBDA: &Service = &lambda::SERVICE;

/// All services, in the order in which the terminal shows them.
pub(super) static SERVICES: [&Service; 6] = [
    &http_api::SERVICE,
    &websocket_api::SERVICE,
    &lambda::SERVICE,
    &dynamodb::SERVICE,
    &sqs::SERVICE,
    &s3::SERVICE,
];
