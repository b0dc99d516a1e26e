//! `gatehouse scim`: the tokens of identity providers that keep people and groups here.

use clap::Subcommand;

use super::arguments::TenantOption;
use super::exit::refused;
use super::{find_tenant, open, terminal};
use crate::config::Config;
use crate::operations::By;

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
            let operations = gateway.operations();
            if revoke {
                let revoked = operations.revoke_scim_tokens(&By::CommandLine, &tenant.slug);
                let revoked = revoked.await.map_err(refused)?;
                terminal::say(&format!("{revoked} revoked"))?;
                return Ok(());
            }
            let token = operations.issue_scim_token(&By::CommandLine, &tenant);
            terminal::print(token.await.map_err(refused)?.expose())?;
            Ok(())
        }
    }
}
