//! The records of the embedded engine's streams, as far as the engine leaves them to its host.
//!
//! For each write into a table with a stream, the engine looks up the table's highest sequence
//! number in `_stream_records`. Without an index it reads every record for that, so writes get
//! slower with each write. It also never deletes a record, whereas AWS keeps them for 24 hours.
//! This module creates the index and deletes old records, by a connection of its own to the same
//! database.

use std::sync::{Mutex, PoisonError};

use rusqlite::{Connection, params};
use time::{Duration, OffsetDateTime};

/// The second column is the expression whose maximum the engine reads.
const INDEX: &str = "CREATE INDEX IF NOT EXISTS confab_stream_records ON _stream_records \
                     (table_name, CAST(sequence_number AS INTEGER))";
/// Deletes records from before `?1`, among the `?2` oldest. Ids grow with time.
const TRIM: &str = "DELETE FROM _stream_records WHERE created_at < ?1 AND id IN \
                    (SELECT id FROM _stream_records ORDER BY id LIMIT ?2)";
/// As on AWS.
const RETENTION: Duration = Duration::hours(24);
/// The maximum number of records that one call deletes. The engine waits meanwhile.
pub(super) const BATCH: usize = 1_000;

/// The connection by which the records of all streams are trimmed.
#[derive(Debug)]
pub(super) struct Stream(Mutex<Connection>);

impl Stream {
    /// Opens the engine's database at `location`, and creates the index unless it exists.
    pub fn open(location: &str) -> rusqlite::Result<Self> {
        let connection = Connection::open(location)?;
        connection.execute_batch(INDEX)?;
        Ok(Self(Mutex::new(connection)))
    }

    /// Deletes records older than 24 hours, at most [`BATCH`]. Returns how many.
    pub fn trim(&self, now: OffsetDateTime) -> rusqlite::Result<usize> {
        let oldest = (now - RETENTION).unix_timestamp();
        let connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        connection.execute(TRIM, params![oldest, BATCH])
    }
}

#[cfg(test)]
mod tests {
    use std::{
        cell::{Cell, RefCell},
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
    };

    use dynoxide::storage::Storage;
    use rusqlite::trace::{TraceEvent, TraceEventCodes};
    use tempfile::tempdir;

    use super::*;
    use crate::dynamodb::embedded::in_memory;

    /// The engine's own storage layer, with `records` in the stream of the table `chat`.
    fn storage(location: &str, records: i64) -> Storage {
        let storage = Storage::new(location).unwrap();
        storage.conn().execute_batch("BEGIN").unwrap();
        for sequence in 1..=records {
            add(&storage, sequence, 1_700_000_000);
        }
        storage.conn().execute_batch("COMMIT").unwrap();
        storage
    }

    fn add(storage: &Storage, sequence: i64, created_at: i64) {
        let sequence = sequence.to_string();
        storage
            .insert_stream_record(
                "chat", "INSERT", "{}", None, None, &sequence, "s", created_at,
            )
            .unwrap();
    }

    /// How many instructions SQLite runs for the next sequence number.
    fn steps(storage: &Storage) -> usize {
        steps_of(storage, || {
            storage.next_stream_sequence_number("chat").unwrap();
        })
    }

    /// How many instructions SQLite runs for `work`.
    fn steps_of(storage: &Storage, work: impl FnOnce()) -> usize {
        let steps = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&steps);
        let count = move || {
            counter.fetch_add(1, Ordering::Relaxed);
            false
        };
        storage.conn().progress_handler(1, Some(count));
        work();
        storage.conn().progress_handler(0, None::<fn() -> bool>);
        steps.load(Ordering::Relaxed)
    }

    #[test]
    fn a_write_reads_as_many_records_of_a_long_stream_as_of_a_short_one() {
        let counts = [10, 10_000].map(|records| {
            let location = in_memory();
            let storage = storage(&location, records);
            let _stream = Stream::open(&location).unwrap();
            steps(&storage)
        });
        assert_eq!(counts[0], counts[1]);
    }

    #[test]
    fn a_poll_at_the_end_of_a_long_stream_reads_no_more_than_of_a_short_one() {
        let counts = [10, 10_000].map(|records| {
            let location = in_memory();
            let storage = storage(&location, records);
            let _stream = Stream::open(&location).unwrap();
            let read = |after, expected| {
                let found = Cell::new(0);
                let steps = steps_of(&storage, || {
                    let records = storage.get_stream_records("chat", "s", after, 1_000);
                    found.set(records.unwrap().len());
                });
                assert_eq!(found.get(), expected);
                steps
            };
            // Without a new record, and with one.
            [read(records, 0), read(records - 1, 1)]
        });
        assert_eq!(counts[0], counts[1]);
    }

    thread_local! {
        static STATEMENTS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    }

    #[test]
    fn the_engine_finds_its_next_sequence_number_by_the_index() {
        let location = in_memory();
        let storage = storage(&location, 10);
        let stream = Stream::open(&location).unwrap();
        storage.conn().trace_v2(
            TraceEventCodes::SQLITE_TRACE_STMT,
            Some(|event| {
                if let TraceEvent::Stmt(_, statement) = event {
                    STATEMENTS.with_borrow_mut(|all| all.push(statement.to_owned()));
                }
            }),
        );
        storage.next_stream_sequence_number("chat").unwrap();
        let asked = STATEMENTS.take();
        let [statement] = &asked[..] else {
            panic!("{asked:?}");
        };
        let connection = stream.0.lock().unwrap();
        let mut explained = connection
            .prepare(&format!("EXPLAIN QUERY PLAN {statement}"))
            .unwrap();
        let plan: Vec<String> = explained
            .query_map(["chat"], |row| row.get("detail"))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert!(
            plan.iter()
                .any(|step| step.contains("SEARCH") && step.contains("confab_stream_records")),
            "{statement}: {plan:?}"
        );
    }

    #[test]
    fn a_database_that_was_kept_without_the_index_gets_it() {
        let folder = tempdir().unwrap();
        let counts = [10, 1_000].map(|records| {
            let path = folder.path().join(records.to_string());
            let location = path.to_str().unwrap();
            drop(storage(location, records));
            for _ in 0..2 {
                Stream::open(location).unwrap();
            }
            steps(&Storage::new(location).unwrap())
        });
        assert_eq!(counts[0], counts[1]);
    }

    #[test]
    fn records_older_than_24_hours_are_deleted_and_no_others() {
        let location = in_memory();
        let storage = storage(&location, 0);
        let stream = Stream::open(&location).unwrap();
        let now = OffsetDateTime::now_utc();
        let ages = [
            Duration::hours(48),
            Duration::hours(25),
            Duration::hours(23),
        ];
        for (sequence, age) in (1..).zip(ages) {
            add(&storage, sequence, (now - age).unix_timestamp());
        }
        assert_eq!(stream.trim(now).unwrap(), 2);
        let left = storage.get_stream_records("chat", "s", 0, 10).unwrap();
        let left: Vec<_> = left.iter().map(|record| &record.sequence_number).collect();
        assert_eq!(left, ["3"]);
    }
}
