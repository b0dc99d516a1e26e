//! The face of the servers, and what it hears from other replicas.

use std::sync::Arc;

use super::egress;
use super::ground::Ground;
use crate::backends::Backend;
use crate::backends::remote::{Mounts, ToolLedger};
use crate::config::Config;
use crate::egress::SystemLookup;
use crate::jose::Sealer;
use crate::mcp::{Dispatcher, Edge, EdgeParts, ServerInfo};
use crate::resource_server::{AccessTokens, Policy};
use crate::telemetry::Figures;

/// What the requests of the MCP endpoint share, with the sessions that were ended known.
pub(super) async fn open(
    config: &Config,
    ground: &Ground,
    tokens: &Arc<AccessTokens>,
) -> anyhow::Result<Arc<Edge>> {
    let edge = Edge::new(EdgeParts {
        store: Arc::clone(&ground.store),
        sealer: Sealer::new(&ground.key),
        clock: Arc::clone(&ground.clock),
        random: Arc::clone(&ground.random),
        tokens: Some(Arc::clone(tokens)),
        page_size: config.mcp.page_size,
        session_ttl: config.mcp.session_ttl,
    });
    edge.refresh_sessions().await?;
    Ok(Arc::new(edge))
}

/// The face of the servers behind the policy of the configuration, those that tenants have mounted
/// beside the built-in ones.
pub(super) async fn dispatcher(
    config: &Config,
    backends: Vec<Arc<dyn Backend>>,
    figures: &Arc<Figures>,
    (edge, ledger): (Arc<Edge>, &Arc<ToolLedger>),
) -> anyhow::Result<Dispatcher> {
    let policy = Policy::new(config.scopes.catalogue.clone());
    let info = ServerInfo {
        name: "gatehouse".to_owned(),
        title: "Gatehouse".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let tokens = egress::open_token_endpoints()?;
    let mounts = Mounts::new(backends.clone(), Arc::new(SystemLookup), tokens).await;
    let mounts = mounts.recorded_in(Arc::clone(ledger));
    let dispatcher = Dispatcher::new(backends, Arc::new(policy), Arc::clone(figures), edge, &info);
    Ok(dispatcher.over(Arc::new(mounts)))
}

/// Hears what other replicas leave, for as long as the process serves.
pub(super) async fn hear(edge: Arc<Edge>) {
    edge.hear().await;
}
