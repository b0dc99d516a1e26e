//! `gatehouse serve` and `gatehouse stdio`.

use anyhow::Context as _;
use tokio::net::TcpListener;

use super::announce::announcement;
use super::{open, public_url, terminal};
use crate::app;
use crate::app::{Gateway, Source, WeatherSource, local_key_file};
use crate::config::Config;
use crate::server;

/// Serves clients over HTTP until the process is told to stop.
pub(super) async fn serve(source: Source) -> anyhow::Result<()> {
    let config = &source.config;
    let listen = config.server.listen;
    let listener = TcpListener::bind(listen)
        .await
        .with_context(|| format!("can't listen on {listen}"))?;
    let bound = listener.local_addr()?;
    let admin = bind_admin(config).await?;
    let admin_bound = admin.as_ref().map(TcpListener::local_addr).transpose()?;
    let public_url = public_url(config, bound)?;
    let gateway = Gateway::open(config, public_url, WeatherSource::Live).await?;
    gateway.apply_tenants().await?;
    let tenant = gateway.tenant();
    let has_users = !gateway.store().list_users(&tenant.slug).await?.is_empty();
    let key_file = local_key_file(config)?;
    let text = announcement(
        config,
        (bound, admin_bound),
        tenant,
        has_users,
        key_file.as_deref(),
    );
    // Whoever reads that it listens may end it from then on.
    let stop = server::stop_signal()?;
    let hangup = app::hangup();
    terminal::say(&text)?;
    let listeners = (listener, admin);
    gateway.serve(listeners, (source, hangup), stop).await;
    Ok(())
}

async fn bind_admin(config: &Config) -> anyhow::Result<Option<TcpListener>> {
    let Some(address) = config.server.admin_listen else {
        return Ok(None);
    };
    let listener = TcpListener::bind(address).await;
    let listener = listener.with_context(|| {
        format!("can't listen on {address} (server.admin_listen) for operators")
    })?;
    Ok(Some(listener))
}

/// Serves whoever started the process. That may be in any folder, and what is kept for one caller
/// ends with the call: no file is needed for it.
pub(super) async fn serve_stdio(mut config: Config) -> anyhow::Result<()> {
    config.database = config.database.or_memory();
    open(&config).await?.serve_stdio().await
}
