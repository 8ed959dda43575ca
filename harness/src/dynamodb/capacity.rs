//! The capacity that a call has consumed, as its answer says it.

use std::slice;

use serde::Deserialize;

/// The member `ConsumedCapacity`: one object, or a list in the answers to batches and transactions.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Consumed {
    One(Capacity),
    Many(Vec<Capacity>),
}

impl Consumed {
    /// Returns the capacity by table.
    pub fn tables(&self) -> &[Capacity] {
        match self {
            Self::One(one) => slice::from_ref(one),
            Self::Many(many) => many,
        }
    }
}

/// The capacity units of one table.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Capacity {
    #[serde(default)]
    pub capacity_units: f64,
    pub read_capacity_units: Option<f64>,
    pub write_capacity_units: Option<f64>,
}
