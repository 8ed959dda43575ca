//! Conversations, participants, subscriptions and connections in memory.

use std::collections::BTreeSet;

use super::FakeChat;
use crate::{
    domain::{
        Connection, ConnectionId, Conversation, ConversationId, Participant, Subscription,
        Timestamp, UserId,
    },
    error::InternalError,
    mutant::mutant,
    ports::{
        Advanced, Connections, ConversationPage, ParticipantPage, Participants, Presence,
        Presences, Receipt, Receipts, Roster, RosterPage, Subscriptions,
    },
};

impl Participants for FakeChat {
    async fn create(
        &self,
        conversation: &Conversation,
        participants: &[Participant],
    ) -> Result<bool, InternalError> {
        self.pause().await;
        let mut state = self.state();
        if state.conversations.contains_key(&conversation.id) {
            return Ok(false);
        }
        state
            .conversations
            .insert(conversation.id.clone(), conversation.clone());
        for participant in participants {
            let key = (conversation.id.clone(), participant.user.clone());
            state.participants.insert(key, participant.clone());
        }
        Ok(true)
    }

    async fn conversation(
        &self,
        conversation: &ConversationId,
    ) -> Result<Option<Conversation>, InternalError> {
        self.pause().await;
        let found = self.state().conversations.get(conversation).cloned();
        self.count("conversation", usize::from(found.is_some()));
        Ok(found)
    }

    async fn participant(
        &self,
        conversation: &ConversationId,
        user: &UserId,
    ) -> Result<Option<Participant>, InternalError> {
        self.pause().await;
        let key = (conversation.clone(), user.clone());
        let found = self.state().participants.get(&key).cloned();
        self.count("participant", usize::from(found.is_some()));
        Ok(found)
    }

    async fn participants(
        &self,
        conversation: &ConversationId,
        after: Option<&UserId>,
        limit: usize,
    ) -> Result<ParticipantPage, InternalError> {
        self.pause().await;
        let mut participants = self.participants_of(conversation);
        participants.retain(|participant| after.is_none_or(|after| participant.user > *after));
        let more = participants.len() > limit;
        participants.truncate(limit);
        self.count("participants", participants.len());
        Ok(ParticipantPage { participants, more })
    }

    async fn few_participants(
        &self,
        conversation: &ConversationId,
        most: usize,
    ) -> Result<Option<Vec<Participant>>, InternalError> {
        let page = self.participants(conversation, None, most).await?;
        Ok((!page.more).then_some(page.participants))
    }

    async fn conversations_of(
        &self,
        user: &UserId,
        after: Option<&ConversationId>,
        limit: usize,
    ) -> Result<ConversationPage, InternalError> {
        self.pause().await;
        let state = self.state();
        let mine = state
            .participants
            .keys()
            .filter(|(_, participant)| participant == user);
        let rest = mine
            .map(|(id, _)| id)
            .filter(|id| after.is_none_or(|after| *id > after));
        let mut conversations: Vec<_> = rest.take(limit + 1).cloned().collect();
        let more = conversations.len() > limit;
        conversations.truncate(limit);
        Ok(ConversationPage {
            conversations,
            more,
        })
    }

    async fn memberships_of(
        &self,
        user: &UserId,
        conversations: &[ConversationId],
    ) -> Result<Vec<(Conversation, Participant)>, InternalError> {
        self.pause().await;
        let state = self.state();
        let wanted: BTreeSet<&ConversationId> = conversations.iter().collect();
        let found = wanted.into_iter().filter_map(|id| {
            let participant = state.participants.get(&(id.clone(), user.clone()))?;
            Some((state.conversations.get(id)?.clone(), participant.clone()))
        });
        Ok(found.collect())
    }

    async fn participations_of(
        &self,
        user: &UserId,
        conversations: &[ConversationId],
    ) -> Result<Vec<(ConversationId, Participant)>, InternalError> {
        self.pause().await;
        let state = self.state();
        let wanted: BTreeSet<&ConversationId> = conversations.iter().collect();
        let found = wanted.into_iter().filter_map(|id| {
            let participant = state.participants.get(&(id.clone(), user.clone()))?;
            Some((id.clone(), participant.clone()))
        });
        let found: Vec<_> = found.collect();
        drop(state);
        self.count("participations_of", found.len());
        Ok(found)
    }
}

