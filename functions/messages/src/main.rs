//! `editMessage` and `deleteMessage`: change stored messages, and push the changes to the
//! subscribed connections.

use chat::routes::{DeleteMessage, EditMessage};
use chat_aws::{Error, Ports, websocket};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    websocket::run_messages::<(EditMessage, DeleteMessage), _>(Ports::with_gateway_and_edits())
        .await
}
