//! Authenticates and authorizes calls of services. Signatures of version 4 are verified, and
//! functions may do only what their policies in the template allow, as after a deployment.
//!
//! Services use [`Access`]. Only S3 has presigned URLs. Not supported: conditions, managed policies,
//! assumed roles, resource policies.

mod access;
mod caller;
mod canonical;
mod credentials;
mod demand;
mod error;
mod policy;
mod s3;
mod signature;

pub use access::{Access, Signatures};
pub use caller::Caller;
pub use canonical::Request;
pub use credentials::{ADMIN_ACCESS_KEY_ID, ADMIN_SECRET_ACCESS_KEY, Credentials};
pub use demand::Demand;
pub use error::{Denial, IamError};
pub(crate) use policy::matches;
pub use policy::{Effect, OneOrMany, Statement, Unsupported, Verdict, verdict};
pub(crate) use s3::SignedCall;
pub use signature::{Service, sign};
