//! What requests cost: an interceptor of the SDK that asks for the capacity that each call consumes, and counts.

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
        delete_item::{DeleteItemInput, DeleteItemOutput},
        get_item::{GetItemInput, GetItemOutput},
        put_item::{PutItemInput, PutItemOutput},
        query::{QueryInput, QueryOutput},
        transact_write_items::{TransactWriteItemsInput, TransactWriteItemsOutput},
    },
    types::{ConsumedCapacity, ReturnConsumedCapacity},
};
use chat::{
    domain::ConnectionId,
    ports::{Outbound, PushError},
};

/// What was spent since the meter was last read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cost {
    /// Calls of DynamoDB.
    pub calls: usize,
    /// Of these, one after the other: how often a call began while none was under way.
    pub rounds: usize,
    /// Read units.
    pub read_units: f64,
    /// Write units, those of the index among them.
    pub write_units: f64,
    /// Connections to which something was pushed, in order.
    pub pushed: Vec<String>,
    /// What had been spent when the first push was made.
    pub before_push: Option<Box<Self>>,
}

#[derive(Debug, Default)]
struct Count {
    under_way: usize,
    cost: Cost,
}

/// Counts what a client of DynamoDB does, and the pushes that are given to it as to a gateway.
#[derive(Clone, Debug, Default)]
pub struct Meter(Arc<Mutex<Count>>);

impl Meter {
    /// What was spent since this was last asked.
    pub fn read(&self) -> Cost {
        let mut count = self.count();
        assert_eq!(
            count.under_way, 0,
            "no call goes on when its request has been answered"
        );
        std::mem::take(&mut count.cost)
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
        if count.under_way == 0 {
            count.cost.rounds += 1;
        }
        count.under_way += 1;
        Ok(())
    }

    fn modify_before_serialization(
        &self,
        context: &mut BeforeSerializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let input = context.input_mut();
        macro_rules! ask {
            ($($kind:ty)*) => {
                $(if let Some(input) = input.downcast_mut::<$kind>() {
                    input.return_consumed_capacity = Some(ReturnConsumedCapacity::Total);
                    return Ok(());
                })*
            };
        }
        ask!(GetItemInput QueryInput BatchGetItemInput PutItemInput DeleteItemInput TransactWriteItemsInput);
        Err("a call that the meter does not know".into())
    }

    fn read_after_execution(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let mut count = self.count();
        count.under_way -= 1;
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
        units!(read_units: GetItemOutput QueryOutput BatchGetItemOutput);
        units!(write_units: PutItemOutput DeleteItemOutput TransactWriteItemsOutput);
        Ok(())
    }
}

/// Some calls tell what they consumed of one table, others of several.
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
