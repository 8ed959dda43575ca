//! `AWS::ApiGatewayV2::*`: an API in parts, without SAM or beside an API of SAM.

mod absent;
mod api;
mod authorizer;
mod http;
mod integration;
mod linking;
mod mapping;
mod mock;
mod part;
mod parts;
mod permission;
mod route;
mod stage;

pub(super) use self::{
    api::read,
    http::read as read_http,
    integration::{HTTP_TIMEOUT, Integration, TIMEOUT},
    parts::Parts,
    stage::stage_name,
};
