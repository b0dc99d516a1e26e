//! `gatehouse tenant`: tenants beside those of the configuration file.

use std::path::Path;

use anyhow::Context as _;

use super::arguments::TenantCommand;
use super::exit::Usage;
use super::{no_such_tenant, open, terminal};
use crate::app::Gateway;
use crate::config::{Config, reserved_segment};
use crate::model::{ListedTenant, PublicUrl, Tenant, TenantSlug};

/// Runs one of the commands.
pub(super) async fn run(config: &Config, command: TenantCommand) -> anyhow::Result<()> {
    match command {
        TenantCommand::Add {
            slug,
            public_url,
            file,
        } => {
            check_address(&public_url)?;
            let (text, name) = read(file.as_deref())?;
            let rules = &config.tenant_rules;
            let settings = rules.read(&text, &name, (&slug, &public_url))?;
            let tenant = settings.tenant(slug, public_url);
            let gateway = open(config).await?;
            gateway.add_tenant(&tenant, settings.as_json()).await?;
            say_added(&tenant)
        }
        TenantCommand::List => list(&open(config).await?).await,
        TenantCommand::Remove { slug, yes } => remove(&open(config).await?, &slug, yes).await,
    }
}

fn check_address(public_url: &PublicUrl) -> Result<(), Usage> {
    let Some(segment) = reserved_segment(public_url) else {
        return Ok(());
    };
    Err(Usage(format!(
        "{public_url} can't be a tenant's address: {segment:?} in it is one of Gatehouse's own \
         addresses"
    )))
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
    let (stored, waiting) = gateway.list_tenants().await?;
    for tenant in stored {
        let ListedTenant {
            slug,
            public_url,
            origin,
            ..
        } = &tenant;
        let state = if tenant.active { "active" } else { "inactive" };
        let changed = terminal::date(tenant.changed_at);
        let origin = origin.as_str();
        terminal::print(&format!(
            "{slug}\t{public_url}\t{origin}\t{state}\t{changed}"
        ))?;
    }
    for Tenant {
        slug, public_url, ..
    } in waiting
    {
        terminal::print(&format!(
            "{slug}\t{public_url}\tfile\tfrom the next start on\t-"
        ))?;
    }
    Ok(())
}

async fn remove(gateway: &Gateway, slug: &TenantSlug, yes: bool) -> anyhow::Result<()> {
    if *slug == TenantSlug::default() {
        let reason = "the default tenant is always there and can't be removed";
        return Err(Usage(reason.to_owned()).into());
    }
    if gateway.file_tenant(slug).is_some() {
        let reason = format!("{slug} is in the configuration file: take it out there first");
        return Err(Usage(reason).into());
    }
    if !yes {
        let reason = format!(
            "removing {slug} deletes its accounts, clients, grants and keys for good: say --yes \
             if you mean it"
        );
        return Err(Usage(reason).into());
    }
    if !gateway.remove_tenant(slug).await? {
        return Err(no_such_tenant(gateway, slug.as_str()).await?.into());
    }
    terminal::say(&format!("removed {slug} with everything that it had"))?;
    Ok(())
}
