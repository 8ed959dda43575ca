//! The frame of a request over WebSocket.

use serde_json::Value;

use crate::{error::Rejection, fields::Fields, limit::limit};

limit!(
    /// Bytes in the longest `ref`.
    const MAX_REF_BYTES = 64;
    const REF_RULE = "must be a string of at most ", " bytes";
);

/// The parts of a frame that are common to all routes.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The client's `ref`, repeated in the reply.
    pub reference: Option<String>,
    /// The name of the route.
    pub action: String,
}

impl Frame {
    /// Parses a frame: a JSON object with an `action`.
    ///
    /// # Errors
    /// The rejection, with the `ref` if it could be read.
    pub fn parse(text: &str) -> Result<(Self, Fields), (Option<String>, Rejection)> {
        let malformed = |reference, what| Err((reference, Rejection::Malformed(what)));
        let Ok(value) = serde_json::from_str::<Value>(text) else {
            return malformed(None, "the frame must be JSON text");
        };
        let Value::Object(mut object) = value else {
            return malformed(None, "the frame must be a JSON object");
        };
        let reference = match object.remove("ref") {
            None | Some(Value::Null) => None,
            Some(Value::String(reference)) if reference.len() <= MAX_REF_BYTES => Some(reference),
            Some(_) => {
                let (field, rule) = ("ref", REF_RULE);
                return Err((None, Rejection::Invalid { field, rule }));
            }
        };
        let Some(Value::String(action)) = object.remove("action") else {
            return malformed(
                reference,
                "the frame must have an `action` that is a string",
            );
        };
        Ok((Self { reference, action }, Fields::from_object(object)))
    }
}
