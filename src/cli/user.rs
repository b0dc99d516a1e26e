//! `gatehouse user`: local accounts.

use std::collections::BTreeSet;

use anyhow::{Context as _, bail};

use super::arguments::UserCommand;
use super::exit::Usage;
use super::{find_tenant, open, terminal};
use crate::app::Gateway;
use crate::config::Config;
use crate::model::{Secret, Tenant, TenantSlug};
use crate::store::StoreError;

/// Runs one of the commands.
pub(super) async fn run(config: &Config, command: UserCommand) -> anyhow::Result<()> {
    match command {
        UserCommand::Add {
            tenant,
            username,
            role,
            password_stdin,
        } => {
            check_username(&username)?;
            let gateway = open(config).await?;
            let tenant = find_tenant(&gateway, &tenant).await?;
            for role in &role {
                check_role(&tenant, role)?;
            }
            let roles = role.into_iter().collect();
            let password = if password_stdin {
                terminal::read_password()?
            } else {
                terminal::ask_password(&username)?
            };
            add((&gateway, &tenant), &username, roles, &password).await
        }
        UserCommand::List { tenant } => {
            let gateway = open(config).await?;
            let tenant = find_tenant(&gateway, &tenant).await?;
            list(&gateway, &tenant.slug).await
        }
        UserCommand::Disable { tenant, username } => {
            let gateway = open(config).await?;
            let tenant = find_tenant(&gateway, &tenant).await?;
            set_disabled(&gateway, &tenant.slug, &username, true).await
        }
        UserCommand::Enable { tenant, username } => {
            let gateway = open(config).await?;
            let tenant = find_tenant(&gateway, &tenant).await?;
            set_disabled(&gateway, &tenant.slug, &username, false).await
        }
        UserCommand::SignOut { tenant, username } => {
            let gateway = open(config).await?;
            let tenant = find_tenant(&gateway, &tenant).await?;
            sign_out(&gateway, &tenant.slug, &username).await
        }
        UserCommand::Remove { tenant, username } => {
            let gateway = open(config).await?;
            let tenant = find_tenant(&gateway, &tenant).await?;
            remove(&gateway, &tenant.slug, &username).await
        }
    }
}

async fn add(
    (gateway, tenant): (&Gateway, &Tenant),
    username: &str,
    roles: BTreeSet<String>,
    password: &Secret,
) -> anyhow::Result<()> {
    let named = names(&roles);
    let added = gateway.add_user(&tenant.slug, username, roles, password);
    match added.await {
        Err(error) if matches!(error.downcast_ref(), Some(StoreError::Conflict)) => {
            bail!("there is an account {username:?} already")
        }
        added => added.with_context(|| format!("could not add {username:?}"))?,
    }
    terminal::say(&format!("added {username} with {named}"))?;
    Ok(())
}

async fn list(gateway: &Gateway, tenant: &TenantSlug) -> anyhow::Result<()> {
    for user in gateway.store().list_users(tenant).await? {
        let added = terminal::date(user.created_at);
        let disabled = if user.disabled { "\tdisabled" } else { "" };
        terminal::print(&format!(
            "{}\t{}\t{added}{disabled}",
            user.username,
            join(&user.roles)
        ))?;
    }
    Ok(())
}

async fn set_disabled(
    gateway: &Gateway,
    tenant: &TenantSlug,
    username: &str,
    disabled: bool,
) -> anyhow::Result<()> {
    let (store, change) = (gateway.store(), gateway.change(tenant));
    if !store.set_user_disabled(&change, username, disabled).await? {
        bail!("there is no account {username:?}");
    }
    let done = if disabled { "disabled" } else { "enabled" };
    terminal::say(&format!("{done} {username}"))?;
    Ok(())
}

async fn sign_out(gateway: &Gateway, tenant: &TenantSlug, username: &str) -> anyhow::Result<()> {
    let Some(ended) = gateway.sign_out_everywhere(tenant, username).await? else {
        bail!("there is no account {username:?}");
    };
    terminal::say(&format!(
        "signed {username} out: {} sign-ins and {} grants ended",
        ended.sessions, ended.grants
    ))?;
    Ok(())
}

async fn remove(gateway: &Gateway, tenant: &TenantSlug, username: &str) -> anyhow::Result<()> {
    let change = gateway.change(tenant);
    if !gateway.store().remove_user(&change, username).await? {
        bail!("there is no account {username:?}");
    }
    terminal::say(&format!("removed {username}"))?;
    Ok(())
}

fn join(roles: &BTreeSet<String>) -> String {
    let roles: Vec<&str> = roles.iter().map(String::as_str).collect();
    roles.join(",")
}

fn names(roles: &BTreeSet<String>) -> String {
    let noun = if roles.len() == 1 { "role" } else { "roles" };
    format!("the {noun} {}", join(roles))
}

fn check_username(username: &str) -> Result<(), Usage> {
    let printable = |c: char| !c.is_control() && !c.is_whitespace();
    if !username.is_empty() && username.len() <= 128 && username.chars().all(printable) {
        return Ok(());
    }
    let rule = "a user name has 1 to 128 bytes, without spaces and control characters";
    Err(Usage(rule.to_owned()))
}

fn check_role(tenant: &Tenant, role: &str) -> Result<(), Usage> {
    if tenant.roles.contains_key(role) {
        return Ok(());
    }
    let roles: Vec<&str> = tenant.roles.keys().map(String::as_str).collect();
    let roles = roles.join(", ");
    Err(Usage(format!(
        "there is no role {role:?}; the tenant has: {roles}"
    )))
}
