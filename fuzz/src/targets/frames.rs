//! A client's WebSocket message: JSON, the frame, its fields, and the route that it asks for.

use chat::fakes::FakeChat;

pub fn run(data: &[u8]) {
    // API Gateway passes only UTF-8 on.
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let chat = FakeChat::new();
    chat.connect("ada-1");
    let conversation = chat.conversation("welcome", &["ada", "grace"]);
    chat.history(&conversation, "grace", 3);
    let reply = chat.text("ada-1", text);
    assert!(reply.is_object(), "every message is answered: {reply}");
}
