//! Lambda's Invoke API.

use crate::run::service::{Address, Role, Service};

pub(super) static SERVICE: Service = Service {
    name: "lambda",
    option: "lambda-port",
    default_port: 9000,
    help: "Port of the Lambda API; 0 takes any free one",
    addresses: |setup| {
        let url = format!("http://{}", setup.authority(SERVICE.name));
        vec![Address::new(SERVICE.name, "Lambda", url)]
    },
    variables: &[
        // Calls of all other AWS services fail here instead of going to the internet.
        ("AWS_ENDPOINT_URL", "lambda"),
        ("AWS_ENDPOINT_URL_LAMBDA", "lambda"),
    ],
    role: Role::Lambda,
};
