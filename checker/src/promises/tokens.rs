//! No push reaches a connection after its token has ended. This is the only promise that is about
//! connections and not about one conversation: a notice belongs to none.

use std::collections::BTreeMap;

use super::json;
use crate::{
    history::Record,
    verdict::{Promise, Violation},
};

pub fn search(records: &[(usize, Record)], found: &mut Vec<Violation>) {
    let mut expired = BTreeMap::new();
    for (number, record) in records {
        match record {
            Record::Expired(connection) => {
                expired
                    .entry(&connection.connection)
                    .or_insert((number, record));
            }
            Record::Pushed { connection, event } => {
                let Some((end, token)) = expired.get(&connection.connection) else {
                    continue;
                };
                let what = format!(
                    "{event} was pushed to {}'s connection {} after its token had ended",
                    connection.user, connection.connection
                );
                let trace = [(*end, *token), (number, record)];
                let line = |(number, record)| format!("{number}: {}", json(record));
                found.push(Violation {
                    promise: Promise::Expired,
                    what,
                    trace: trace.map(line).to_vec(),
                });
            }
            _ => {}
        }
    }
}
