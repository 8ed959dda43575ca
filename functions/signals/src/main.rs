//! `typing` and `receipt`: frames without an answer, which are pushed to others.

use chat::routes::{Receipt, Typing};
use chat_aws::{Error, Ports, websocket};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    websocket::run_messages::<(Typing, Receipt), _>(Ports::with_gateway()).await
}
