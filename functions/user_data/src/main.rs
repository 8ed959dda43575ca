//! Exports or erases a user. Operators invoke it; no API has a route to it.

use chat_aws::{Error, Ports, user_data};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    user_data::run(Ports::without_gateway()).await
}
