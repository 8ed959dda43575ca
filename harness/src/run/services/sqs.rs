//! SQS: the template's queues.

use std::path::PathBuf;

use futures_util::future::BoxFuture;
use tokio::net::TcpListener;

use crate::{
    run::{
        service::{Address, Called, Role, Service, Setup, Stop},
        start_error::StartError,
    },
    sqs::{Queues, SqsApi},
};

/// The file of the messages in the folder of `--data`.
const FILE: &str = "queues.json";

pub(in crate::run) static SERVICE: Service = Service {
    name: "sqs",
    option: "sqs-port",
    default_port: 0,
    help: "Port of SQS; 0 takes any free one",
    addresses: |setup| {
        if setup.stack.queues.is_empty() {
            return Vec::new();
        }
        vec![Address::new(
            SERVICE.name,
            "SQS",
            url(setup.port(SERVICE.name)),
        )]
    },
    // Without a queue, calls fail at Lambda's port.
    variables: &[("AWS_ENDPOINT_URL_SQS", "sqs")],
    role: Role::Called(|setup, listeners| Box::pin(async move { start(setup, listeners) })),
};

/// Returns the URL with which the URLs of queues begin.
pub(super) fn url(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

struct Running {
    api: SqsApi,
    queues: Queues,
    kept: Option<PathBuf>,
}

fn start(setup: &Setup, listeners: Vec<TcpListener>) -> Called {
    let kept = setup.options.data.as_ref();
    // Without a queue nothing is kept.
    let kept = kept.filter(|_| !setup.stack.queues.is_empty());
    let kept = kept.map(|folder| folder.join(FILE));
    if let Some(path) = &kept {
        let restored = setup.queues.restore(path);
        restored.map_err(|source| StartError::Path {
            option: "--data",
            path: path.clone(),
            source,
        })?;
    }
    let api = SqsApi::open(
        listeners,
        url(setup.port(SERVICE.name)),
        setup.queues.clone(),
        setup.access.clone(),
        setup.faults.clone(),
    );
    Ok(Box::new(Running {
        api,
        queues: setup.queues.clone(),
        kept,
    }))
}

impl Stop for Running {
    fn stop(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            drop(self.api);
            if let Some(path) = self.kept
                && let Err(error) = self.queues.keep(&path)
            {
                tracing::warn!(%error, path = %path.display(), "messages of queues are lost");
            }
        })
    }
}
