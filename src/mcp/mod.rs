//! The protocol face (MCP 2026-07-28, 2025-11-25, 2025-06-18): from bytes to backends and back.
//!
//! A request passes [`http::accept`], which parses and checks it; [`Dispatcher::operation`], which
//! says what it needs a permit for; and [`http::post`], which has it answered by
//! [`Dispatcher::dispatch`]. [`stdio::serve`] leads the same way from lines to lines.

mod answered;
mod bells;
mod caller;
mod capabilities;
mod dispatch;
mod edge;
mod error;
mod exchange;
mod extras;
mod happening;
mod headers;
mod incoming;
mod lasting;
mod listen;
mod listing;
mod measure;
mod message;
mod method;
mod outbox;
mod param_headers;
mod parked;
mod recording;
mod reference;
mod relayed;
mod reply;
mod revision;
mod rounds;
mod seals;
mod servers;
mod session;
mod shares;
mod sse;
mod tasks;
mod tenant_changes;
mod welcome;

pub mod http;
pub mod stdio;
pub mod wire;

pub use dispatch::{Dispatcher, ServerInfo};
pub use edge::{Edge, EdgeParts};
pub use error::{Fault, RpcError};
pub use message::{ClientResponse, Message, Notification, Request, RequestId};
pub use reply::Reply;
pub use revision::Revision;
pub use sse::open_streams;
