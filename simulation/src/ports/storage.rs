//! The storage ports: each call is passed to the fakes, with faults.

use std::sync::{Arc, atomic::Ordering};

use chat::{
    domain::{
        Connection, ConnectionId, Conversation, ConversationId, Entry, Participant, ReactionKey,
        Seq, Subscription, Timestamp, UserId,
    },
    error::InternalError,
    ports::{
        Advanced, Clock as _, Connections, ConversationPage, Log, Page, ParticipantPage,
        Participants, Presence, Presences, Put, ReactionPage, ReactionRange, Reactions, Receipt,
        Receipts, Roster, RosterPage, Standing, Subscriptions,
    },
};

use super::Ports;

/// Implements methods of a port, each as a call of the fakes with faults.
macro_rules! calls {
    ($port:ident: $($method:ident($($argument:ident: $of:ty),*) -> $answer:ty, $doing:literal;)*) => {
        $(async fn $method(&self, $($argument: $of),*) -> Result<$answer, InternalError> {
            self.call($doing, || $port::$method(&self.world.chat, $($argument),*)).await
        })*
    };
}

impl Log for Ports {
    async fn read_from(
        &self,
        conversation: &ConversationId,
        first: Seq,
        limit: usize,
    ) -> Result<Page, InternalError> {
        let call = self.set_out("reading a log").await?;
        let chat = &self.world.chat;
        if !self.is_torn(&call) {
            return self
                .complete(call, || chat.read_from(conversation, first, limit))
                .await;
        }
        // Entries before `passed` are read now, the rest later. Often the next position was empty
        // at first, and the second half finds entries after it.
        let mut page = chat.read_from(conversation, first, limit).await?;
        let head = chat.head(conversation);
        let passed = if call.chance.below(2) == 0 {
            head + 2
        } else {
            call.chance.below(head + 2)
        };
        let passed = Seq::new(passed).unwrap_or(Seq::MAX);
        page.entries.retain(|entry| entry.seq < passed);
        self.meanwhile(&call).await;
        let rest = chat
            .read_from(conversation, first.max(passed), limit)
            .await?;
        page.more |= rest.more || page.entries.len() + rest.entries.len() > limit;
        page.entries.extend(rest.entries);
        page.entries.truncate(limit);
        if page
            .entries
            .iter()
            .zip(page.entries.iter().skip(1))
            .any(|(one, next)| one.seq.next() != next.seq)
        {
            self.world.count("reads with a hole");
            self.world
                .trace(|| format!("  a read of {conversation} is torn at {passed} and has a hole"));
        }
        self.complete(call, || async { Ok(page.clone()) }).await
    }

    async fn read_back(
        &self,
        conversation: &ConversationId,
        last: Seq,
        limit: usize,
    ) -> Result<Page, InternalError> {
        let call = self.set_out("reading a log back").await?;
        let chat = &self.world.chat;
        if !self.is_torn(&call) {
            return self
                .complete(call, || chat.read_back(conversation, last, limit))
                .await;
        }
        let mut page = chat.read_back(conversation, last, limit).await?;
        let oldest = page.entries.last().map_or(0, |entry| entry.seq.number());
        let newest = page.entries.first().map_or(0, |entry| entry.seq.number());
        let passed = oldest + call.chance.below(newest - oldest + 1);
        page.entries.retain(|entry| entry.seq.number() >= passed);
        self.meanwhile(&call).await;
        let rest = match Seq::new(passed).and_then(Seq::previous) {
            Some(before) => {
                chat.read_back(
                    conversation,
                    before,
                    limit.saturating_sub(page.entries.len()).max(1),
                )
                .await?
            }
            None => Page::default(),
        };
        page.more |= rest.more;
        page.entries.extend(rest.entries);
        page.entries.truncate(limit);
        self.complete(call, || async { Ok(page.clone()) }).await
    }

    calls! { Log:
        read_at(conversation: &ConversationId, positions: &[Seq]) -> Vec<Entry>,
            "reading single entries";
    }

    /// An eventually consistent read may not have the newest entry of a log yet.
    async fn stored_at(
        &self,
        positions: &[(ConversationId, Seq)],
    ) -> Result<Vec<(ConversationId, Seq)>, InternalError> {
        let call = self.set_out("looking for entries").await?;
        let lags = self.lags(&call);
        let chat = &self.world.chat;
        let mut found = self.complete(call, || chat.stored_at(positions)).await?;
        if lags {
            found.retain(|(conversation, seq)| seq.number() < chat.head(conversation));
        }
        Ok(found)
    }

