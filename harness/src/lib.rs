//! A local AWS for one SAM template: API Gateway's WebSocket, management and HTTP APIs, Lambda,
//! DynamoDB, SQS, S3 and an OIDC issuer. The harness knows binaries, the template and JSON; it imports
//! nothing of the application that they belong to.

pub mod invoke;
pub mod stack;

pub mod bill;
pub mod cargo;
pub mod cognito;
pub mod console;
pub mod dynamodb;
pub mod error_chain;
pub mod event_source;
pub mod executables;
pub mod export;
pub mod faults;
pub mod gateway;
pub mod iam;
pub mod identity;
pub mod lambda;
pub mod logs;
pub mod options;
pub mod page;
pub mod push;
pub mod run;
pub mod s3;
pub mod server;
mod service;
pub mod sqs;
pub mod template;
pub mod trace;
pub mod watch;
