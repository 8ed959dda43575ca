//! `editMessage`, `deleteMessage` and `react`: change stored messages and the reactions to them, and
//! push the changes to the subscribed connections.

use chat::routes::{DeleteMessage, EditMessage, React};
use chat_aws::{Error, Ports, websocket};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let ports = Ports::with_gateway_and_edits();
    websocket::run_messages::<(EditMessage, DeleteMessage, React), _>(ports).await
}
