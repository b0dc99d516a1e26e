//! `gatehouse keys`: the keys that sign access tokens.

use super::arguments::KeyCommand;
use super::exit::refused;
use super::{find_tenant, open, terminal};
use crate::app::Gateway;
use crate::authorization_server::KeyRotation;
use crate::config::Config;
use crate::model::TenantSlug;
use crate::operations::By;

/// Runs one of the commands.
pub(super) async fn run(config: &Config, command: KeyCommand) -> anyhow::Result<()> {
    let gateway = open(config).await?;
    match command {
        KeyCommand::List { tenant } => {
            let tenant = find_tenant(&gateway, &tenant).await?;
            list(&gateway, &tenant.slug).await
        }
        KeyCommand::Rotate { tenant } => {
            let tenant = find_tenant(&gateway, &tenant).await?;
            rotate(&gateway, &tenant.slug).await
        }
    }
}

async fn list(gateway: &Gateway, tenant: &TenantSlug) -> anyhow::Result<()> {
    let listed = gateway.operations().list_keys(tenant).await;
    for key in listed.map_err(refused)? {
        let made = terminal::date(key.created_at);
        let (algorithm, state) = (key.algorithm.as_str(), key.state.as_str());
        terminal::print(&format!("{}\t{algorithm}\t{made}\t{state}", key.id))?;
    }
    Ok(())
}

async fn rotate(gateway: &Gateway, tenant: &TenantSlug) -> anyhow::Result<()> {
    let rotated = gateway.operations().rotate_keys(&By::CommandLine, tenant);
    let (newest, rotation) = rotated.await.map_err(refused)?;
    let from = terminal::date(newest.signs_from);
    let already = match rotation {
        KeyRotation::Begun => "",
        KeyRotation::UnderWay => " already",
    };
    terminal::say(&format!(
        "{} is published{already} and signs from {from}",
        newest.id
    ))?;
    Ok(())
}
