//! The faults of a run. Each decision depends only on the seed and on the place where it is made.
//!
//! So a run can be repeated from its seed, and if one fault is left out, the others change as
//! little as possible.

use std::{
    collections::BTreeSet,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use chat::fakes::Chance;

/// A place in a run at which a decision is drawn, for example a call of a request of a client.
#[derive(Clone, Copy, Debug)]
pub struct Place(u64);

impl Place {
    /// Returns the place of a whole run.
    pub fn of_seed(seed: u64) -> Self {
        Self(seed).within(0)
    }

    /// Returns a place within this one.
    pub fn within(self, part: u64) -> Self {
        Self(Chance::new(self.0 ^ part.wrapping_mul(0xff51_afd7_ed55_8ccd).rotate_left(29)).draw())
    }

    /// Returns a place within this one by a name.
    pub fn named(self, name: &str) -> Self {
        name.bytes()
            .fold(self, |place, byte| place.within(u64::from(byte)))
    }

    /// Returns the random numbers of this place.
    pub fn chance(self) -> Chance {
        Chance::new(self.0)
    }
}

/// A fault or an action that can be left out of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Item(pub u32);

macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident $text:literal in $often:literal;)*) => {
        /// A kind of fault.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Kind { $($(#[$doc])* $name,)* }

        impl Kind {
            /// All kinds.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Returns the description for reports.
            pub fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// Returns how often the fault is injected per 10,000 opportunities, in a run of medium
            /// severity.
            fn often(self) -> u64 {
                match self { $(Self::$name => $often,)* }
            }
        }
    };
}

faults! {
    /// A call takes up to four seconds, sometimes up to twelve.
    CallSlow "storage: a call is slow" in 80;
    /// A call is throttled or fails beyond the retries, without an effect.
    CallRefused "storage: a call is refused" in 60;
    /// A call takes effect, but the caller gets an error.
    CallUnanswered "storage: a call takes effect, but its answer is lost" in 60;
    /// A call takes effect, and the SDK repeats it.
    CallRepeated "storage: a call takes effect, and the SDK repeats it" in 150;
    /// Writes happen between the two halves of a read.
    ReadTorn "storage: a read is torn" in 1500;
    /// An index does not contain the writes of the last second.
    IndexLags "storage: an eventually consistent read lags" in 2000;
    /// The function dies before a call.
    DiedBefore "function: dies before a call" in 50;
    /// The function dies after a call took effect.
    DiedAfter "function: dies after a call" in 50;
    /// The function dies, and its call takes effect up to twenty seconds later.
    DiedMeanwhile "function: dies, and its write arrives later" in 150;
    /// The gateway cannot start the function.
    Throttled "function: does not start" in 80;
    /// The function starts up to two and a half seconds late.
    ColdStart "function: starts cold" in 200;
    /// A push to an open connection is answered 410, only while the connection is young.
    PushGone "push: gone, though the connection is open" in 150;
    /// A push is answered 429 or 5xx.
    PushBusy "push: busy" in 400;
    /// A push fails, and a retry would not help.
    PushFailed "push: failed" in 200;
    /// A push arrives, but its answer is lost.
    PushUnanswered "push: arrives, but its answer is lost" in 150;
    /// A push takes up to four seconds.
    PushSlow "push: slow" in 100;
    /// A frame takes up to three seconds, so that others overtake it.
    FrameDelayed "network: a frame is delayed" in 200;
    /// A connection is cut while a request is in transit.
    CutBefore "network: a connection is cut, and a request is lost" in 60;
    /// A connection is cut while its request is processed, so that the next attempt overlaps it.
    CutMeanwhile "network: a connection is cut while a request is processed" in 250;
    /// A connection is cut while an answer is in transit.
    CutAfter "network: a connection is cut, and an answer is lost" in 60;
    /// An HTTP request never arrives.
    HttpRequestLost "network: an HTTP request is lost" in 200;
    /// An HTTP request takes effect, but its answer is lost.
    HttpAnswerLost "network: an HTTP answer is lost" in 300;
    /// A handshake is refused before a function runs.
    HandshakeRefused "connection: the handshake fails" in 800;
    /// A connection is cut and the client does not notice.
    HalfOpen "connection: cut without the client's notice" in 3000;
    /// `$disconnect` is called up to a minute late.
    DisconnectLate "connection: $disconnect is late" in 2000;
    /// `$disconnect` is called twice.
    DisconnectTwice "connection: $disconnect is called twice" in 1500;
    /// `$disconnect` is never called.
    DisconnectNever "connection: $disconnect is never called" in 2500;
    /// A client crashes, and restarts from its saved state or from nothing.
    Crash "client: crashes and restarts" in 4000;
    /// A client sends with a position that does not exist.
    PositionInvented "client: sends with an invented position" in 100;
    /// The token of a connection ends a few seconds after the handshake, and the connection stays
    /// open until the client learns it.
    TokenEnds "connection: the token ends while it is open" in 1500;
}

