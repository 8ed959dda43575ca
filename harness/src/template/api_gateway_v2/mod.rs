//! `AWS::ApiGatewayV2::*`: a WebSocket API in parts, without SAM or beside an API of SAM.

mod api;
mod authorizer;
mod integration;
mod linking;
mod part;
mod parts;
mod permission;
mod route;
mod stage;

pub(super) use self::{api::read, integration::TIMEOUT, parts::Parts, stage::stage_name};
