//! DynamoDB: the engine, the template's tables, and the proxy that functions call.

use futures_util::future::BoxFuture;
use tokio::net::TcpListener;

use crate::{
    dynamodb::{self, Choice, Engine, Proxy},
    run::service::{Address, Called, Role, Service, Setup, Stop},
};

pub(super) static SERVICE: Service = Service {
    name: "dynamodb",
    option: "dynamodb-port",
    default_port: 8000,
    help: "Port of DynamoDB; 0 takes any free one",
    addresses: |setup| {
        let url = format!("http://{}", setup.authority(SERVICE.name));
        vec![Address::new(SERVICE.name, "DynamoDB", url)]
    },
    variables: &[
        ("AWS_ENDPOINT_URL_DYNAMODB", "dynamodb"),
        ("AWS_ENDPOINT_URL_DYNAMODB_STREAMS", "dynamodb"),
    ],
    role: Role::Called(|setup, listeners| Box::pin(start(setup, listeners))),
};

struct Running {
    proxy: Proxy,
    engine: Engine,
}

async fn start(setup: &Setup, listeners: Vec<TcpListener>) -> Called {
    let options = &setup.options;
    // An engine at a URL keeps its own data; `--data` then holds the signing key only.
    let data = match options.dynamodb {
        Choice::Url(_) => None,
        Choice::Embedded | Choice::Local => options.data.as_deref(),
    };
    let choice = options.dynamodb.clone();
    let engine = Engine::start_by(choice, data, setup.clock.clone()).await?;
    dynamodb::create_tables(&setup.stack, &engine).await?;
    // No other service sets it.
    let _ = setup.streams.set(engine.streams());
    let _ = setup.browser.set(engine.browser());
    let proxy = Proxy::open(
        listeners,
        &engine,
        setup.access.clone(),
        setup.faults.clone(),
    );
    Ok(Box::new(Running { proxy, engine }))
}

impl Stop for Running {
    fn stop(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            drop(self.proxy);
            self.engine.stop().await;
        })
    }
}
