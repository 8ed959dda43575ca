//! The two local engines, each started once, and the contract tests of the ports on both.

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
};

use aws_sdk_dynamodb::{
    Client, Config,
    config::{
        BehaviorVersion, ConfigBag, Credentials, Intercept, Region, RuntimeComponents,
        interceptors::BeforeSerializationInterceptorContextMut, retry::RetryConfig,
    },
    error::BoxError,
    operation::put_item::PutItemInput,
    types::{
        AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType,
        Projection, ProjectionType, ScalarAttributeType,
    },
};
use chat::contract::{self, Stores};
use chat_aws::dynamo::Table;
use harness::{
    dynamodb::{Choice, Engine, Proxy},
    faults::Faults,
    iam::{self, Access, Signatures},
    stack::Stack,
};
use tokio::{net::TcpListener, runtime::Runtime};

static TABLES: AtomicUsize = AtomicUsize::new(0);

/// Returns the URL of the embedded engine, the harness's default.
pub fn embedded() -> &'static str {
    static URL: OnceLock<String> = OnceLock::new();
    URL.get_or_init(|| start(Choice::Embedded))
}

/// Returns the URL of Amazon's DynamoDB Local. If it does not start, each test that needs it fails.
fn local() -> &'static str {
    static URL: OnceLock<String> = OnceLock::new();
    URL.get_or_init(|| start(Choice::Local))
}

/// Starts an engine that ends with this process. It runs on its own thread, because it outlives the
/// runtime of a single test.
fn start(choice: Choice) -> String {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        Runtime::new().unwrap().block_on(async {
            match Engine::start(choice, None).await {
                Ok(engine) => {
                    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                    let url = format!("http://{}", listener.local_addr().unwrap());
                    let access = Access::from_stack(&no_stack(), Signatures::Verified);
                    let _proxy = Proxy::open(vec![listener], &engine, access, Faults::default());
                    sender.send(Ok(url)).unwrap();
                    std::future::pending().await
                }
                Err(error) => sender.send(Err(error.to_string())).unwrap(),
            }
        });
    });
    receiver.recv().unwrap().unwrap()
}

/// A stack without functions, whose only caller is the administrator.
fn no_stack() -> Stack {
    Stack::default()
}

/// Returns a client without retries for a DynamoDB at this URL.
pub fn client(url: &str) -> Client {
    Client::from_conf(configuration(url).build())
}

/// Returns the configuration of such a client.
pub fn configuration(url: &str) -> aws_sdk_dynamodb::config::Builder {
    let key = iam::Credentials::administrator();
    let key = Credentials::new(key.access_key_id, key.secret_access_key, None, None, "test");
    Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(url)
        .retry_config(RetryConfig::disabled())
        .credentials_provider(key)
}

/// Creates an empty table with a unique name, and with the keys and the index of
/// `infra/template.yaml`.
pub async fn create_table(client: &Client) -> (Table, String) {
    let name = format!("chat-{}", TABLES.fetch_add(1, Ordering::Relaxed));
    let key = |name: &str, kind| {
        KeySchemaElement::builder()
            .attribute_name(name)
            .key_type(kind)
            .build()
            .unwrap()
    };
    let text = |name: &str| {
        let definition = AttributeDefinition::builder().attribute_name(name);
        definition
            .attribute_type(ScalarAttributeType::S)
            .build()
            .unwrap()
    };
    let by_owner = GlobalSecondaryIndex::builder()
        .index_name("by_owner")
        .key_schema(key("owner", KeyType::Hash))
        .key_schema(key("pk", KeyType::Range))
        .projection(
            Projection::builder()
                .projection_type(ProjectionType::KeysOnly)
                .build(),
        );
    client
        .create_table()
        .table_name(&name)
        .billing_mode(BillingMode::PayPerRequest)
        .key_schema(key("pk", KeyType::Hash))
        .key_schema(key("sk", KeyType::Range))
        .set_attribute_definitions(Some(["pk", "sk", "owner"].map(text).into()))
        .global_secondary_indexes(by_owner.build().unwrap())
        .send()
        .await
        .unwrap();
    let table = Table::new(client.clone(), &name);
    (
        table.with_most_participants(contract::MOST_PARTICIPANTS),
        name,
    )
}

struct OnTable {
    runtime: Runtime,
    table: Table,
}

impl OnTable {
    fn of(client: Client) -> Self {
        let runtime = Runtime::new().unwrap();
        let (table, _) = runtime.block_on(create_table(&client));
        // So few that small rosters have several pages.
        let table = table.with_roster_rows(4);
        Self { runtime, table }
    }
}

impl Stores for OnTable {
    type Ports = Table;

    fn ports(&self) -> &Table {
        &self.table
    }

    fn run<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }
}

mod on_embedded {
    chat::contract_tests!(super::OnTable::of(super::client(super::embedded())));
}

mod on_dynamodb_local {
    chat::contract_tests!(super::OnTable::of(super::client(super::local())));
}

/// Removes the condition from every put.
#[derive(Debug)]
struct Unconditional;

impl Intercept for Unconditional {
    fn name(&self) -> &'static str {
        "Unconditional"
    }

    fn modify_before_serialization(
        &self,
        context: &mut BeforeSerializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(put) = context.input_mut().downcast_mut::<PutItemInput>() {
            put.condition_expression = None;
            put.expression_attribute_names = None;
        }
        Ok(())
    }
}

/// The mutant `no_condition` of the model, applied to the requests that the table sends.
#[test]
fn the_contract_detects_a_put_without_its_condition() {
    let configuration = configuration(embedded()).interceptor(Unconditional);
    let stores = OnTable::of(Client::from_conf(configuration.build()));
    let rule = contract::log::two_concurrent_writers_produce_one_dense_log(stores.ports());
    let kept = catch_unwind(AssertUnwindSafe(|| stores.run(rule)));
    assert!(kept.is_err(), "the contract holds without the condition");
}
