//! The single binary behind every function of the conformance stacks. It does not know the test
//! cases: each event contains the [`script`] that the function follows, so a case is defined in one
//! place.

#![expect(
    clippy::indexing_slicing,
    reason = "indexing a JSON value returns null if the member is missing"
)]

mod connections;
mod script;

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;

use crate::{connections::Connections, script::Script};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let connections = &Connections::from_environment().await;
    let handle = |event: LambdaEvent<Value>| async move {
        let (event, context) = event.into_parts();
        Script::of(&event)?
            .follow(&event, &context, connections)
            .await
    };
    lambda_runtime::run(service_fn(handle)).await
}
