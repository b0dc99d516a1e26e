//! The protocol face (MCP 2026-07-28, 2025-11-25, 2025-06-18): from bytes to backends and back.
//!
//! A request passes [`http::accept`], which parses and checks it; [`Dispatcher::operation`], which
//! says what it needs a permit for; and [`http::post`], which has it answered by
//! [`Dispatcher::dispatch`]. [`stdio::serve`] leads the same way from lines to lines.

mod dispatch;
mod error;
mod exchange;
mod headers;
mod listing;
mod message;
mod method;
mod param_headers;
mod reply;
mod revision;
mod sse;

pub mod http;
pub mod stdio;
pub mod wire;

pub use dispatch::{Dispatcher, ServerInfo};
pub use error::{Fault, RpcError};
pub use message::{Message, Notification, Request, RequestId};
pub use reply::Reply;
pub use revision::Revision;
