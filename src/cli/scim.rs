//! `gatehouse scim`: the tokens of identity providers that keep people and groups here.

use clap::Subcommand;

use super::arguments::TenantOption;
use super::{find_tenant, open, terminal};
use crate::config::Config;

#[derive(Debug, Subcommand)]
pub(super) enum ScimCommand {
    /// Issue a token for the tenant's identity provider; it is shown this once.
    #[command(after_help = "\
Examples:
  gatehouse scim token --tenant acme
  gatehouse scim token --tenant acme --revoke      no issued token is good any more")]
    Token {
        #[command(flatten)]
        tenant: TenantOption,
        /// End all tokens that were issued so.
        #[arg(long)]
        revoke: bool,
    },
}

/// Runs one of the commands.
pub(super) async fn run(config: &Config, command: ScimCommand) -> anyhow::Result<()> {
    match command {
        ScimCommand::Token { tenant, revoke } => {
            let gateway = open(config).await?;
            let tenant = find_tenant(&gateway, &tenant).await?;
            if revoke {
                let removed = gateway
                    .store()
                    .remove_scim_tokens(&gateway.change(&tenant.slug))
                    .await?;
                terminal::say(&format!("{removed} revoked"))?;
                return Ok(());
            }
            if tenant.provisioning.is_none() {
                anyhow::bail!("the tenant {} has no [tenants.scim]", tenant.slug);
            }
            let token = gateway.issue_scim_token(&tenant.slug).await?;
            terminal::print(token.expose())?;
            Ok(())
        }
    }
}