    async fn put(
        &self,
        conversation: &ConversationId,
        entry: &Entry,
    ) -> Result<Put, InternalError> {
        let call = self.set_out("putting an entry").await?;
        let world = &self.world;
        let late = {
            let (world, conversation, entry) =
                (Arc::clone(world), conversation.clone(), entry.clone());
            async move {
                if let Ok(Put::Stored) = world.chat.put(&conversation, &entry).await {
                    world.count("late puts that were stored");
                }
            }
        };
        self.may_die_meanwhile(&call, late).await;
        let put = self
            .complete(call, || world.chat.put(conversation, entry))
            .await?;
        let Entry { seq, draft, .. } = entry;
        match &put {
            Put::Stored => world.count("puts that were stored"),
            Put::Taken(entry) if entry.draft.has_name_of(draft) => {
                world.count("puts that met their own entry")
            }
            Put::Taken(_) => world.count("puts that lost their position"),
            Put::Unchanged => world.count("changes without effect"),
            Put::Full => world.count("additions beyond the limit"),
        }
        world.trace(|| {
            let (sender, id) = (&draft.sender, &draft.id);
            let became = match put {
                Put::Stored => "is stored",
                Put::Taken(_) => "meets another entry, or itself,",
                Put::Unchanged => "has no effect",
                Put::Full => "finds the conversation full",
            };
            format!("  {sender}'s {id} {became} at {seq} of {conversation}")
        });
        Ok(put)
    }
}

impl Participants for Ports {
    calls! { Participants:
        create(conversation: &Conversation, participants: &[Participant]) -> bool,
            "creating a conversation";
        conversation(conversation: &ConversationId) -> Option<Conversation>,
            "reading a conversation";
        participant(conversation: &ConversationId, user: &UserId) -> Option<Participant>,
            "reading a participant";
        participants(conversation: &ConversationId, after: Option<&UserId>, limit: usize)
            -> ParticipantPage, "reading participants";
        few_participants(conversation: &ConversationId, most: usize) -> Option<Vec<Participant>>,
            "reading few participants";
        conversations_of(user: &UserId, after: Option<&ConversationId>, limit: usize)
            -> ConversationPage, "reading a user's conversations";
        memberships_of(user: &UserId, conversations: &[ConversationId])
            -> Vec<(Conversation, Participant)>, "confirming conversations";
        participations_of(user: &UserId, conversations: &[ConversationId])
            -> Vec<(ConversationId, Participant)>, "reading participations";
    }
}

impl Reactions for Ports {
    async fn standing(
        &self,
        conversation: &ConversationId,
        reaction: &ReactionKey,
        most: usize,
    ) -> Result<Standing, InternalError> {
        let apply = || self.world.chat.standing(conversation, reaction, most);
        self.call("reading what a reaction depends on", apply).await
    }

    async fn reactions(
        &self,
        conversation: &ConversationId,
        range: &ReactionRange,
        limit: usize,
    ) -> Result<ReactionPage, InternalError> {
        let apply = || self.world.chat.reactions(conversation, range, limit);
        self.call("reading reactions", apply).await
    }
}

impl Receipts for Ports {
    async fn advance(
        &self,
        conversation: &ConversationId,
        user: &UserId,
        receipt: Receipt,
    ) -> Result<Option<Advanced>, InternalError> {
        let call = self.set_out("storing a receipt").await?;
        let world = &self.world;
        let late = {
            let (world, conversation, user) =
                (Arc::clone(world), conversation.clone(), user.clone());
            async move {
                let _ = world.chat.advance(&conversation, &user, receipt).await;
                world.count("late receipts that were stored");
            }
        };
        self.may_die_meanwhile(&call, late).await;
        let advanced = self
            .complete(call, || world.chat.advance(conversation, user, receipt))
            .await?;
        world.count(match advanced {
            None => "receipts of users who are not participants",
            Some(Advanced { moved: false, .. }) => "receipts with nothing new",
            Some(_) => "receipts that were stored",
        });
        Ok(advanced)
    }
}

impl Presences for Ports {
    async fn look(
        &self,
        user: &UserId,
        connection: &ConnectionId,
        now: Timestamp,
    ) -> Result<Presence, InternalError> {
        let apply = || async {
            let presence = self.world.chat.look(user, connection, now).await?;
            self.world.observer().presences.looks(user, connection);
            Ok(presence)
        };
        self.call("recording that a user looks", apply).await
    }

    async fn look_away(
        &self,
        user: &UserId,
        connection: &ConnectionId,
        now: Timestamp,
    ) -> Result<Presence, InternalError> {
        let apply = || async {
            let presence = self.world.chat.look_away(user, connection, now).await?;
            let mut observer = self.world.observer();
            observer.looked_away(user, connection, presence);
            Ok(presence)
        };
        self.call("recording that a user looks away", apply).await
    }

    async fn show_presence(&self, user: &UserId, shown: bool) -> Result<(), InternalError> {
        let apply = || async {
            self.world.chat.show_presence(user, shown).await?;
            self.world.observer().presences.shows(user, shown);
            Ok(())
        };
        self.call("showing or hiding a presence", apply).await
    }

    calls! { Presences:
        presences(users: &[UserId]) -> Vec<(UserId, Presence)>, "reading presences";
    }
}

