//! What operators use: the admin API, and the console in a browser. Both are served at the admin
//! listener and nowhere else, and both come to the same operations.

mod api;
mod console;
mod host;
mod seat;

use std::sync::Arc;

use axum::Router;

use crate::backends::remote::Mounts;
use crate::model::PublicUrl;
use crate::operations::Operations;
use crate::telemetry::{Figures, History};

pub use api::document;

/// What the endpoints share.
#[derive(Debug)]
pub struct Context {
    /// What can be done.
    pub operations: Arc<Operations>,
    /// What this process has counted.
    pub figures: Arc<Figures>,
    /// How that moved.
    pub history: Arc<History>,
    /// What is mounted.
    pub mounts: Arc<Mounts>,
    /// The https address of the console, where it has one.
    pub url: Option<PublicUrl>,
}

/// The admin API and the console.
pub fn routes(context: &Arc<Context>) -> Router {
    let console = console::routes(Arc::clone(context));
    let all = api::routes(Arc::clone(context)).merge(console);
    all.layer(axum::middleware::from_fn_with_state(
        Arc::clone(context),
        host::station,
    ))
}
