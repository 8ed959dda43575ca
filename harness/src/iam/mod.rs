//! Who calls a service, and whether he may: signatures of version 4 are verified, and the calls of functions are held
//! to the policies that the template gives them. What would be refused after the first deployment is refused here.
//!
//! [`Access`] is what the doors ask. Deliberately left out: presigned URLs, conditions, managed policies, roles that
//! are assumed, policies on resources.

mod access;
mod caller;
mod canonical;
mod credentials;
mod demand;
mod error;
mod policy;
mod signature;

pub use access::{Access, Signatures};
pub use caller::Caller;
pub use canonical::Request;
pub use credentials::{ADMIN_ACCESS_KEY_ID, ADMIN_SECRET_ACCESS_KEY, Credentials};
pub use demand::Demand;
pub use error::{Denial, IamError};
pub(crate) use policy::matches;
pub use policy::{Effect, OneOrMany, Statement, Unsupported, Verdict, verdict};
pub use signature::{Service, sign};
