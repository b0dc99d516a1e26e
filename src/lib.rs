//! Gatehouse: an OAuth 2.1 secured, multi-tenant gateway for remote MCP servers.
//!
//! The rooms, bottom to top: [`model`], [`config`], [`telemetry`], [`web`] and [`egress`], [`jose`]
//! and [`store`], [`audit`] and [`rate_limits`], [`identity`] and [`nws`], [`authorization_server`]
//! and [`resource_server`], [`backends`], [`mcp`], [`tenants`], [`operations`], [`middleware`],
//! [`admin`], [`router`] and [`server`], [`app`], [`cli`].
//! A room uses only rooms below it.

pub mod admin;
pub mod app;
pub mod audit;
pub mod authorization_server;
pub mod backends;
pub mod cli;
pub mod config;
pub mod egress;
pub mod identity;
pub mod jose;
pub mod mcp;
pub mod middleware;
pub mod model;
pub mod nws;
pub mod operations;
pub mod rate_limits;
pub mod resource_server;
pub mod router;
pub mod scim;
pub mod server;
pub mod store;
pub mod telemetry;
pub mod tenants;
pub mod web;
