//! The one binary behind every function of the conformance stacks. It knows nothing of what is tested: each event brings
//! the [`script`] that this function then follows, so a case stands in one place, in the suite.

#![expect(
    clippy::indexing_slicing,
    reason = "an index of a JSON value answers null where nothing is"
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
