//! `gatehouse tenant`: tenants beside those of the configuration file.

use std::path::Path;

use anyhow::Context as _;

use super::arguments::TenantCommand;
use super::exit::{Usage, refused};
use super::{no_such_tenant, open, terminal};
use crate::app::Gateway;
use crate::config::Config;
use crate::model::{Tenant, TenantSlug};
use crate::operations::{By, OperationError, TenantState};

/// Runs one of the commands.
pub(super) async fn run(config: &Config, command: TenantCommand) -> anyhow::Result<()> {
    match command {
        TenantCommand::Add {
            slug,
            public_url,
            file,
        } => {
            let (text, name) = read(file.as_deref())?;
            let rules = &config.tenant_rules;
            let settings = rules.read(&text, &name, (&slug, &public_url))?;
            let gateway = open(config).await?;
            let operations = gateway.operations();
            let added = operations.add_tenant(&By::CommandLine, (&slug, &public_url), &settings);
            say_added(&added.await.map_err(refused)?)
        }
        TenantCommand::List => list(&open(config).await?).await,
        TenantCommand::Remove { slug, yes } => remove(&open(config).await?, &slug, yes).await,
    }
}

fn read(file: Option<&Path>) -> anyhow::Result<(String, String)> {
    let Some(path) = file else {
        return Ok((String::new(), "no file".to_owned()));
    };
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).with_context(|| format!("can't read {name}"))?;
    Ok((text, name))
}

fn say_added(tenant: &Tenant) -> anyhow::Result<()> {
    let Tenant { slug, resource, .. } = tenant;
    terminal::print(resource.as_str())?;
    terminal::say(&format!(
        "added {slug}: clients connect to {resource}, at running gateways within seconds. Add \
         people with gatehouse user add --tenant {slug}"
    ))?;
    Ok(())
}

async fn list(gateway: &Gateway) -> anyhow::Result<()> {
    let listed = gateway.operations().list_tenants().await;
    for tenant in listed.map_err(refused)? {
        let state = match tenant.state {
            TenantState::Active | TenantState::Inactive => tenant.state.as_str(),
            TenantState::Waiting => "from the next start on",
        };
        let changed = tenant.changed_at.map(terminal::date);
        terminal::print(&format!(
            "{}\t{}\t{}\t{state}\t{}",
            tenant.slug,
            tenant.public_url,
            tenant.origin.as_str(),
            changed.as_deref().unwrap_or("-"),
        ))?;
    }
    Ok(())
}

async fn remove(gateway: &Gateway, slug: &TenantSlug, yes: bool) -> anyhow::Result<()> {
    let operations = gateway.operations();
    operations.check_changeable(slug).map_err(refused)?;
    if !yes {
        let reason = format!(
            "removing {slug} deletes its accounts, clients, grants and keys for good: say --yes \
             if you mean it"
        );
        return Err(Usage(reason).into());
    }
    match operations.remove_tenant(&By::CommandLine, slug).await {
        Ok(()) => {}
        Err(OperationError::Missing { .. }) => {
            return Err(no_such_tenant(operations, slug.as_str()).await?.into());
        }
        Err(error) => return Err(refused(error)),
    }
    terminal::say(&format!("removed {slug} with everything that it had"))?;
    Ok(())
}
