//! `gatehouse user`: local accounts.

use anyhow::{Context as _, bail};

use super::arguments::UserCommand;
use super::exit::Usage;
use super::{check_tenant, open, terminal};
use crate::app::Gateway;
use crate::config::Config;
use crate::model::Secret;
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
            check_tenant(&tenant.tenant)?;
            check_username(&username)?;
            check_role(config, &role)?;
            let gateway = open(config).await?;
            let password = if password_stdin {
                terminal::read_password()?
            } else {
                terminal::ask_password(&username)?
            };
            add(&gateway, &username, &role, &password).await
        }
        UserCommand::List { tenant } => {
            check_tenant(&tenant.tenant)?;
            list(&open(config).await?).await
        }
        UserCommand::Disable { tenant, username } => {
            check_tenant(&tenant.tenant)?;
            set_disabled(&open(config).await?, &username, true).await
        }
        UserCommand::Enable { tenant, username } => {
            check_tenant(&tenant.tenant)?;
            set_disabled(&open(config).await?, &username, false).await
        }
        UserCommand::Remove { tenant, username } => {
            check_tenant(&tenant.tenant)?;
            remove(&open(config).await?, &username).await
        }
    }
}

async fn add(
    gateway: &Gateway,
    username: &str,
    role: &str,
    password: &Secret,
) -> anyhow::Result<()> {
    match gateway.add_user(username, role, password).await {
        Err(error) if matches!(error.downcast_ref(), Some(StoreError::Conflict)) => {
            bail!("there is an account {username:?} already")
        }
        added => added.with_context(|| format!("could not add {username:?}"))?,
    }
    terminal::say(&format!("added {username} with the role {role}"))?;
    Ok(())
}

async fn list(gateway: &Gateway) -> anyhow::Result<()> {
    for user in gateway.store().list_users(&gateway.tenant().slug).await? {
        let added = terminal::date(user.created_at);
        let disabled = if user.disabled { "\tdisabled" } else { "" };
        terminal::print(&format!(
            "{}\t{}\t{added}{disabled}",
            user.username, user.role
        ))?;
    }
    Ok(())
}

async fn set_disabled(gateway: &Gateway, username: &str, disabled: bool) -> anyhow::Result<()> {
    let slug = &gateway.tenant().slug;
    let store = gateway.store();
    if !store.set_user_disabled(slug, username, disabled).await? {
        bail!("there is no account {username:?}");
    }
    let done = if disabled { "disabled" } else { "enabled" };
    terminal::say(&format!("{done} {username}"))?;
    Ok(())
}

async fn remove(gateway: &Gateway, username: &str) -> anyhow::Result<()> {
    let removed = gateway
        .store()
        .remove_user(&gateway.tenant().slug, username)
        .await?;
    if !removed {
        bail!("there is no account {username:?}");
    }
    terminal::say(&format!("removed {username}"))?;
    Ok(())
}

fn check_username(username: &str) -> Result<(), Usage> {
    let printable = |c: char| !c.is_control() && !c.is_whitespace();
    if !username.is_empty() && username.len() <= 128 && username.chars().all(printable) {
        return Ok(());
    }
    let rule = "a user name has 1 to 128 bytes, without spaces and control characters";
    Err(Usage(rule.to_owned()))
}

fn check_role(config: &Config, role: &str) -> Result<(), Usage> {
    if config.roles.contains_key(role) {
        return Ok(());
    }
    let roles: Vec<&str> = config.roles.keys().map(String::as_str).collect();
    let roles = roles.join(", ");
    Err(Usage(format!(
        "there is no role {role:?}; the tenant has: {roles}"
    )))
}