impl Subscriptions for Ports {
    async fn subscribe(
        &self,
        conversation: &ConversationId,
        subscription: &Subscription,
    ) -> Result<(), InternalError> {
        let call = self.set_out("putting a subscription").await?;
        let late = {
            let world = Arc::clone(&self.world);
            let (conversation, subscription) = (conversation.clone(), subscription.clone());
            async move {
                let _ = world.chat.subscribe(&conversation, &subscription).await;
            }
        };
        self.may_die_meanwhile(&call, late).await;
        self.world
            .observer()
            .row_put(conversation, &subscription.connection.id, self.now());
        self.complete(call, || {
            self.world.chat.subscribe(conversation, subscription)
        })
        .await
    }

    /// DynamoDB may put some of the rows and not the others, so each is a call of its own.
    async fn subscribe_to_all(
        &self,
        conversations: &[ConversationId],
        subscription: &Subscription,
    ) -> Result<(), InternalError> {
        for conversation in conversations {
            self.subscribe(conversation, subscription).await?;
        }
        Ok(())
    }

    async fn unsubscribe(
        &self,
        conversation: &ConversationId,
        user: &UserId,
        connection: &ConnectionId,
    ) -> Result<(), InternalError> {
        let apply = || {
            self.world.observer().row_deleted(conversation, connection);
            self.world.chat.unsubscribe(conversation, user, connection)
        };
        self.call("deleting a subscription", apply).await
    }

    calls! { Subscriptions:
        claim(connection: &Connection, conversations: &[ConversationId], most: usize) -> bool,
            "claiming places";
        release(conversation: &ConversationId, connection: &ConnectionId) -> (),
            "releasing a place";
    }

    /// A torn read returns the subscriptions of a later moment than the participants.
    async fn roster(&self, conversation: &ConversationId) -> Result<Roster, InternalError> {
        let call = self.set_out("reading a roster").await?;
        let chat = &self.world.chat;
        let read = if self.is_torn(&call) {
            let first = chat.roster(conversation).await?;
            self.meanwhile(&call).await;
            let second = chat.roster(conversation).await?;
            let read = Roster {
                participants: first.participants,
                subscriptions: second.subscriptions,
            };
            self.complete(call, || async { Ok(read.clone()) }).await?
        } else {
            self.complete(call, || chat.roster(conversation)).await?
        };
        self.roster_at.store(self.now().millis(), Ordering::Relaxed);
        Ok(read)
    }

    /// A torn read returns the subscriptions of a later moment than the participants.
    async fn roster_page(
        &self,
        conversation: &ConversationId,
        after: Option<&UserId>,
    ) -> Result<RosterPage, InternalError> {
        let call = self.set_out("reading a page of a roster").await?;
        let chat = &self.world.chat;
        let read = if self.is_torn(&call) {
            let mut page = chat.roster_page(conversation, after).await?;
            self.meanwhile(&call).await;
            let mut later = chat.roster(conversation).await?.subscriptions;
            later.retain(|row| {
                after.is_none_or(|after| row.user > *after)
                    && page.next.as_ref().is_none_or(|last| row.user <= *last)
            });
            page.roster.subscriptions = later;
            self.complete(call, || async { Ok(page.clone()) }).await?
        } else {
            self.complete(call, || chat.roster_page(conversation, after))
                .await?
        };
        if after.is_none() {
            self.roster_at.store(self.now().millis(), Ordering::Relaxed);
        } else {
            self.world.count("further pages of rosters");
        }
        Ok(read)
    }

    /// A torn read returns the subscriptions of a later moment than the participants.
    async fn small_roster(
        &self,
        conversation: &ConversationId,
        most: usize,
    ) -> Result<Option<Roster>, InternalError> {
        let roster = self.roster(conversation).await?;
        let rows = roster.participants.len() + roster.subscriptions.len();
        let roster = (rows <= most).then_some(roster);
        *self.signallers.lock().unwrap() = roster
            .iter()
            .flat_map(|roster| roster.participants.clone())
            .collect();
        Ok(roster)
    }

    async fn places_of(
        &self,
        connection: &ConnectionId,
    ) -> Result<Vec<ConversationId>, InternalError> {
        let call = self.set_out("reading a connection's places").await?;
        let lags = self.lags(&call);
        let mut found = self
            .complete(call, || self.world.chat.places_of(connection))
            .await?;
        if lags {
            let observer = self.world.observer();
            found.retain(|conversation| !observer.is_recent(conversation, connection, self.now()));
        }
        Ok(found)
    }
}

impl Connections for Ports {
    calls! { Connections:
        add_connection(user: &UserId, connection: &Connection) -> (), "putting a connection";
        connections_of(user: &UserId) -> Vec<Connection>, "reading a user's connections";
    }

    /// DynamoDB may delete some of the rows and not the others, so each is a call of its own.
    async fn remove_connection(
        &self,
        user: &UserId,
        connection: &ConnectionId,
        conversations: &[ConversationId],
    ) -> Result<(), InternalError> {
        for conversation in conversations {
            self.unsubscribe(conversation, user, connection).await?;
        }
        let apply = || self.world.chat.remove_connection(user, connection, &[]);
        self.call("deleting a connection", apply).await
    }
}
