//! The authorizer as the gateway sees it: events in, answers out, against an issuer of its own.

mod answers;
mod configuration;
mod issuer;
mod keys;
mod tokens;
