//! `gatehouse keys`: the keys that sign access tokens.

use super::arguments::KeyCommand;
use super::{check_tenant, open, terminal};
use crate::config::Config;

/// Runs one of the commands.
pub(super) async fn run(config: &Config, command: KeyCommand) -> anyhow::Result<()> {
    let KeyCommand::List { tenant } = command;
    check_tenant(&tenant.tenant)?;
    let gateway = open(config).await?;
    for key in gateway
        .store()
        .list_signing_keys(&gateway.tenant().slug)
        .await?
    {
        let made = terminal::date(key.created_at);
        terminal::print(&format!("{}\t{}\t{made}", key.id, key.algorithm.as_str()))?;
    }
    Ok(())
}
