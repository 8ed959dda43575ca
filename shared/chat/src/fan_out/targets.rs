//! The connections to push to: those of a page of the roster, and how to read on.

use std::collections::BTreeSet;

use crate::{
    domain::{ConnectionId, ConversationId, Subscription, Timestamp, UserId},
    error::InternalError,
    mutant::mutant,
    ports::{Clock, Roster, RosterPage, Subscriptions},
};

/// The connections to push to.
pub(super) struct Targets<'a> {
    /// Those that are known at first.
    pub(super) known: Vec<Subscription>,
    /// Those that are still to be read.
    pub(super) rest: Option<Rest<'a>>,
    /// Why some of them could not be read.
    pub(super) failed: Option<InternalError>,
}

/// Whom entries are pushed to: the subscribers of a conversation, except the connection that sent
/// them.
#[derive(Clone, Copy)]
pub(super) struct Audience<'a> {
    pub(super) conversation: &'a ConversationId,
    pub(super) sender: &'a UserId,
    pub(super) origin: Option<&'a ConnectionId>,
}

/// The pages of a roster after a user.
pub(super) struct Rest<'a> {
    audience: Audience<'a>,
    after: UserId,
}

/// The targets of a page, and the pages after it.
pub(super) type Read<'a> = (Vec<Subscription>, Option<Rest<'a>>);

impl<'a> Targets<'a> {
    /// Takes connections that are known.
    pub(super) const fn known(known: Vec<Subscription>) -> Self {
        Self {
            known,
            rest: None,
            failed: None,
        }
    }

    /// Takes the first page of the roster of a conversation.
    pub(super) fn of(page: RosterPage, audience: Audience<'a>, now: Timestamp) -> Self {
        let (known, rest) = audience.take(page, now);
        let rest = rest.filter(|_| !mutant!(FirstPageOnly));
        Self {
            rest,
            ..Self::known(known)
        }
    }

    /// Whether there is no connection to push to.
    pub(super) fn is_empty(&self) -> bool {
        self.known.is_empty() && self.rest.is_none()
    }
}

impl<'a> Audience<'a> {
    fn take(self, page: RosterPage, now: Timestamp) -> Read<'a> {
        let rest = page.next.map(|after| Rest {
            audience: self,
            after,
        });
        (recipients(page.roster, self.sender, self.origin, now), rest)
    }
}

impl<'a> Rest<'a> {
    /// Reads the next page.
    ///
    /// # Errors
    /// An [`InternalError`] if it cannot be read.
    pub(super) async fn read<P>(self, ports: &P) -> Result<Read<'a>, InternalError>
    where
        P: Subscriptions + Clock + Sync,
    {
        let Self { audience, after } = self;
        let page = ports
            .roster_page(audience.conversation, Some(&after))
            .await?;
        Ok(audience.take(page, ports.now()))
    }
}

/// Returns the subscriptions to push to: the user is a participant, and the connection has not
/// expired.
pub(super) fn recipients(
    roster: Roster,
    sender: &UserId,
    origin: Option<&ConnectionId>,
    now: Timestamp,
) -> Vec<Subscription> {
    let participants: BTreeSet<UserId> = roster.participants.into_iter().collect();
    let mut recipients: Vec<Subscription> = roster
        .subscriptions
        .into_iter()
        .filter(|subscription| participants.contains(&subscription.user) || mutant!(SubsOnly))
        .filter(|subscription| now < subscription.connection.expires_at())
        .filter(|subscription| origin != Some(&subscription.connection.id))
        .collect();
    recipients.sort_by_key(|subscription| subscription.user != *sender);
    recipients
}
