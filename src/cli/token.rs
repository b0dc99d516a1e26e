//! `gatehouse token`: access tokens by hand.

use anyhow::{Context as _, bail};

use super::arguments::TokenCommand;
use super::exit::{Usage, refused};
use super::{find_tenant, open, terminal};
use crate::config::Config;
use crate::model::{ScopeSet, Tenant, User};
use crate::operations::By;

/// Runs one of the commands.
pub(super) async fn run(config: &Config, command: TokenCommand) -> anyhow::Result<()> {
    let TokenCommand::Issue {
        tenant,
        username,
        scope,
        ttl,
    } = command;
    check_issuer(config)?;
    let gateway = open(config).await?;
    let tenant = find_tenant(&gateway, &tenant).await?;
    let user = gateway
        .store()
        .find_user_by_name(&tenant.slug, &username)
        .await?;
    let user = user.with_context(|| format!("there is no account {username:?}"))?;
    if user.disabled {
        bail!("the account {username:?} is disabled");
    }
    let scopes = scopes(config, &tenant, &user, &scope)?;
    let operations = gateway.operations();
    let issued = operations.issue_token(&By::CommandLine, &tenant, &user, scopes, ttl);
    terminal::print(issued.await.map_err(refused)?.expose())?;
    Ok(())
}

/// A token is good for one issuer, so that it has to be known here as it is at the server.
fn check_issuer(config: &Config) -> Result<(), Usage> {
    if config.server.public_url.is_none() && config.server.listen.port() == 0 {
        let reason = "with server.listen at port 0 only the server knows its address: set \
                      server.public_url";
        return Err(Usage(reason.to_owned()));
    }
    Ok(())
}

/// What was asked for, as far as the account's roles have it; all of that where nothing was.
fn scopes(
    config: &Config,
    tenant: &Tenant,
    user: &User,
    asked: &[String],
) -> anyhow::Result<ScopeSet> {
    let roles = tenant.scopes_of_roles(&user.roles);
    let most = config.scopes.catalogue.expand(&roles);
    let asked: ScopeSet = asked.join(" ").parse()?;
    if !most.is_superset(&asked) {
        let reason = format!("the roles of {} have only: {most}", user.username);
        return Err(Usage(reason).into());
    }
    Ok(if asked.is_empty() { most } else { asked })
}
