//! What AWS would have charged for what the stack did.
//!
//! - [`Usage`] has the quantities that AWS bills, in its steps.
//! - [`Meter`] adds them up, in total and for each action.
//! - [`PriceList`] has the prices of a region, from one file with their date.
//! - [`Bill`] is the result: for the terminal, and as JSON at `/.local/bill`.
//!
//! Free tiers, discounts and taxes are left out, and so are the higher tiers of large amounts, which
//! are cheaper.

mod control;
mod meter;
mod prices;
mod statement;
mod usage;

pub(crate) use self::statement::cost;
pub use self::{
    control::{Billing, Connected, Gauges, router},
    meter::{ActionUsage, Meter},
    prices::{PriceList, UnknownRegion},
    statement::{Bill, Line, Stored},
    usage::{Usage, steps},
};
