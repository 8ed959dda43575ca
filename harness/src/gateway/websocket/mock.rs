//! Integrations of type `MOCK`: the gateway answers itself.

use serde_json::Value;

use crate::stack::{Mock, MockPiece};

/// Returns the text of the answer to a message. `event` is what a function would get. An empty text
/// is none.
pub(super) fn text(mock: &Mock, event: &Value) -> Option<String> {
    let context = event.get("requestContext").unwrap_or(&Value::Null);
    let pieces = mock.reply.iter().flatten().map(|piece| match piece {
        MockPiece::Text(text) => text.clone(),
        MockPiece::Context(path) => {
            let found = path
                .split('.')
                .try_fold(context, |value, name| value.get(name));
            match found {
                Some(Value::String(text)) => text.clone(),
                Some(other) => other.to_string(),
                // As in VTL: a variable that is not there is an empty text.
                None => String::new(),
            }
        }
    });
    let text: String = pieces.collect();
    (!text.is_empty()).then_some(text)
}
