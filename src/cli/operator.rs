//! `gatehouse operator`: who may use the admin API and the console.

use std::time::Duration;

use clap::{Subcommand, ValueEnum};

use super::exit::refused;
use super::{find_tenant, open, terminal};
use crate::app::Gateway;
use crate::cli::arguments::TenantOption;
use crate::config::{Config, duration};
use crate::model::{OperatorRole, TenantSlug};
use crate::operations::{By, NewOperator};

#[derive(Debug, Subcommand)]
pub(super) enum OperatorCommand {
    /// Add an operator; prints their token, which can't be shown again.
    #[command(after_help = "\
Examples:
  gatehouse operator add ada --role admin
  gatehouse operator add acme-support --role operator --tenant acme --expires-in 90d

Operators use the token at the console and, as a bearer token, at the admin API; both are served at
server.admin_listen. A viewer looks; an operator changes users, clients and grants as well; an admin
changes tenants, keys and operators as well.")]
    Add {
        /// Their name: a-z, 0-9, '-', '_' and '.'.
        name: String,
        /// What they may do.
        #[arg(long)]
        role: RoleName,
        /// The one tenant that exists for them; all of them without it.
        #[arg(long, value_name = "SLUG")]
        tenant: Option<String>,
        /// For how long the token is good, as in 12h, 90d; until it is removed without it.
        #[arg(long, value_name = "DURATION", value_parser = lifetime)]
        expires_in: Option<Duration>,
    },
    /// Print the operators: name, role, tenant, when they were added and when their token ends, a tab
    /// apart.
    #[command(after_help = "\
Example:
  gatehouse operator list | cut -f1,2")]
    List,
    /// Remove an operator; their token and their sign-ins end at once.
    #[command(after_help = "\
Example:
  gatehouse operator remove ada")]
    Remove {
        /// Their name.
        name: String,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum RoleName {
    /// Looks at everything and changes nothing.
    Viewer,
    /// Changes users, clients and grants.
    Operator,
    /// Changes tenants, keys and operators.
    Admin,
}

fn lifetime(text: &str) -> Result<Duration, String> {
    duration(text).ok_or_else(|| "a duration ends in s, m, h or d, as in 90d".to_owned())
}

/// Runs one of the commands.
pub(super) async fn run(config: &Config, command: OperatorCommand) -> anyhow::Result<()> {
    let gateway = open(config).await?;
    match command {
        OperatorCommand::Add {
            name,
            role,
            tenant,
            expires_in,
        } => {
            let new = NewOperator {
                name,
                role: role.into(),
                tenant: restriction(&gateway, tenant).await?,
                lifetime: expires_in,
            };
            add(&gateway, new).await
        }
        OperatorCommand::List => list(&gateway).await,
        OperatorCommand::Remove { name } => {
            let removed = gateway
                .operations()
                .remove_operator(&By::CommandLine, &name);
            removed.await.map_err(refused)?;
            terminal::say(&format!("removed {name}"))?;
            Ok(())
        }
    }
}

async fn restriction(
    gateway: &Gateway,
    tenant: Option<String>,
) -> anyhow::Result<Option<TenantSlug>> {
    let Some(tenant) = tenant else {
        return Ok(None);
    };
    let tenant = find_tenant(gateway, &TenantOption { tenant }).await?;
    Ok(Some(tenant.slug.clone()))
}

async fn add(gateway: &Gateway, new: NewOperator) -> anyhow::Result<()> {
    let added = gateway.operations().add_operator(&By::CommandLine, new);
    let (operator, token) = added.await.map_err(refused)?;
    terminal::print(token.expose())?;
    let role = operator.role.as_str();
    terminal::say(&format!(
        "added {} with the role {role}; the token above can't be shown again",
        operator.name
    ))?;
    Ok(())
}

async fn list(gateway: &Gateway) -> anyhow::Result<()> {
    let listed = gateway.operations().list_operators().await;
    for operator in listed.map_err(refused)? {
        let tenant = operator.tenant.as_ref().map_or("*", TenantSlug::as_str);
        let ends = operator.expires_at.map(terminal::date);
        terminal::print(&format!(
            "{}\t{}\t{tenant}\t{}\t{}",
            operator.name,
            operator.role.as_str(),
            terminal::date(operator.created_at),
            ends.as_deref().unwrap_or("-"),
        ))?;
    }
    Ok(())
}

impl From<RoleName> for OperatorRole {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Viewer => Self::Viewer,
            RoleName::Operator => Self::Operator,
            RoleName::Admin => Self::Admin,
        }
    }
}
