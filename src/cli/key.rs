//! `gatehouse keys`: the keys that sign access tokens.

use super::arguments::KeyCommand;
use super::{check_tenant, open, terminal};
use crate::app::Gateway;
use crate::authorization_server::KeyRotation;
use crate::config::Config;
use crate::model::{Clock as _, SystemClock};

/// Runs one of the commands.
pub(super) async fn run(config: &Config, command: KeyCommand) -> anyhow::Result<()> {
    match command {
        KeyCommand::List { tenant } => {
            check_tenant(&tenant.tenant)?;
            list(&open(config).await?).await
        }
        KeyCommand::Rotate { tenant } => {
            check_tenant(&tenant.tenant)?;
            rotate(&open(config).await?).await
        }
    }
}

async fn list(gateway: &Gateway) -> anyhow::Result<()> {
    let keys = gateway.store().list_signing_keys(&gateway.tenant().slug);
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

async fn rotate(gateway: &Gateway) -> anyhow::Result<()> {
    let rotation = gateway.rotate_keys().await?;
    let keys = gateway.store().list_signing_keys(&gateway.tenant().slug);
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
