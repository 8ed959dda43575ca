//! S3: the buckets of a template, for functions, AWS clients and pages.
//!
//! - `api` is the order of a call: *authenticate ▶ authorize ▶ fault ▶ do*. Unlike the other services
//!   of the harness it reads bodies last, since they are streams.
//! - `operation` says which operation a request is, and which permission it needs.
//! - [`Objects`] stores the objects in a folder.
//! - `upload`, `download`, `listing` and `deletion` perform the operations, `cors` is for pages.
//!
//! The crate `s3s` serves this API, too. It is not used: it has neither CORS nor the permissions of
//! functions, does not compare session tokens, does not require that all `x-amz-` headers are signed,
//! and would bring a second verification of signatures. What is left of it, the XML of seven
//! operations, is less than the adapter to it would be.
//!
//! Deliberately left out: uploads in parts, versions, ACLs, tags, copies, and operations that create
//! or change buckets. Names of buckets in the host: AWS's clients put them into the path if the
//! endpoint is an IP address.

mod address;
mod api;
mod cors;
mod deletion;
mod digests;
mod download;
mod error;
mod headers;
mod listing;
mod object;
mod objects;
mod operation;
mod range;
mod upload;
mod xml;

pub use self::{api::S3Api, objects::Objects};
