//! `gatehouse user`: accounts.

use std::collections::BTreeSet;

use super::arguments::{TenantOption, UserCommand};
use super::exit::refused;
use super::{find_tenant, open, terminal};
use crate::app::Gateway;
use crate::config::Config;
use crate::model::TenantSlug;
use crate::operations::{By, NewUser};

/// Runs one of the commands.
pub(super) async fn run(config: &Config, command: UserCommand) -> anyhow::Result<()> {
    let gateway = open(config).await?;
    match command {
        UserCommand::Add {
            tenant,
            username,
            role,
            password_stdin,
        } => {
            let roles = role.into_iter().collect();
            let user = NewUser { username, roles };
            add((&gateway, &tenant), user, password_stdin).await
        }
        UserCommand::List { tenant } => {
            let tenant = find_tenant(&gateway, &tenant).await?;
            list(&gateway, &tenant.slug).await
        }
        UserCommand::Disable { tenant, username } => {
            set_disabled((&gateway, &tenant), &username, true).await
        }
        UserCommand::Enable { tenant, username } => {
            set_disabled((&gateway, &tenant), &username, false).await
        }
        UserCommand::SignOut { tenant, username } => sign_out((&gateway, &tenant), &username).await,
        UserCommand::Remove { tenant, username } => remove((&gateway, &tenant), &username).await,
    }
}

async fn add(
    (gateway, tenant): (&Gateway, &TenantOption),
    user: NewUser,
    password_stdin: bool,
) -> anyhow::Result<()> {
    let tenant = find_tenant(gateway, tenant).await?;
    // Before anyone types a password for nothing.
    user.check(&tenant).map_err(refused)?;
    let password = if password_stdin {
        terminal::read_password()?
    } else {
        terminal::ask_password(&user.username)?
    };
    let operations = gateway.operations();
    let added = operations.add_user(&By::CommandLine, &tenant, user, &password);
    let user = added.await.map_err(refused)?;
    let noun = if user.roles.len() == 1 {
        "role"
    } else {
        "roles"
    };
    let (username, roles) = (&user.username, join(&user.roles));
    terminal::say(&format!("added {username} with the {noun} {roles}"))?;
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
    (gateway, tenant): (&Gateway, &TenantOption),
    username: &str,
    disabled: bool,
) -> anyhow::Result<()> {
    let slug = &find_tenant(gateway, tenant).await?.slug;
    let operations = gateway.operations();
    let found = operations.find_user_by_name(slug, username).await;
    let user = found.map_err(refused)?;
    let changed = operations.set_user_disabled(&By::CommandLine, slug, &user, disabled);
    changed.await.map_err(refused)?;
    let done = if disabled { "disabled" } else { "enabled" };
    terminal::say(&format!("{done} {username}"))?;
    Ok(())
}

async fn sign_out(
    (gateway, tenant): (&Gateway, &TenantOption),
    username: &str,
) -> anyhow::Result<()> {
    let slug = &find_tenant(gateway, tenant).await?.slug;
    let operations = gateway.operations();
    let found = operations.find_user_by_name(slug, username).await;
    let user = found.map_err(refused)?;
    let ended = operations.sign_out_user(&By::CommandLine, slug, &user);
    let ended = ended.await.map_err(refused)?;
    terminal::say(&format!(
        "signed {username} out: {} sign-ins and {} grants ended",
        ended.sessions, ended.grants
    ))?;
    Ok(())
}

async fn remove(
    (gateway, tenant): (&Gateway, &TenantOption),
    username: &str,
) -> anyhow::Result<()> {
    let slug = &find_tenant(gateway, tenant).await?.slug;
    let operations = gateway.operations();
    let found = operations.find_user_by_name(slug, username).await;
    let user = found.map_err(refused)?;
    let removed = operations.remove_user(&By::CommandLine, slug, &user);
    removed.await.map_err(refused)?;
    terminal::say(&format!("removed {username}"))?;
    Ok(())
}

fn join(roles: &BTreeSet<String>) -> String {
    let roles: Vec<&str> = roles.iter().map(String::as_str).collect();
    roles.join(",")
}
