//! Prints a new key pair for VAPID as JSON: `cargo run -p web_push --example vapid_keys`. Keep it for
//! ever: subscriptions are made for its public key.

use web_push::{VapidError, VapidKey};

fn main() -> Result<(), VapidError> {
    let (private, public) = VapidKey::generate()?;
    println!(r#"{{"privateKey":"{private}","publicKey":"{public}"}}"#);
    Ok(())
}