/// The faults of one run.
#[derive(Debug)]
pub struct Faults {
    often: Vec<u64>,
    /// If set: only these items occur.
    kept: Option<BTreeSet<Item>>,
    stopped: AtomicBool,
    occurrences: Mutex<Occurrences>,
}

/// The faults and actions that occurred in a run.
#[derive(Clone, Debug, Default)]
pub struct Occurrences {
    /// The items in order of first occurrence.
    pub items: Vec<Item>,
    seen: BTreeSet<Item>,
    /// How often each kind of fault was injected.
    pub counts: Vec<u64>,
}

impl Faults {
    /// Draws the severity of each kind of fault for the run of a place. Some kinds become frequent
    /// and others are disabled, so that runs differ.
    pub fn new(place: Place, kept: Option<BTreeSet<Item>>) -> Self {
        let chance = place.within(1).chance();
        let severity = [1, 2, 2, 4][usize::try_from(chance.below(4)).unwrap_or(0)];
        let often = Kind::ALL.iter().map(|kind| {
            let factor = [0, 1, 2, 2, 6][usize::try_from(chance.below(5)).unwrap_or(0)];
            (kind.often() * factor * severity / 4).min(6_000)
        });
        Self {
            often: often.collect(),
            kept,
            stopped: AtomicBool::new(false),
            occurrences: Mutex::new(Occurrences {
                counts: vec![0; Kind::ALL.len()],
                ..Occurrences::default()
            }),
        }
    }

    /// Whether a fault is injected at this place. Counts it.
    pub fn injects(&self, kind: Kind, place: Place) -> bool {
        if self.stopped.load(Ordering::Relaxed) {
            return false;
        }
        let number = kind as usize;
        let drawn = place.within(1_000 + number as u64).chance();
        if drawn.below(10_000) >= self.often[number] {
            return false;
        }
        let occurs = self.occurs(item(&drawn));
        if occurs {
            self.occurrences.lock().unwrap().counts[number] += 1;
        }
        occurs
    }

    /// Whether the action at this place is part of the run.
    pub fn keeps(&self, place: Place) -> bool {
        self.occurs(item(&place.within(999).chance()))
    }

    fn occurs(&self, item: Item) -> bool {
        if self.kept.as_ref().is_some_and(|kept| !kept.contains(&item)) {
            return false;
        }
        let mut occurrences = self.occurrences.lock().unwrap();
        if occurrences.seen.insert(item) {
            occurrences.items.push(item);
        }
        true
    }

    /// Stops all faults.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Returns what occurred so far.
    pub fn occurrences(&self) -> Occurrences {
        self.occurrences.lock().unwrap().clone()
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "half of the bits identify an item"
)]
fn item(drawn: &Chance) -> Item {
    Item(drawn.draw() as u32)
}
