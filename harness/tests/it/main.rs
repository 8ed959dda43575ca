//! Tests of the harness with real files, processes and sockets.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy's exception for tests does not cover functions that tests share"
)]

mod access;
mod console;
mod dynamodb;
mod event_sources;
mod event_sources_retries;
mod event_sources_world;
mod executables;
mod faults;
mod faults_that_last;
mod foreign;
mod gateway;
mod gateway_closing;
mod gateway_handshakes;
mod gateway_http;
mod gateway_http_access;
mod gateway_http_jwt;
mod gateway_integrations;
mod gateway_management;
mod gateway_messages;
mod gateway_throttles;
mod identity;
mod lambda;
mod lambda_deployment;
mod lambda_invoke_api;
mod lambda_limits;
mod lambda_runtime_api;
#[cfg(target_os = "linux")]
mod memory;
mod metering;
mod pages;
mod project_template;
mod push;
mod run;
mod run_log;
mod s3;
mod s3_lists;
mod s3_pages;
mod s3_world;
mod sample_events;
mod sqs;
mod sqs_mappings;
mod sqs_world;
mod template;
mod template_api_gateway;
mod template_bounds;
mod template_buckets;
mod template_documents;
mod template_dynamic_references;
mod template_errors;
mod template_event_sources;
mod template_http;
mod template_integrations;
mod template_parameters;
mod template_permissions;
mod template_yaml;
mod watch;
