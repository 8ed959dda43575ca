//! Access keys: one set for each function, new at every start, and the local administrator's.

use std::fmt;

use uuid::Uuid;

/// The access key id of a local administrator, for AWS clients and for the harness itself. Letters and digits, as
/// DynamoDB Local wants.
pub const ADMIN_ACCESS_KEY_ID: &str = "AKIALOCALADMIN";
/// Its secret, which is no secret: it opens nothing but a stack on this machine.
pub const ADMIN_SECRET_ACCESS_KEY: &str = "localadministrator";

/// What a client needs to sign its calls.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Names the owner; goes with every call.
    pub access_key_id: String,
    /// Never leaves the client.
    pub secret_access_key: String,
    /// Goes with every call that is signed by a role's key.
    pub session_token: Option<String>,
}

impl Credentials {
    /// The local administrator, who may everything.
    pub fn administrator() -> Self {
        Self {
            access_key_id: ADMIN_ACCESS_KEY_ID.to_owned(),
            secret_access_key: ADMIN_SECRET_ACCESS_KEY.to_owned(),
            session_token: None,
        }
    }

    /// A role's, which nobody can guess.
    pub(super) fn of_a_role() -> Self {
        let random = || Uuid::new_v4().simple();
        Self {
            // Keys of roles begin like this on AWS, too, and are twenty letters and digits long.
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
