//! All callers, with their keys and permissions.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use axum::http::HeaderMap;
use time::OffsetDateTime;
use tracing::warn;

use super::{
    Caller, Credentials, Demand, Denial, IamError, Request, Service, Statement, Verdict,
    signature::Claim, verdict,
};
use crate::stack::{ACCOUNT, Stack};

/// Whether services verify signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signatures {
    /// Calls without a valid signature are rejected.
    Verified,
    /// Signatures are not verified, for clients that cannot sign. The access key still identifies
    /// the caller.
    Ignored,
}

/// The keys and permissions of a stack. Clones share them.
#[derive(Clone, Debug)]
pub struct Access(Arc<Principals>);

#[derive(Debug)]
struct Principals {
    signatures: Signatures,
    /// By access key id.
    owners: HashMap<String, (Caller, Credentials)>,
    /// By the logical id of the function.
    roles: BTreeMap<String, Role>,
}

/// The role of a function.
#[derive(Debug)]
struct Role {
    credentials: Credentials,
    /// The ARN of its session, for error messages.
    user: String,
    policy: Vec<Statement>,
}

impl Access {
    /// Creates a key for every function of `stack`, with the permissions of its policy, and adds
    /// the administrator.
    pub fn from_stack(stack: &Stack, signatures: Signatures) -> Self {
        let roles: BTreeMap<_, _> = stack
            .functions
            .iter()
            .map(|(logical_id, function)| {
                let user = format!(
                    "arn:aws:sts::{ACCOUNT}:assumed-role/{logical_id}Role/{}",
                    function.name
                );
                let role = Role {
                    credentials: Credentials::of_a_role(),
                    user,
                    policy: function.policy.clone(),
                };
                (logical_id.clone(), role)
            })
            .collect();
        let functions = roles.iter().map(|(logical_id, role)| {
            (
                Caller::Function(logical_id.clone()),
                role.credentials.clone(),
            )
        });
        let owners = functions
            .chain([(Caller::Administrator, Credentials::administrator())])
            .map(|(caller, credentials)| (credentials.access_key_id.clone(), (caller, credentials)))
            .collect();
        Self(Arc::new(Principals {
            signatures,
            owners,
            roles,
        }))
    }

    /// Creates access for one caller, for the examples of AWS.
    #[cfg(test)]
    pub(super) fn of_one(caller: Caller, credentials: Credentials) -> Self {
        let owner = (credentials.access_key_id.clone(), (caller, credentials));
        Self(Arc::new(Principals {
            signatures: Signatures::Verified,
            owners: [owner].into(),
            roles: BTreeMap::new(),
        }))
    }

    /// Returns the credentials of the function with this logical id.
    pub fn credentials(&self, logical_id: &str) -> Option<&Credentials> {
        Some(&self.0.roles.get(logical_id)?.credentials)
    }

    /// Returns the caller by the access key alone, without verifying the signature.
    pub fn claimed(&self, headers: &HeaderMap) -> Caller {
        self.owner(Claim::read(headers).map_or("", |claim| claim.access_key_id))
    }

    /// Returns the owner of an access key.
    pub(super) fn owner(&self, access_key_id: &str) -> Caller {
        match self.0.owners.get(access_key_id) {
            Some((caller, _)) => caller.clone(),
            None => Caller::Other(access_key_id.to_owned()),
        }
    }

    /// Returns the owner of an access key with its credentials, if the key exists.
    pub(super) fn credentials_of(&self, access_key_id: &str) -> Option<&(Caller, Credentials)> {
        self.0.owners.get(access_key_id)
    }

    pub(super) fn signatures(&self) -> Signatures {
        self.0.signatures
    }

    /// Returns the caller of `request`, if the signature is valid at `now`.
    ///
    /// # Errors
    /// Fails if the signature is not valid.
    pub fn authenticate(
        &self,
        service: Service,
        request: &Request<'_>,
        now: OffsetDateTime,
    ) -> Result<Caller, IamError> {
        if self.0.signatures == Signatures::Ignored {
            return Ok(self.claimed(request.headers));
        }
        let claim = Claim::read(request.headers)?;
        let (caller, credentials) = self
            .0
            .owners
            .get(claim.access_key_id)
            .ok_or(IamError::Unrecognized)?;
        claim.verify(request, &service.to_string(), credentials, now)?;
        Ok(caller.clone())
    }

    /// Checks that `caller` has a permission. Functions have those of their policies, all other
    /// callers may do everything. A denial is logged, because the function may not report it.
    ///
    /// # Errors
    /// Fails if the function's policy does not allow the action.
    pub fn authorize(&self, caller: &Caller, demand: &Demand) -> Result<(), Denial> {
        let Caller::Function(logical_id) = caller else {
            return Ok(());
        };
        let Demand { action, resource } = demand;
        let role = self.0.roles.get(logical_id);
        let (user, policy) = role.map_or((logical_id.as_str(), [].as_slice()), |role| {
            (&role.user, &role.policy)
        });
        let verdict = verdict(policy, action, resource);
        if verdict == Verdict::Allowed {
            return Ok(());
        }
        let reason = match verdict {
            Verdict::Forbidden => "a statement of its Policies denies it",
            Verdict::Allowed | Verdict::Unmentioned => "no statement of its Policies allows it",
        };
        warn!(function = %logical_id, %action, %resource, "access denied: {reason}");
        Err(Denial {
            user: user.to_owned(),
            action: action.clone(),
            resource: resource.clone(),
            verdict,
        })
    }
}
