//! Access keys: one for each function, new at every start, and that of the local administrator.

use std::fmt;

use uuid::Uuid;

/// The access key id of the local administrator, for AWS clients and for the harness itself.
/// DynamoDB Local accepts only letters and digits.
pub const ADMIN_ACCESS_KEY_ID: &str = "AKIALOCALADMIN";
/// The secret of the administrator. It is public: it is valid for local stacks only.
pub const ADMIN_SECRET_ACCESS_KEY: &str = "localadministrator";

/// The credentials that a client signs its calls with.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Identifies the owner. Every call contains it.
    pub access_key_id: String,
    /// Never part of a call.
    pub secret_access_key: String,
    /// Part of every call that is signed with the key of a role.
    pub session_token: Option<String>,
}

impl Credentials {
    /// Returns the credentials of the local administrator.
    pub fn administrator() -> Self {
        Self {
            access_key_id: ADMIN_ACCESS_KEY_ID.to_owned(),
            secret_access_key: ADMIN_SECRET_ACCESS_KEY.to_owned(),
            session_token: None,
        }
    }

    /// Returns new random credentials for an engine that separates its data by access key. Unlike
    /// on AWS, the access key id is the secret part.
    pub(crate) fn of_a_new_engine() -> Self {
        let random = || Uuid::new_v4().simple();
        Self::of_an_engine(format!("{}{}", random(), random()))
    }

    /// Returns the credentials for an engine with this access key. The engine verifies no
    /// signatures, so the secret is of no use.
    pub(crate) fn of_an_engine(access_key_id: String) -> Self {
        Self {
            access_key_id,
            secret_access_key: ADMIN_SECRET_ACCESS_KEY.to_owned(),
            session_token: None,
        }
    }

    /// Returns new random credentials of a role.
    pub(super) fn of_a_role() -> Self {
        let random = || Uuid::new_v4().simple();
        Self {
            // As on AWS: ASIA, and twenty letters and digits altogether.
            access_key_id: format!("ASIA{:.16}", random().to_string().to_ascii_uppercase()),
            secret_access_key: format!("{}{}", random(), random()),
            session_token: Some(format!("{}{}", random(), random())),
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Credentials")
            .field("access_key_id", &self.access_key_id)
            .finish_non_exhaustive()
    }
}
