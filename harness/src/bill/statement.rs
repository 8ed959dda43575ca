//! The bill: one line for each quantity, and the cost of each action.

use std::{fmt, time::Duration};

use serde::Serialize;

use super::{ActionUsage, PriceList, Usage};

const MILLION: f64 = 1e6;
const GB: f64 = 1024.0 * 1024.0 * 1024.0;
const MINUTE_MS: f64 = 60_000.0;
/// AWS prorates the price of a month by the hour; 730 hours are one.
const MONTH_HOURS: f64 = 730.0;
/// What DynamoDB adds to each item, in bytes.
const ITEM_OVERHEAD: u64 = 100;
/// The most actions on the terminal.
const SHOWN_ACTIONS: usize = 12;

/// What is stored, and for how long.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Stored {
    /// The items of all tables, in bytes.
    pub table_bytes: u64,
    /// The number of items.
    pub items: u64,
    /// How long they are billed for.
    pub time: Duration,
}

/// One line of a bill.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// `API Gateway`, …
    pub service: &'static str,
    /// What is counted.
    pub item: &'static str,
    /// How much, in the unit of the price.
    pub quantity: f64,
    /// For example `million`.
    pub unit: &'static str,
    /// For one unit.
    pub price: f64,
    /// The product.
    pub cost: f64,
}

/// What equal actions cost.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ActionCost {
    /// The route, or what else began it.
    pub action: String,
    /// How many messages each of them posted.
    pub pushes: u64,
    /// How many there were.
    pub count: u64,
    /// What one of them costs, on average.
    pub each: f64,
    /// What all of them used.
    pub usage: Usage,
}

/// What AWS would have charged.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Bill {
    /// The region of the prices.
    pub region: String,
    /// The day on which AWS asked these prices.
    pub prices_as_of: String,
    /// Always US dollars.
    pub currency: &'static str,
    /// What is left out.
    pub note: &'static str,
    /// The time since the start, by the clock that can be set ahead.
    pub seconds: f64,
    /// The lines.
    pub lines: Vec<Line>,
    /// Their sum.
    pub total: f64,
    /// What each kind of action costs.
    pub actions: Vec<ActionCost>,
    /// The quantities.
    pub usage: Usage,
}

impl Bill {
    /// Creates the bill of `usage` and `stored`.
    #[must_use]
    pub fn new(list: &PriceList, usage: Usage, stored: Stored, actions: Vec<ActionUsage>) -> Self {
        let lines = lines(list, &usage, stored);
        let actions = actions.into_iter().map(|action| ActionCost {
            each: sum(&self::lines(list, &action.usage, Stored::default())) / float(action.count),
            action: action.action,
            pushes: action.pushes,
            count: action.count,
            usage: action.usage,
        });
        Self {
            region: list.region.clone(),
            prices_as_of: list.as_of.clone(),
            currency: "USD",
            note: "list prices of the first tier; free tiers, discounts and taxes are left out",
            seconds: stored.time.as_secs_f64(),
            total: sum(&lines),
            lines,
            actions: actions.collect(),
            usage,
        }
    }
}

/// Returns what a usage costs, without storage.
pub(crate) fn cost(list: &PriceList, usage: &Usage) -> f64 {
    sum(&lines(list, usage, Stored::default()))
}

fn sum(lines: &[Line]) -> f64 {
    lines.iter().map(|line| line.cost).sum()
}

/// Counts are far below 2^53, so nothing is lost.
fn float(count: u64) -> f64 {
    count as f64
}

fn lines(list: &PriceList, usage: &Usage, stored: Stored) -> Vec<Line> {
    let prices = &list.prices;
    let stored_bytes = float(stored.table_bytes + ITEM_OVERHEAD * stored.items);
    let months = stored.time.as_secs_f64() / 3600.0 / MONTH_HOURS;
    let all = [
        (
            "API Gateway",
            "WebSocket messages of 32 KB, both directions",
            float(usage.socket_messages) / MILLION,
            "million",
            prices.million_socket_messages,
        ),
        (
            "API Gateway",
            "WebSocket connection minutes",
            float(usage.connection_ms) / MINUTE_MS / MILLION,
            "million",
            prices.million_connection_minutes,
        ),
        (
            "API Gateway",
            "HTTP API requests of 512 KB",
            float(usage.http_requests) / MILLION,
            "million",
            prices.million_http_requests,
        ),
        (
            "Lambda",
            "requests",
            float(usage.invocations) / MILLION,
            "million",
            prices.million_invocations,
        ),
        (
            "Lambda",
            "duration with init, x86",
            float(usage.mb_ms) / 1024.0 / 1000.0,
            "GB-second",
            prices.gb_second,
        ),
        (
            "DynamoDB",
            "read request units",
            usage.read_units / MILLION,
            "million",
            prices.million_read_units,
        ),
        (
            "DynamoDB",
            "write request units",
            usage.write_units / MILLION,
            "million",
            prices.million_write_units,
        ),
        (
            "DynamoDB",
            "storage",
            stored_bytes / GB * months,
            "GB-month",
            prices.gb_month_table,
        ),
        (
            "DynamoDB",
            "stream reads, without Lambda's",
            float(usage.stream_reads) / MILLION,
            "million",
            prices.million_stream_reads,
        ),
        (
            "SQS",
            "requests of 64 KB",
            float(usage.queue_requests) / MILLION,
            "million",
            prices.million_queue_requests,
        ),
        (
            "S3",
            "PUT, COPY, POST and LIST requests",
            float(usage.object_writes) / 1000.0,
            "thousand",
            prices.thousand_object_writes,
        ),
        (
            "S3",
            "GET and other requests",
            float(usage.object_reads) / 1000.0,
            "thousand",
            prices.thousand_object_reads,
        ),
        (
            "CloudWatch",
            "logs ingested",
            float(usage.log_bytes) / GB,
            "GB",
            prices.gb_logs,
        ),
        (
            "Internet",
            "data transfer out",
            float(usage.egress_bytes) / GB,
            "GB",
            prices.gb_egress,
        ),
    ];
    all.into_iter()
        .map(|(service, item, quantity, unit, price)| Line {
            service,
            item,
            quantity,
            unit,
            price,
            cost: quantity * price,
        })
        .collect()
}

