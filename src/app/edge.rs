//! The face of the servers, and what it hears from other replicas.

use std::sync::Arc;

use super::egress;
use super::ground::Ground;
use super::kept::Kept;
use crate::backends::Backend;
use crate::backends::remote::Mounts;
use crate::config::Config;
use crate::egress::SystemLookup;
use crate::jose::Sealer;
use crate::mcp::{Dispatcher, Edge, EdgeParts, ServerInfo};
use crate::resource_server::{AccessTokens, Policy};

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

/// The servers that tenants have mounted, beside the `built_in` ones.
pub(super) async fn mounts(
    built_in: &[Arc<dyn Backend>],
    ground: &Ground,
) -> anyhow::Result<Mounts> {
    let tokens = egress::open_token_endpoints(ground)?;
    let mounts = Mounts::new(built_in.to_vec(), Arc::new(SystemLookup), tokens).await;
    Ok(mounts.measured_by(ground.figures.meters().clone()))
}

/// The face of the servers behind the policy of the configuration.
pub(super) fn dispatcher(config: &Config, kept: &Kept) -> Dispatcher {
    let policy = Arc::new(Policy::new(config.scopes.catalogue.clone()));
    let info = ServerInfo {
        name: "gatehouse".to_owned(),
        title: "Gatehouse".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let figures = Arc::clone(&kept.ground.figures);
    let (built_in, edge) = (kept.built_in.to_vec(), Arc::clone(&kept.edge));
    Dispatcher::new(built_in, policy, figures, edge, &info)
        .over(Arc::clone(&kept.mounts))
        .recorded_by(kept.audit.clone())
}

/// Hears what other replicas leave, for as long as the process serves.
pub(super) async fn hear(edge: Arc<Edge>) {
    edge.hear().await;
}
