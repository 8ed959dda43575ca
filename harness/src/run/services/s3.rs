//! S3: the template's buckets.

use futures_util::future::BoxFuture;
use tokio::net::TcpListener;

use crate::{
    run::{
        service::{Address, Called, Role, Service, Setup, Stop},
        start_error::StartError,
    },
    s3::{Objects, S3Api},
};

/// The folder of the objects in the folder of `--data`.
const FOLDER: &str = "objects";

pub(super) static SERVICE: Service = Service {
    name: "s3",
    option: "s3-port",
    default_port: 0,
    help: "Port of S3; 0 takes any free one",
    addresses: |setup| {
        if setup.stack.buckets.is_empty() {
            return Vec::new();
        }
        let url = format!("http://{}", setup.authority(SERVICE.name));
        vec![Address::new(SERVICE.name, "S3", url)]
    },
    // Without a bucket, calls fail at Lambda's port.
    variables: &[("AWS_ENDPOINT_URL_S3", "s3")],
    role: Role::Called(|setup, listeners| Box::pin(async move { start(setup, listeners) })),
};

struct Running(Option<S3Api>);

/// Without a bucket the listeners are closed, and no folder is needed.
fn start(setup: &Setup, listeners: Vec<TcpListener>) -> Called {
    if setup.stack.buckets.is_empty() {
        return Ok(Box::new(Running(None)));
    }
    let folder = setup.options.data.as_ref().map(|it| it.join(FOLDER));
    let objects = Objects::open(folder.as_deref()).map_err(|source| StartError::Path {
        option: "--data",
        path: folder.unwrap_or_else(std::env::temp_dir),
        source,
    })?;
    Ok(Box::new(Running(Some(S3Api::open(
        listeners,
        objects,
        &setup.stack.buckets,
        setup.access.clone(),
        setup.faults.clone(),
    )))))
}

impl Stop for Running {
    fn stop(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move { drop(self.0) })
    }
}
