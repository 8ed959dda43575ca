//! Measures the cost of requests: an SDK interceptor that requests and sums up the consumed
//! capacity.

use std::sync::{Arc, Mutex, MutexGuard};

use aws_sdk_dynamodb::{
    config::{
        ConfigBag, Intercept, RuntimeComponents,
        interceptors::{
            BeforeSerializationInterceptorContextMut, BeforeSerializationInterceptorContextRef,
            FinalizerInterceptorContextRef,
        },
    },
    error::BoxError,
    operation::{
        batch_get_item::{BatchGetItemInput, BatchGetItemOutput},
        batch_write_item::{BatchWriteItemInput, BatchWriteItemOutput},
        delete_item::{DeleteItemInput, DeleteItemOutput},
        get_item::{GetItemInput, GetItemOutput},
        put_item::{PutItemInput, PutItemOutput},
        query::{QueryInput, QueryOutput},
        scan::{ScanInput, ScanOutput},
        transact_write_items::{TransactWriteItemsInput, TransactWriteItemsOutput},
        update_item::{UpdateItemInput, UpdateItemOutput},
    },
    types::{ConsumedCapacity, ReturnConsumedCapacity},
};
use chat::{
    domain::ConnectionId,
    ports::{Outbound, PushError},
};

/// The cost since the meter was last read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cost {
    /// The number of calls to DynamoDB.
    pub calls: usize,
    /// The number of sequential rounds: how often a call began while no other was running.
    pub rounds: usize,
    /// The consumed read units.
    pub read_units: f64,
    /// The consumed write units, including those of the index.
    pub write_units: f64,
    /// The connections that were pushed to, in order.
    pub pushed: Vec<String>,
    /// The cost up to the first push.
    pub before_push: Option<Box<Self>>,
}

#[derive(Debug, Default)]
struct Count {
    running: usize,
    cost: Cost,
    entries: usize,
}

/// Counts the calls of a DynamoDB client, and pushes in place of a gateway.
#[derive(Clone, Debug, Default)]
pub struct Meter(Arc<Mutex<Count>>);

impl Meter {
    /// Returns the cost since the last call of this method.
    pub fn read(&self) -> Cost {
        let mut count = self.count();
        assert_eq!(
            count.running, 0,
            "a call is still running after the reply to its request"
        );
        std::mem::take(&mut count.cost)
    }

    /// Returns the number of entries that queries returned since the last call of this method.
    pub fn read_entries(&self) -> usize {
        std::mem::take(&mut self.count().entries)
    }

    fn count(&self) -> MutexGuard<'_, Count> {
        self.0.lock().unwrap()
    }
}

impl Outbound for Meter {
    async fn push(&self, connection: &ConnectionId, _: &str) -> Result<(), PushError> {
        let cost = &mut self.count().cost;
        if cost.before_push.is_none() {
            cost.before_push = Some(Box::new(cost.clone()));
        }
        cost.pushed.push(connection.to_string());
        Ok(())
    }
}

impl Intercept for Meter {
    fn name(&self) -> &'static str {
        "Meter"
    }

    fn read_before_execution(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let mut count = self.count();
        count.cost.calls += 1;
        if count.running == 0 {
            count.cost.rounds += 1;
        }
        count.running += 1;
        Ok(())
    }

    fn modify_before_serialization(
        &self,
        context: &mut BeforeSerializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let input = context.input_mut();
        macro_rules! request_capacity {
            ($($kind:ty)*) => {
                $(if let Some(input) = input.downcast_mut::<$kind>() {
                    input.return_consumed_capacity = Some(ReturnConsumedCapacity::Total);
                    return Ok(());
                })*
            };
        }
        request_capacity!(GetItemInput QueryInput ScanInput BatchGetItemInput BatchWriteItemInput PutItemInput DeleteItemInput TransactWriteItemsInput UpdateItemInput);
        Err("the meter does not know this call".into())
    }

    fn read_after_execution(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let mut count = self.count();
        count.running -= 1;
        let Some(Ok(output)) = context.output_or_error() else {
            return Ok(());
        };
        macro_rules! units {
            ($total:ident: $($kind:ty)*) => {
                $(if let Some(output) = output.downcast_ref::<$kind>() {
                    let consumed = output.consumed_capacity.iter().flat_map(Each::each);
                    count.cost.$total += consumed.map(|each| each.capacity_units.unwrap()).sum::<f64>();
                })*
            };
        }
        if let Some(output) = output.downcast_ref::<QueryOutput>() {
            let sort_keys = output
                .items()
                .iter()
                .filter_map(|item| item.get("sk")?.as_s().ok());
            count.entries += sort_keys.filter(|sk| sk.starts_with("event#")).count();
        }
        units!(read_units: GetItemOutput QueryOutput ScanOutput BatchGetItemOutput);
        units!(write_units: BatchWriteItemOutput PutItemOutput DeleteItemOutput TransactWriteItemsOutput UpdateItemOutput);
        Ok(())
    }
}

/// Some calls report the consumed capacity of one table, others of several.
trait Each {
    fn each(&self) -> &[ConsumedCapacity];
}

impl Each for ConsumedCapacity {
    fn each(&self) -> &[ConsumedCapacity] {
        std::slice::from_ref(self)
    }
}

impl Each for Vec<ConsumedCapacity> {
    fn each(&self) -> &[ConsumedCapacity] {
        self
    }
}
