//! Web Push, as an application server sends it: [`Subscription`] parses what a browser gives,
//! [`encrypt`] encrypts a message for it (RFC 8291), and [`VapidKey`] signs the request (RFC 8292).
//!
//! [`Services`] says which endpoints an application may send to.
//!
//! The crate makes no requests and reads no clock. All cryptography is done by `aws-lc-rs`, which
//! every function links for TLS. The crates of the field would add OpenSSL (`web-push`) or a second
//! set of ciphers (`web-push-native`) to functions whose size counts.

mod encryption;
mod services;
mod subscription;
mod vapid;

pub use self::{
    encryption::{EncryptionError, LONGEST_CONTENT, encrypt},
    services::{KNOWN_SERVICES, Services, ServicesError},
    subscription::{Subscription, SubscriptionError},
    vapid::{LONGEST_LIFE, VapidError, VapidKey},
};
