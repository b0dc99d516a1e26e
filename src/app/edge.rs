//! The face of the servers, and what it hears from other replicas.

use std::sync::Arc;

use crate::backends::Backend;
use crate::config::Config;
use crate::mcp::{Dispatcher, Edge, ServerInfo};
use crate::resource_server::Policy;
use crate::telemetry::Figures;

/// The face of the servers behind the policy of the configuration.
pub(super) fn dispatcher(
    config: &Config,
    backends: Vec<Arc<dyn Backend>>,
    figures: &Arc<Figures>,
    edge: Arc<Edge>,
) -> Dispatcher {
    let policy = Policy::new(config.scopes.catalogue.clone());
    let info = ServerInfo {
        name: "gatehouse".to_owned(),
        title: "Gatehouse".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    Dispatcher::new(backends, Arc::new(policy), Arc::clone(figures), edge, &info)
}

/// Hears what other replicas leave, for as long as the process serves.
pub(super) async fn hear(edge: Arc<Edge>) {
    edge.hear().await;
}