impl Receipts for FakeChat {
    async fn advance(
        &self,
        conversation: &ConversationId,
        user: &UserId,
        receipt: Receipt,
    ) -> Result<Option<Advanced>, InternalError> {
        self.pause().await;
        let advanced = {
            let mut state = self.state();
            let key = (conversation.clone(), user.clone());
            state.participants.get_mut(&key).map(|participant| {
                let read = &mut participant.read;
                let moved = receipt.position > read.read_to
                    || receipt.position < read.read_to && mutant!(ReceiptBackward);
                let shown = !receipt.private && receipt.position > read.shown_to;
                if moved {
                    read.read_to = receipt.position;
                    read.messages = receipt.messages;
                }
                if shown {
                    read.shown_to = receipt.position;
                }
                Advanced {
                    read_to: read.read_to,
                    messages: read.messages,
                    moved,
                    shown,
                }
            })
        };
        self.count("advance", usize::from(advanced.is_some()));
        Ok(advanced)
    }
}

impl FakeChat {
    /// Returns the participants of a conversation, ordered by user id.
    fn participants_of(&self, conversation: &ConversationId) -> Vec<Participant> {
        let state = self.state();
        let all = state.participants.iter();
        all.filter(|((id, _), _)| id == conversation)
            .map(|(_, participant)| participant.clone())
            .collect()
    }
}

impl Subscriptions for FakeChat {
    async fn subscribe(
        &self,
        conversation: &ConversationId,
        subscription: &Subscription,
    ) -> Result<(), InternalError> {
        self.pause().await;
        let key = (conversation.clone(), subscription.connection.id.clone());
        self.state().subscriptions.insert(key, subscription.clone());
        self.count("subscribe", 0);
        Ok(())
    }

    async fn subscribe_to_all(
        &self,
        conversations: &[ConversationId],
        subscription: &Subscription,
    ) -> Result<(), InternalError> {
        // The rows appear one by one, as in a table.
        for conversation in conversations {
            self.subscribe(conversation, subscription).await?;
        }
        Ok(())
    }

    async fn unsubscribe(
        &self,
        conversation: &ConversationId,
        _user: &UserId,
        connection: &ConnectionId,
    ) -> Result<(), InternalError> {
        self.pause().await;
        self.state()
            .subscriptions
            .remove(&(conversation.clone(), connection.clone()));
        self.count("unsubscribe", 0);
        Ok(())
    }

    async fn claim(
        &self,
        connection: &Connection,
        conversations: &[ConversationId],
        most: usize,
    ) -> Result<bool, InternalError> {
        self.pause().await;
        let mut state = self.state();
        let claims = state.claims.entry(connection.id.clone()).or_default();
        let is_known = conversations.iter().all(|id| claims.contains(id));
        let has_places = is_known || claims.len() + conversations.len() <= most;
        if has_places {
            claims.extend(conversations.iter().cloned());
        }
        Ok(has_places)
    }

    async fn release(
        &self,
        conversation: &ConversationId,
        connection: &ConnectionId,
    ) -> Result<(), InternalError> {
        self.pause().await;
        if let Some(claims) = self.state().claims.get_mut(connection) {
            claims.remove(conversation);
        }
        Ok(())
    }

    async fn roster(&self, conversation: &ConversationId) -> Result<Roster, InternalError> {
        self.pause().await;
        self.pause().await;
        let participants = self.participants_of(conversation);
        self.count("participants", participants.len());
        self.pause().await;
        let state = self.state();
        let found = state
            .subscriptions
            .iter()
            .filter(|((id, _), _)| id == conversation);
        Ok(Roster {
            participants: participants
                .into_iter()
                .map(|participant| participant.user)
                .collect(),
            subscriptions: found
                .map(|(_, subscription)| subscription.clone())
                .collect(),
        })
    }

