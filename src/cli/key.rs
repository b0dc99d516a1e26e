//! `gatehouse keys`: the keys that sign access tokens.

use super::arguments::KeyCommand;
use super::{find_tenant, open, terminal};
use crate::app::Gateway;
use crate::authorization_server::KeyRotation;
use crate::config::Config;
use crate::model::{Clock as _, SystemClock, TenantSlug};

/// Runs one of the commands.
pub(super) async fn run(config: &Config, command: KeyCommand) -> anyhow::Result<()> {
    match command {
        KeyCommand::List { tenant } => {
            let gateway = open(config).await?;
            let tenant = find_tenant(&gateway, &tenant).await?;
            list(&gateway, &tenant.slug).await
        }
        KeyCommand::Rotate { tenant } => {
            let gateway = open(config).await?;
            let tenant = find_tenant(&gateway, &tenant).await?;
            rotate(&gateway, &tenant.slug).await
        }
    }
}

async fn list(gateway: &Gateway, tenant: &TenantSlug) -> anyhow::Result<()> {
    let keys = gateway.store().list_signing_keys(tenant);
    let now = SystemClock.now();
    let mut active_seen = false;
    for key in keys.await? {
        let state = if key.signs_from > now {
            "next"
        } else if active_seen {
            "retired"
        } else {
            active_seen = true;
            "active"
        };
        let made = terminal::date(key.created_at);
        let algorithm = key.algorithm.as_str();
        terminal::print(&format!("{}\t{algorithm}\t{made}\t{state}", key.id))?;
    }
    Ok(())
}

async fn rotate(gateway: &Gateway, tenant: &TenantSlug) -> anyhow::Result<()> {
    let rotation = gateway.rotate_keys(tenant).await?;
    let keys = gateway.store().list_signing_keys(tenant);
    if let Some(newest) = keys.await?.first() {
        let from = terminal::date(newest.signs_from);
        terminal::say(&match rotation {
            KeyRotation::Begun => format!("{} is published and signs from {from}", newest.id),
            KeyRotation::UnderWay => {
                format!("{} is published already and signs from {from}", newest.id)
            }
        })?;
    }
    Ok(())
}
