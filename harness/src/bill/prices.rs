//! The list prices of AWS, from one file with their date.

use std::{collections::BTreeMap, str::FromStr};

use serde::Deserialize;

const FILE: &str = include_str!("prices.json");

/// The prices of one region.
#[derive(Clone, Debug, PartialEq)]
pub struct PriceList {
    /// The region.
    pub region: String,
    /// The day on which AWS asked these prices, `2025-11-01`.
    pub as_of: String,
    pub(super) prices: Prices,
}

/// The prices by unit, in US dollars.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Prices {
    pub million_socket_messages: f64,
    pub million_connection_minutes: f64,
    pub million_http_requests: f64,
    pub million_invocations: f64,
    pub gb_second: f64,
    pub million_read_units: f64,
    pub million_write_units: f64,
    pub gb_month_table: f64,
    pub million_stream_reads: f64,
    pub million_queue_requests: f64,
    pub thousand_object_writes: f64,
    pub thousand_object_reads: f64,
    pub gb_logs: f64,
    pub gb_egress: f64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    as_of: String,
    regions: BTreeMap<String, Prices>,
}

/// There are no prices of the region.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "there are no prices of the region {0}; there are some of us-east-1 and eu-central-1, and \
         harness/src/bill/prices.json takes more"
)]
pub struct UnknownRegion(String);

impl FromStr for PriceList {
    type Err = UnknownRegion;

    fn from_str(region: &str) -> Result<Self, UnknownRegion> {
        let unknown = || UnknownRegion(region.to_owned());
        // A test reads the whole file.
        let file: File = serde_json::from_str(FILE).map_err(|_| unknown())?;
        let prices = file.regions.get(region).ok_or_else(unknown)?;
        Ok(Self {
            region: region.to_owned(),
            as_of: file.as_of,
            prices: *prices,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_has_the_prices_of_two_regions() {
        for region in ["us-east-1", "eu-central-1"] {
            let list: PriceList = region.parse().unwrap();
            assert_eq!(list.region, region);
            assert_eq!(list.as_of.len(), 10);
        }
        let unknown = "mars-1".parse::<PriceList>().unwrap_err();
        assert!(unknown.to_string().contains("mars-1"));
    }
}