    async fn roster_page(
        &self,
        conversation: &ConversationId,
        after: Option<&UserId>,
    ) -> Result<RosterPage, InternalError> {
        self.pause().await;
        let most = self.roster_page;
        let page = self.participants(conversation, after, most).await?;
        let participants = page.participants.into_iter();
        let participants: Vec<UserId> = participants.map(|found| found.user).collect();
        let next = participants.last().filter(|_| page.more).cloned();
        self.pause().await;
        let state = self.state();
        let found = state.subscriptions.iter().filter(|((id, _), row)| {
            id == conversation
                && after.is_none_or(|after| row.user > *after)
                && next.as_ref().is_none_or(|last| row.user <= *last)
        });
        let found = found.map(|(_, subscription)| subscription.clone());
        let subscriptions: Vec<Subscription> = found.collect();
        drop(state);
        self.count("roster_page", subscriptions.len());
        let roster = Roster {
            participants,
            subscriptions,
        };
        Ok(RosterPage { roster, next })
    }

    async fn small_roster(
        &self,
        conversation: &ConversationId,
        most: usize,
    ) -> Result<Option<Roster>, InternalError> {
        let roster = self.roster(conversation).await?;
        let rows = roster.participants.len() + roster.subscriptions.len();
        self.count("small_roster", rows.min(most + 1));
        Ok((rows <= most).then_some(roster))
    }

    async fn places_of(
        &self,
        connection: &ConnectionId,
    ) -> Result<Vec<ConversationId>, InternalError> {
        self.pause().await;
        let found = self.claims(connection);
        self.count("places_of", found.len());
        Ok(found.into_iter().collect())
    }
}

impl Presences for FakeChat {
    async fn look(
        &self,
        user: &UserId,
        connection: &ConnectionId,
        now: Timestamp,
    ) -> Result<Presence, InternalError> {
        self.pause().await;
        let mut state = self.state();
        let (presence, device) = state.presences.entry(user.clone()).or_default();
        presence.seen_at = Some(now);
        presence.active = true;
        *device = Some(connection.clone());
        Ok(*presence)
    }

    async fn look_away(
        &self,
        user: &UserId,
        connection: &ConnectionId,
        now: Timestamp,
    ) -> Result<Presence, InternalError> {
        self.pause().await;
        let mut state = self.state();
        let Some((presence, device)) = state.presences.get_mut(user) else {
            return Ok(Presence::default());
        };
        if device.as_ref() == Some(connection) || mutant!(AwayForAll) {
            presence.seen_at = Some(now);
            presence.active = false;
        }
        Ok(*presence)
    }

    async fn show_presence(&self, user: &UserId, shown: bool) -> Result<(), InternalError> {
        self.pause().await;
        let mut state = self.state();
        state.presences.entry(user.clone()).or_default().0.shown = shown;
        Ok(())
    }

    async fn presences(&self, users: &[UserId]) -> Result<Vec<(UserId, Presence)>, InternalError> {
        self.pause().await;
        let state = self.state();
        let found = users.iter().filter_map(|user| {
            let (presence, _) = state.presences.get(user)?;
            Some((user.clone(), *presence))
        });
        Ok(found.collect())
    }
}

impl Connections for FakeChat {
    async fn add_connection(
        &self,
        user: &UserId,
        connection: &Connection,
    ) -> Result<(), InternalError> {
        self.pause().await;
        let key = (user.clone(), connection.id.clone());
        self.state().connections.insert(key, connection.clone());
        Ok(())
    }

    async fn remove_connection(
        &self,
        user: &UserId,
        connection: &ConnectionId,
        conversations: &[ConversationId],
    ) -> Result<(), InternalError> {
        // The rows disappear one by one, as in a table.
        for conversation in conversations {
            self.pause().await;
            self.state()
                .subscriptions
                .remove(&(conversation.clone(), connection.clone()));
        }
        self.pause().await;
        let mut state = self.state();
        if !conversations.is_empty() {
            state.claims.remove(connection);
        }
        state
            .connections
            .remove(&(user.clone(), connection.clone()));
        Ok(())
    }

    async fn connections_of(&self, user: &UserId) -> Result<Vec<Connection>, InternalError> {
        self.pause().await;
        let state = self.state();
        let found = state
            .connections
            .iter()
            .filter(|((owner, _), _)| owner == user);
        Ok(found.map(|(_, connection)| connection.clone()).collect())
    }
}
