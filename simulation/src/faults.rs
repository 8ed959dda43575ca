//! What goes wrong, and when: each decision hangs on the seed and on the place where it is made, and on nothing else. So
//! a run comes again from its seed, and when one fault is taken out of it the others stay as much as they can.

use std::{
    collections::BTreeSet,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use chat::fakes::Chance;

/// Where in a run something is decided: which request of which client, which call of it.
#[derive(Clone, Copy, Debug)]
pub struct Place(u64);

impl Place {
    /// The whole run.
    pub fn of_seed(seed: u64) -> Self {
        Self(seed).within(0)
    }

    /// A place within this one.
    pub fn within(self, part: u64) -> Self {
        Self(Chance::new(self.0 ^ part.wrapping_mul(0xff51_afd7_ed55_8ccd).rotate_left(29)).draw())
    }

    /// A place within this one, by its name.
    pub fn named(self, name: &str) -> Self {
        name.bytes()
            .fold(self, |place, byte| place.within(u64::from(byte)))
    }

    /// Chance that belongs to this place.
    pub fn chance(self) -> Chance {
        Chance::new(self.0)
    }
}

/// What can be taken out of a run: a fault, or something that somebody does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Item(pub u32);

macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident $text:literal in $often:literal;)*) => {
        /// Something that goes wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Kind { $($(#[$doc])* $name,)* }

        impl Kind {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// What it is, for a report.
            pub fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// How often it happens in 10,000 times in which it could, in a run of medium weather.
            fn often(self) -> u64 {
                match self { $(Self::$name => $often,)* }
            }
        }
    };
}

faults! {
    /// A call takes up to four seconds, or up to twelve.
    CallSlow "storage: a call is slow" in 80;
    /// Throttled or failed beyond the retries, without effect.
    CallRefused "storage: a call is refused" in 60;
    /// The caller is told of a failure.
    CallUnanswered "storage: a call takes effect, its answer is lost" in 60;
    /// The SDK repeats what took effect.
    CallRepeated "storage: a call takes effect, its answer is lost, the SDK repeats it" in 150;
    /// Entries come in between.
    ReadTorn "storage: a read is torn" in 1500;
    /// What was written within the last second is not found yet.
    IndexLags "storage: an index lags" in 2000;
    /// Nothing is left of the function.
    DiedBefore "function: dies before a call" in 50;
    /// Its call took effect.
    DiedAfter "function: dies after a call" in 50;
    /// The call takes effect up to twenty seconds later.
    DiedMeanwhile "function: dies, its write arrives later" in 150;
    /// The gateway cannot start it.
    Throttled "function: does not start" in 80;
    /// The start takes up to two and a half seconds.
    ColdStart "function: starts cold" in 200;
    /// Though the connection is open: only while it is young.
    PushGone "push: gone, though open" in 150;
    /// 429 or 5xx.
    PushBusy "push: busy" in 400;
    /// Another attempt would not help.
    PushFailed "push: failed" in 200;
    /// It arrived.
    PushUnanswered "push: arrives, its answer is lost" in 150;
    /// Up to four seconds.
    PushSlow "push: slow" in 100;
    /// Up to three seconds, so that others overtake it.
    FrameDelayed "network: a frame is delayed" in 200;
    /// A connection ends with what is under way on it.
    CutBefore "network: a connection is cut, and a request lost" in 60;
    /// A connection ends while a request of it is at work, so that the next attempt meets it.
    CutMeanwhile "network: a connection is cut while a request is at work" in 250;
    /// A connection ends with what is under way on it.
    CutAfter "network: a connection is cut, and an answer lost" in 60;
    /// A request by HTTP never arrives.
    HttpRequestLost "network: a request by HTTP is lost" in 200;
    /// A request by HTTP is granted and nobody is told.
    HttpAnswerLost "network: an answer by HTTP is lost" in 300;
    /// It is refused before anything runs.
    HandshakeRefused "connection: the handshake fails" in 800;
    /// The client learns nothing.
    HalfOpen "connection: cut without a word to the client" in 3000;
    /// `$disconnect` comes up to a minute later.
    DisconnectLate "connection: $disconnect comes late" in 2000;
    /// `$disconnect` comes twice.
    DisconnectTwice "connection: $disconnect comes twice" in 1500;
    /// `$disconnect` never comes.
    DisconnectNever "connection: $disconnect never comes" in 2500;
    /// It begins anew with what it has kept, or with nothing.
    Crash "client: crashes and begins anew" in 4000;
    /// It sends with a position that never was.
    PositionInvented "client: sends with an invented position" in 100;
}

/// The faults of one run.
#[derive(Debug)]
pub struct Faults {
    often: Vec<u64>,
    /// If not all: what happens. It can only be less.
    kept: Option<BTreeSet<Item>>,
    stopped: AtomicBool,
    happened: Mutex<Happened>,
}

/// What has happened in a run.
#[derive(Clone, Debug, Default)]
pub struct Happened {
    /// In this order, each item once.
    pub items: Vec<Item>,
    seen: BTreeSet<Item>,
    /// How often each kind of fault did.
    pub counts: Vec<u64>,
}

impl Faults {
    /// Those of a place, which is a seed's. Each run has weather of its own, in which some kinds of faults are frequent
    /// and others do not happen, so that not all runs are alike.
    pub fn new(place: Place, kept: Option<BTreeSet<Item>>) -> Self {
        let chance = place.within(1).chance();
        let storm = [1, 2, 2, 4][usize::try_from(chance.below(4)).unwrap_or(0)];
        let often = Kind::ALL.iter().map(|kind| {
            let factor = [0, 1, 2, 2, 6][usize::try_from(chance.below(5)).unwrap_or(0)];
            (kind.often() * factor * storm / 4).min(6_000)
        });
        Self {
            often: often.collect(),
            kept,
            stopped: AtomicBool::new(false),
            happened: Mutex::new(Happened {
                counts: vec![0; Kind::ALL.len()],
                ..Happened::default()
            }),
        }
    }

    /// Whether this goes wrong here.
    pub fn strikes(&self, kind: Kind, place: Place) -> bool {
        if self.stopped.load(Ordering::Relaxed) {
            return false;
        }
        let number = kind as usize;
        let drawn = place.within(1_000 + number as u64).chance();
        if drawn.below(10_000) >= self.often[number] {
            return false;
        }
        let happens = self.happens(item(&drawn));
        if happens {
            self.happened.lock().unwrap().counts[number] += 1;
        }
        happens
    }

    /// Whether somebody does what he would do here.
    pub fn does(&self, place: Place) -> bool {
        self.happens(item(&place.within(999).chance()))
    }

    fn happens(&self, item: Item) -> bool {
        if self.kept.as_ref().is_some_and(|kept| !kept.contains(&item)) {
            return false;
        }
        let mut happened = self.happened.lock().unwrap();
        if happened.seen.insert(item) {
            happened.items.push(item);
        }
        true
    }

    /// From now on nothing goes wrong.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// What has happened so far.
    pub fn happened(&self) -> Happened {
        self.happened.lock().unwrap().clone()
    }
}

#[expect(clippy::cast_possible_truncation, reason = "half of the bits name it")]
fn item(drawn: &Chance) -> Item {
    Item(drawn.draw() as u32)
}
