//! An issuer's key set, and a token that is checked with a key of it.
//!
//! The first line is the token, the rest is the set.

use jsonwebtoken::{Validation, decode, decode_header};
use serde_json::Value;

use crate::message::first_line;

pub fn run(data: &[u8]) {
    let (token, set) = first_line(data);
    let Ok(token) = std::str::from_utf8(token) else {
        return;
    };
    let Ok(header) = decode_header(token) else {
        return;
    };
    if let Some(key) = authorizer::key_in(set, header.kid.as_deref(), header.alg) {
        let mut validation = Validation::new(header.alg);
        validation.validate_exp = false;
        validation.validate_aud = false;
        let _ = decode::<Value>(token, &key, &validation);
    }
}