impl fmt::Display for Bill {
    /// Shows the lines that cost something, and the most expensive actions.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            region,
            prices_as_of,
            note,
            total,
            ..
        } = self;
        writeln!(
            f,
            "On AWS this would have cost ${total:.6} ({region}, {prices_as_of}; {note}):"
        )?;
        for line in self.lines.iter().filter(|line| line.cost > 0.0) {
            let name = format!("{}, {}", line.service, line.item);
            writeln!(
                f,
                "  {name:<58} {:>14.6} {:<10} ${:.8}",
                line.quantity, line.unit, line.cost
            )?;
        }
        let mut actions: Vec<_> = self.actions.iter().collect();
        actions.sort_by(|one, other| {
            let [one, other] = [one, other].map(|action| action.each * float(action.count));
            other.total_cmp(&one)
        });
        for action in actions.into_iter().take(SHOWN_ACTIONS) {
            let ActionCost {
                action,
                pushes,
                count,
                each,
                ..
            } = action;
            let pushes = match pushes {
                0 => String::new(),
                1 => " with 1 push".to_owned(),
                pushes => format!(" with {pushes} pushes"),
            };
            let million = each * MILLION;
            writeln!(
                f,
                "  a million of `{action}`{pushes}: ${million:.2} ({count} seen)"
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_quantity_has_its_price() {
        let list: PriceList = "us-east-1".parse().unwrap();
        let usage = Usage {
            socket_messages: 1_000_000,
            pushes: 500_000,
            connection_ms: 60_000 * 1_000_000,
            http_requests: 1_000_000,
            invocations: 1_000_000,
            mb_ms: 1024 * 1000,
            read_units: 1e6,
            write_units: 1e6,
            stream_reads: 1_000_000,
            queue_requests: 1_000_000,
            object_writes: 1000,
            object_reads: 1000,
            log_bytes: 1 << 30,
            egress_bytes: 1 << 30,
        };
        let stored = Stored {
            table_bytes: (1 << 30) - 100,
            items: 1,
            time: Duration::from_secs(730 * 3600),
        };
        let bill = Bill::new(&list, usage, stored, Vec::new());
        let costs: Vec<_> = bill.lines.iter().map(|line| line.cost).collect();
        let expected = [
            1.0,
            0.25,
            1.0,
            0.2,
            0.000_016_666_7,
            0.125,
            0.625,
            0.25,
            0.2,
            0.4,
            0.005,
            0.0004,
            0.5,
            0.09,
        ];
        assert_eq!(costs.len(), expected.len());
        for (cost, expected) in costs.iter().zip(expected) {
            assert!((cost - expected).abs() < 1e-9, "{cost} {expected}");
        }
        assert!((bill.total - expected.iter().sum::<f64>()).abs() < 1e-9);
        assert!(bill.to_string().contains("free tiers"), "{bill}");
    }

    #[test]
    fn an_action_costs_the_average_of_its_kind() {
        let list: PriceList = "us-east-1".parse().unwrap();
        let usage = Usage {
            pushes: 18,
            socket_messages: 22,
            ..Usage::default()
        };
        let actions = vec![ActionUsage {
            action: "send".to_owned(),
            pushes: 9,
            count: 2,
            usage,
        }];
        let bill = Bill::new(&list, usage, Stored::default(), actions);
        assert!((bill.actions[0].each - 11e-6).abs() < 1e-12);
        let shown = bill.to_string();
        assert!(
            shown.contains("a million of `send` with 9 pushes: $11.00"),
            "{shown}"
        );
    }
}
